from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP SCHEMA ops, curated, staging, raw CASCADE")
