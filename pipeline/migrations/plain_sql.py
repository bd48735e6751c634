"""Run a migration's plain SQL as it stands."""

from pathlib import Path

from alembic import op


def run_beside(version_file: str) -> None:
    """Execute the .sql file beside a version's .py file; no parameters, so % and : mean themselves."""
    statements = Path(version_file).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().connection.cursor().execute(statements)
