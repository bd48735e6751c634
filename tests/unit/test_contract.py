"""infra.platform writes the variables, pipeline.settings reads them: both ends must be the same."""

import os

import pytest
from pydantic import ValidationError

from infra.platform import AirflowEndpoint, MetabaseEndpoint, Platform, PostgresEndpoint
from pipeline.settings import (
    ALL_SETTINGS,
    AirflowSettings,
    DashboardsSettings,
    KafkaSettings,
    MetabaseSettings,
    PostgresSettings,
    SettingsError,
    SparkSettings,
    StorageSettings,
    StreamSettings,
    load,
)
from tests.unit.sample_platform import sample_platform

PASTED = "hunter2-pasted"


def read_variables() -> list[str]:
    return [
        f"{kind.model_config['env_prefix']}{field}".upper()
        for kind in ALL_SETTINGS
        for field in kind.model_fields
    ]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in [name for name in os.environ if name.startswith("ECOM_")]:
        monkeypatch.delenv(name)
    variables = sample_platform().as_env()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_the_variables_written_are_the_variables_read():
    assert sorted(sample_platform().as_env()) == sorted(read_variables())


def test_each_value_is_in_its_own_variable(tmp_path):
    platform = sample_platform(tmp_path)
    fields = {
        "postgres": platform.postgres.model_dump() | {"sslrootcert": "/ca.pem", "sslmode": "verify-full"},
        "kafka": {name: name for name in platform.kafka.model_dump()},
        "spark": platform.spark.model_dump()
        | {
            "jars": "a.jar",
            "driver_memory": "3g",
            "trigger_interval_ms": 7,
            "give_up_after_s": 9,
            "launcher": "submit",
        },
        "airflow": platform.airflow.model_dump() | {"url": "https://airflow.example:8443"},
        "dashboards": {"url": "http://dashboards.example:3000"},
        "emr": {name: name for name in platform.emr.model_dump()},
        "metabase": platform.metabase.model_dump() | {"url": "https://metabase.example"},
        "storage": {"checkpoints": "s3a://bucket/checkpoints"},
        "batch": {"quality_retention_days": 7},
        "metrics": {"namespace": "ecom/test"},
    }
    for variable, value in Platform.model_validate(fields).as_env().items():
        group, name = variable.lower().removesuffix("_ref").split("_", 2)[1:]
        group = "spark" if group == "stream" else group  # whose endpoint paces the stream
        assert value == str(fields[group][name]), variable


@pytest.mark.parametrize("kind", ALL_SETTINGS)
def test_each_group_gets_back_what_the_platform_said(kind, env):
    settings = load(kind)
    prefix = kind.model_config["env_prefix"]
    read = {f"{prefix}{name}".upper(): str(value) for name, value in settings.model_dump().items()}
    assert read == {name: value for name, value in env.items() if name in read}
    assert len(read) == len(kind.model_fields)


@pytest.mark.parametrize("kind", ALL_SETTINGS)
def test_settings_are_frozen(kind, env):
    settings = load(kind)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, next(iter(kind.model_fields)), "other")


