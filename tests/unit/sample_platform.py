"""A Platform as an environment would hand it over, for tests of both ends of the contract."""

from pathlib import Path

from infra.platform import (
    AirflowEndpoint,
    DashboardsEndpoint,
    EmrServerlessEndpoint,
    KafkaEndpoint,
    MetabaseEndpoint,
    Platform,
    PostgresEndpoint,
    SparkEndpoint,
    StorageEndpoint,
)


def sample_platform(secrets: Path = Path("/run/secrets")) -> Platform:
    postgres = PostgresEndpoint(
        host="127.0.0.1",
        port=5432,
        database="ecom",
        admin_user="postgres",
        admin_password=f"file:{secrets}/admin",
        ingest_password=f"file:{secrets}/ingest",
        etl_password=f"file:{secrets}/etl",
        bi_readonly_password=f"file:{secrets}/bi_readonly",
    )
    return Platform(
        postgres=postgres,
        kafka=KafkaEndpoint(bootstrap_servers="127.0.0.1:9092"),
        spark=SparkEndpoint(master="local[*]", max_offsets_per_trigger=1000, trigger_interval_ms=0),
        airflow=AirflowEndpoint(
            url="http://127.0.0.1:8080", admin_user="admin", admin_password=f"file:{secrets}/airflow_admin"
        ),
        dashboards=DashboardsEndpoint(url="http://127.0.0.1:8050"),
        emr=EmrServerlessEndpoint(
            application_id="00abc",
            execution_role_arn="arn:aws:iam::123456789012:role/jobs",
            entry_point="s3://code/main.py",
            submit_parameters="--conf a=b",
            stream_application_id="00def",
            stream_entry_point="s3://code/stream.py",
            stream_submit_parameters="--conf c=d",
        ),
        metabase=MetabaseEndpoint(
            url="http://127.0.0.1:3000",
            admin_email="admin@example.com",
            admin_password=f"file:{secrets}/metabase_admin",
            postgres_host="postgres",
            postgres_port=5433,
            postgres_sslrootcert="/app/certs/bundle.pem",
        ),
        storage=StorageEndpoint(checkpoints="file:/var/lib/ecom/checkpoints"),
    )
