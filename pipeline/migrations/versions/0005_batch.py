from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE ops.publications DROP COLUMN run_id, DROP COLUMN customers_mark,"
        " DROP COLUMN products_mark;"
        "DROP TABLE ops.batch_seat, ops.batch_runs, staging.loads, staging.affected_orders,"
        " staging.fact_orders, staging.dim_products, staging.dim_customers;"
        "REVOKE SELECT ON ALL SEQUENCES IN SCHEMA raw FROM etl;"
        "ALTER TABLE raw.products DROP COLUMN raw_id;"
        "ALTER TABLE raw.customers DROP COLUMN raw_id"
    )
