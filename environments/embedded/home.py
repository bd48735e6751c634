"""Where the environment keeps things: one home folder per clone, one cache folder per user."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from environments.embedded.errors import EnvironmentFailed
from environments.embedded.files import make_folder

REPOSITORY = Path(__file__).resolve().parents[2]
_MARKER = ".ecom-home"


def is_root() -> bool:
    """Say whether this process is root, for whom PostgreSQL refuses to run."""
    return os.geteuid() == 0


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ECOM_HOME, or this clone's own folder under the user's data folder."""
    if given := environ.get("ECOM_HOME"):
        return Path(given).expanduser().absolute()
    digest = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
    # Root's own folders are closed to the system user that PostgreSQL runs as.
    base = Path("/var/lib/ecom") if is_root() else platformdirs.user_data_path("ecom")
    return base / f"{REPOSITORY.name}-{digest}"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ECOM_CACHE, or the folder shared by all clones of this user."""
    if given := environ.get("ECOM_CACHE"):
        return Path(given).expanduser().absolute()
    return Path("/var/cache/ecom") if is_root() else platformdirs.user_cache_path("ecom")


@dataclass(frozen=True)
class Home:
    """The folder that holds all state of one environment: data, logs, secrets."""

    root: Path

    @property
    def state_file(self) -> Path:
        """Return the file that says what runs."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Return the file whose lock the one supervisor of this home holds."""
        return self.root / "supervisor.lock"

    @property
    def env_file(self) -> Path:
        """Return the file with the variables of `Platform.as_env()`."""
        return self.root / "platform.env"

    @property
    def logs(self) -> Path:
        """Return the folder with one log file per service."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """Return the folder with one password file per role."""
        return self.root / "secrets"

    @property
    def run(self) -> Path:
        """Return the folder for files that mean nothing once the services are down."""
        return self.root / "run"

    def log(self, name: str) -> Path:
        """Return the log file of a service or step."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the folders; refuse a folder that holds somebody else's files."""
        if "\n" in str(self.root):
            raise EnvironmentFailed(
                f"{str(self.root)!r} has a line break in its name; set ECOM_HOME to another"
            )
        if self.root.exists() and not self.ours and any(self.root.iterdir()):
            raise EnvironmentFailed(
                f"{self.root} is not empty and not made by `ecom up`; set ECOM_HOME to a folder of its own"
            )
        # The system user that runs PostgreSQL for root has to pass through the home, but may not list it.
        make_folder(self.root, "ECOM_HOME")
        try:
            self._claim()
        except OSError as error:
            raise EnvironmentFailed(f"{self.root} can't be used: {error.strerror}; set ECOM_HOME") from None

    def _claim(self) -> None:
        self.root.chmod(0o711 if is_root() else 0o700)
        (self.root / _MARKER).touch()
        for folder in (self.logs, self.secrets, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def ours(self) -> bool:
        """Say whether this environment made the folder."""
        return (self.root / _MARKER).exists()
