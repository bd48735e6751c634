"""Airflow's logs and metadata grow with every run; what is older than the retention goes, once a day."""

from environments.local.airflow_settings import LOGS
from environments.local.container import is_fresh
from infra.config import AirflowConfig

_CLEANED = "/tmp/airflow.cleaned"  # noqa: S108 - the container's own, with one process in it
# A day's sleep, and a day's trying.
_STALE_MINUTES = 2 * 24 * 60


def command(config: AirflowConfig) -> list[str]:
    """Return a shell's command that cleans at once and every day, for good.

    Each DAG keeps its latest scheduled run, by which the scheduler knows what comes next.
    """
    before = f'"$(date --utc --date "-{config.metadata_retention_days} days" +%FT%TZ)"'
    clean = f"nice -n 10 airflow db clean --yes --skip-archive --clean-before-timestamp {before}"
    script = f"""
        while true; do
            find {LOGS} -type f -mtime +{config.log_retention_days} -delete
            find {LOGS} -mindepth 1 -type d -empty -mmin +60 -delete
            until {clean}; do sleep 60; done
            touch {_CLEANED}
            sleep 86400
        done
    """
    return ["bash", "-c", "\n".join(line.strip() for line in script.strip().splitlines())]


def health() -> list[str]:
    """Return the check that the last cleaning worked and is not long ago."""
    return is_fresh(_CLEANED, _STALE_MINUTES)
