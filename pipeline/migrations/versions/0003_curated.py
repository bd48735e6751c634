from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute("DROP TABLE curated.fact_orders, curated.dim_products, curated.dim_customers")
