from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP TABLE raw.orders, raw.products, raw.customers")
