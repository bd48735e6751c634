from alembic import op

from pipeline.migrations.plain_sql import run_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_beside(__file__)


def downgrade() -> None:
    op.execute(
        "CREATE OR REPLACE VIEW curated.pipeline_health_partitions AS"
        " SELECT topic, partition, raw_rows + duplicate_rows + dlq_rows AS events_read,"
        " committed_at AS last_commit_at,"
        " CASE WHEN end_offset IS NOT NULL THEN greatest(0, end_offset - next_offset) END AS events_waiting,"
        " seen_at AS kafka_seen_at"
        " FROM ops.stream_offsets LEFT JOIN ops.stream_ends USING (topic, partition)"
    )
