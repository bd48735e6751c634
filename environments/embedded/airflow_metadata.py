"""Airflow's metadata grow with every run of every DAG; what is older than the retention goes, once a day."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from environments.embedded import airflow_settings, process
from environments.embedded.child import leash
from environments.embedded.home import REPOSITORY, Home

LOG = "airflow-cleaning"
_EVERY_S = 86_400


class MetadataCleaning:
    """Called every few minutes; starts `airflow db clean` beside the services when a day has passed.

    A process of its own, because it takes seconds and the caller watches over the services. Each DAG keeps
    its latest scheduled run, by which the scheduler knows what comes next.
    """

    def __init__(self, home: Home, keep_days: int, env: Mapping[str, str], without: tuple[str, ...]) -> None:
        """Take what the service has that it belongs to; `without` are variables that it does not inherit."""
        self._home = home
        self._keep_days = keep_days
        self._env = env
        self._without = without
        self.started: list[subprocess.Popen[bytes]] = []

    @property
    def marker(self) -> Path:
        """Return the file whose age is the time since the last cleaning."""
        return airflow_settings.folder(self._home) / ".metadata-cleaned"

    def __call__(self, service: str) -> None:
        """Start a cleaning if it is due; it ends with the service that is named."""
        if any(one.poll() is None for one in self.started):
            return
        due = self.marker.exists() and time.time() - self.marker.stat().st_mtime > _EVERY_S
        if due or not self.marker.exists():
            self.marker.touch()
        if due:
            self._start(service)

    def _start(self, service: str) -> None:
        before = datetime.now(UTC) - timedelta(days=self._keep_days)
        command = [sys.executable, "-m", "airflow", "db", "clean", "--yes", "--skip-archive"]
        command += ["--clean-before-timestamp", before.isoformat()]
        with self._home.log(LOG).open("wb") as log:
            cleaning = subprocess.Popen(
                # Orders go first on a busy machine.
                [*leash(signal.SIGTERM), "nice", "-n", "10", *command],
                env={
                    **process.inherited(self._without),
                    **self._env,
                    process.MARK: process.mark(self._home, service),
                },
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = [cleaning]
