"""Signing in to Kafka by IAM: the same injected variables for kafka-python and for Spark."""

import json

import pytest
from kafka.net.sasl import get_sasl_mechanism

from pipeline.kafka_client import client_options
from pipeline.settings import KafkaSettings, SettingsError, from_variables, load
from pipeline.stream.topic import spark_options
from tests.unit.sample_platform import sample_platform

BROKER = "b-1.orders.abc.c2.kafka.eu-central-1.amazonaws.com"
BY_IAM = {
    "ECOM_KAFKA_BOOTSTRAP_SERVERS": f"{BROKER}:9098",
    "ECOM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "ECOM_KAFKA_SASL_MECHANISM": "AWS_MSK_IAM",
}


def settings(**variables: str) -> KafkaSettings:
    return from_variables(KafkaSettings, sample_platform().as_env() | variables)


def test_spark_signs_in_with_the_jars_login_module_and_callback_handler():
    assert spark_options(settings(**BY_IAM)) == {
        "kafka.bootstrap.servers": f"{BROKER}:9098",
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "AWS_MSK_IAM",
        "kafka.sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
        "kafka.sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
    }


def test_spark_is_told_of_no_sign_in_where_there_is_none():
    assert set(spark_options(settings())) == {"kafka.bootstrap.servers", "kafka.security.protocol"}


def test_kafka_python_signs_the_brokers_name_with_the_processs_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
):
    for name, value in (("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-role")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    options = client_options(settings(**BY_IAM))
    mechanism = get_sasl_mechanism(options["sasl_mechanism"])(host=BROKER, **options)
    said = json.loads(mechanism.auth_bytes())
    assert said["host"] == BROKER
    assert said["action"] == "kafka-cluster:Connect"
    assert said["x-amz-credential"].startswith("AKIAEXAMPLE/")
    assert said["x-amz-credential"].endswith("/eu-central-1/kafka-cluster/aws4_request")
    assert said["x-amz-security-token"] == "of-a-role"
    assert "secret" not in said.values()


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_sign_in_without_its_protocol_is_one_clear_line(protocol: str, monkeypatch: pytest.MonkeyPatch):
    for name, value in (sample_platform().as_env() | BY_IAM).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ECOM_KAFKA_SECURITY_PROTOCOL", protocol)
    with pytest.raises(SettingsError) as caught:
        load(KafkaSettings)
    assert str(caught.value) == (
        "ECOM_KAFKA_SASL_MECHANISM='AWS_MSK_IAM' (from the process environment): Value error, "
        "only with ECOM_KAFKA_SECURITY_PROTOCOL=SASL_SSL"
    )
