from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP TABLE ops.quality_results, ops.quality_exceptions")
