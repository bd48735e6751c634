"""Prepare the warehouse: `python -m environments.aws.setup`; safe to repeat."""

import subprocess
import sys

from environments.aws.setup.metabase_database import ensure_metabase


def main() -> int:
    """Migrate, which waits for PostgreSQL and sets the roles' passwords; then Metabase's database."""
    migrated = subprocess.run([sys.executable, "-m", "pipeline.migrate"], check=False)
    if migrated.returncode != 0:
        return migrated.returncode
    ensure_metabase()
    return 0


if __name__ == "__main__":
    sys.exit(main())
