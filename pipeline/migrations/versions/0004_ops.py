from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP TABLE ops.publications, ops.dlq_events, ops.stream_commits, ops.stream_offsets")
