from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP TABLE ops.stream_starts")
