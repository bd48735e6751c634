from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("ALTER TABLE ops.stream_offsets DROP COLUMN skipped_offsets")