@pytest.mark.parametrize("variable", read_variables())
def test_each_missing_variable_is_named_with_the_places_looked_in(variable, env, monkeypatch):
    monkeypatch.delenv(variable)
    kind = next(kind for kind in ALL_SETTINGS if variable.startswith(str(kind.model_config["env_prefix"])))
    with pytest.raises(SettingsError) as caught:
        load(kind)
    assert f"{variable} is not set (looked in the process environment)" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "variable", "value", "allowed"),
    [
        (PostgresSettings, "ECOM_POSTGRES_PORT", "70000", "less than or equal to 65535"),
        (PostgresSettings, "ECOM_POSTGRES_SSLMODE", "maybe", "'verify-full'"),
        (PostgresSettings, "ECOM_POSTGRES_HOST", "", "at least 1 character"),
        (KafkaSettings, "ECOM_KAFKA_BOOTSTRAP_SERVERS", "broker", "should match pattern"),
        (KafkaSettings, "ECOM_KAFKA_SECURITY_PROTOCOL", "TLS", "'PLAINTEXT', 'SSL' or 'SASL_SSL'"),
        (SparkSettings, "ECOM_SPARK_DRIVER_MEMORY", "lots", "should match pattern"),
        (StreamSettings, "ECOM_STREAM_MAX_OFFSETS_PER_TRIGGER", "0", "greater than or equal to 1"),
        (AirflowSettings, "ECOM_AIRFLOW_URL", "http://airflow/home", "should match pattern"),
        (MetabaseSettings, "ECOM_METABASE_URL", "", "should match pattern"),
        (MetabaseSettings, "ECOM_METABASE_ADMIN_EMAIL", "admin", "should match pattern"),
        (MetabaseSettings, "ECOM_METABASE_POSTGRES_PORT", "-1", "greater than or equal to 0"),
        (DashboardsSettings, "ECOM_DASHBOARDS_URL", "dashboards:8050", "should match pattern"),
        (StorageSettings, "ECOM_STORAGE_CHECKPOINTS", "", "at least 1 character"),
    ],
)
def test_a_wrong_value_names_variable_value_what_is_allowed_and_source(
    kind, variable, value, allowed, env, monkeypatch
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load(kind)
    message = str(caught.value)
    assert message.startswith(f"{variable}={value!r} (from the process environment): ")
    assert allowed in message


def test_each_wrong_variable_has_its_own_line(env, monkeypatch):
    monkeypatch.setenv("ECOM_KAFKA_ORDERS_TOPIC", "")
    monkeypatch.delenv("ECOM_KAFKA_DLQ_TOPIC")
    with pytest.raises(SettingsError) as caught:
        load(KafkaSettings)
    first, second = str(caught.value).splitlines()
    assert first.startswith("ECOM_KAFKA_ORDERS_TOPIC=''")
    assert second.startswith("ECOM_KAFKA_DLQ_TOPIC is not set")


class TestPastedPassword:
    """A password where its reference belongs is refused at both ends, and printed by neither."""

    ROLES = ("ADMIN", "INGEST", "ETL", "BI_READONLY")

    @pytest.mark.parametrize("role", ROLES)
    def test_settings(self, role, env, monkeypatch):
        variable = f"ECOM_POSTGRES_{role}_PASSWORD_REF"
        monkeypatch.setenv(variable, PASTED)
        with pytest.raises(SettingsError) as caught:
            load(PostgresSettings)
        assert variable in str(caught.value)
        assert PASTED not in str(caught.value)
        assert caught.value.__cause__ is None  # a traceback must not show the original either
        assert caught.value.__suppress_context__

    def test_airflows(self, env, monkeypatch):
        monkeypatch.setenv("ECOM_AIRFLOW_ADMIN_PASSWORD_REF", PASTED)
        with pytest.raises(SettingsError, match="ECOM_AIRFLOW_ADMIN_PASSWORD_REF") as caught:
            load(AirflowSettings)
        assert PASTED not in str(caught.value)
        fields = sample_platform().airflow.model_dump() | {"admin_password": PASTED}
        with pytest.raises(ValidationError, match="must be a reference") as refused:
            AirflowEndpoint(**fields)
        assert PASTED not in str(refused.value)

    def test_metabases(self, env, monkeypatch):
        monkeypatch.setenv("ECOM_METABASE_ADMIN_PASSWORD_REF", PASTED)
        with pytest.raises(SettingsError, match="ECOM_METABASE_ADMIN_PASSWORD_REF") as caught:
            load(MetabaseSettings)
        with pytest.raises(ValidationError, match="must be a reference") as refused:
            MetabaseEndpoint(admin_password=PASTED)
        assert PASTED not in str(caught.value) + str(refused.value)

    @pytest.mark.parametrize("role", ROLES)
    def test_settings_built_directly(self, role, env, monkeypatch):
        monkeypatch.setenv(f"ECOM_POSTGRES_{role}_PASSWORD_REF", PASTED)
        with pytest.raises(ValidationError) as caught:
            PostgresSettings()  # type: ignore[call-arg]
        assert PASTED not in str(caught.value)

    @pytest.mark.parametrize("role", ROLES)
    def test_platform(self, role):
        fields = sample_platform().postgres.model_dump() | {f"{role.lower()}_password": PASTED}
        with pytest.raises(ValidationError, match="must be a reference") as caught:
            PostgresEndpoint(**fields)
        assert PASTED not in str(caught.value)
        assert PASTED not in repr(caught.value)


@pytest.mark.parametrize(
    "url", ["airflow:8080", "http://", "http://host/", "http://host/ home", "ftp://host"]
)
def test_both_ends_refuse_the_same_urls(url, env, monkeypatch):
    monkeypatch.setenv("ECOM_AIRFLOW_URL", url)
    with pytest.raises(SettingsError, match="ECOM_AIRFLOW_URL"):
        load(AirflowSettings)
    with pytest.raises(ValidationError, match="url"):
        AirflowEndpoint(**sample_platform().airflow.model_dump() | {"url": url})


def test_an_environment_without_a_metabase_says_so_with_empty_variables():
    told = MetabaseEndpoint().variables()
    assert set(told.values()) == {"", "0"}


def test_the_admins_password_is_resolved_when_it_is_asked_for(tmp_path):
    (tmp_path / "airflow_admin").write_text("long and random\n")
    endpoint = sample_platform(tmp_path).airflow
    settings = AirflowSettings(
        url=endpoint.url, admin_user=endpoint.admin_user, admin_password_ref=endpoint.admin_password
    )
    assert settings.admin_password() == "long and random"
    assert "long and random" not in repr(settings)


@pytest.mark.parametrize(
    ("reference", "good"),
    [
        ("file:/run/secrets/etl", True),
        ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:etl", True),
        ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:etl", True),
        ("file:relative", False),
        ("file:/", False),
        ("file:/run/secrets/etl\n", False),
        ("arn:aws:iam::123456789012:role/etl", False),
        ("arn:aws-hunter2", False),
        ("", False),
    ],
)
def test_both_ends_take_the_same_references(reference, good, env, monkeypatch):
    monkeypatch.setenv("ECOM_POSTGRES_ETL_PASSWORD_REF", reference)
    fields = sample_platform().postgres.model_dump() | {"etl_password": reference}
    if good:
        assert load(PostgresSettings).etl_password_ref == PostgresEndpoint(**fields).etl_password
        return
    with pytest.raises(SettingsError, match="ECOM_POSTGRES_ETL_PASSWORD_REF"):
        load(PostgresSettings)
    with pytest.raises(ValidationError, match="etl_password"):
        PostgresEndpoint(**fields)
