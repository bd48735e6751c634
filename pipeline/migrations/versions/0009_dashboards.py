from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute(
        "DROP VIEW curated.daily_revenue, curated.daily_products, curated.daily_segments,"
        " curated.order_inflow, curated.pipeline_health_stream, curated.pipeline_health_partitions,"
        " curated.pipeline_health_freshness, curated.pipeline_health_dlq,"
        " curated.pipeline_health_repair, curated.pipeline_health_gates;"
        "DROP FUNCTION curated.first_day(), curated.last_day();"
        "DROP TABLE ops.order_changes, ops.daily_revenue, ops.daily_products, ops.daily_segments,"
        " ops.stream_ends;"
        "ALTER TABLE ops.stream_commits DROP COLUMN new_orders;"
        "DROP INDEX ops.dlq_events_waiting, ops.dlq_events_first_seen_at, ops.stream_commits_committed_at;"
        "CREATE INDEX stream_commits_committed_at ON ops.stream_commits USING brin (committed_at)"
    )
