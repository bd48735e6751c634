"""Secrets by ARN, from moto: fetched once, kept, forgotten when refused; failures show no value."""

import json

import boto3
import psycopg2
import pytest
from moto import mock_aws

from pipeline import database, secret_values
from pipeline.secret_values import SecretError, refused, resolve
from pipeline.secrets_manager import SecretsManager
from pipeline.settings import PostgresSettings, from_variables
from tests.unit.sample_platform import sample_platform

# Not the region that the process would take by itself.
REGION = "ap-southeast-2"


@pytest.fixture
def secrets(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(secret_values, "_SECRETS", SecretsManager())
    with mock_aws():
        yield boto3.client("secretsmanager", region_name=REGION)


def test_a_secret_is_read_in_its_own_region(secrets):
    arn = secrets.create_secret(Name="etl", SecretString="correct horse")["ARN"]
    assert resolve(arn) == "correct horse"


def test_the_one_that_rds_keeps_is_json(secrets):
    text = json.dumps({"username": "ecom_admin", "password": "correct horse"})
    assert resolve(secrets.create_secret(Name="rds!db-1", SecretString=text)["ARN"]) == "correct horse"


@pytest.mark.parametrize("text", ["12345678", '"quoted"', "[1]", '{"user": "x"}'])
def test_any_other_text_is_the_password_itself(text, secrets):
    assert resolve(secrets.create_secret(Name="etl", SecretString=text)["ARN"]) == text


def test_it_is_kept_until_it_is_refused(secrets):
    arn = secrets.create_secret(Name="etl", SecretString="old")["ARN"]
    assert resolve(arn) == "old"
    secrets.put_secret_value(SecretId=arn, SecretString="new")
    assert resolve(arn) == "old"
    assert refused(arn)
    assert resolve(arn) == "new"


def test_it_is_kept_for_a_time_only(secrets):
    arn = secrets.create_secret(Name="etl", SecretString="old")["ARN"]
    short = SecretsManager(kept_s=-1)
    assert short.value(arn) == "old"
    secrets.put_secret_value(SecretId=arn, SecretString="new")
    assert short.value(arn) == "new"


def test_one_that_is_not_there_is_named_with_awss_code(secrets):
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:none-AbCdEf"
    with pytest.raises(SecretError, match=f"secret {arn}: ResourceNotFoundException"):
        resolve(arn)
    assert not refused(arn)


class TestRotation:
    @pytest.fixture
    def settings(self, secrets) -> PostgresSettings:
        self.arn = secrets.create_secret(Name="etl", SecretString="old")["ARN"]
        variables = sample_platform().as_env() | {"ECOM_POSTGRES_ETL_PASSWORD_REF": self.arn}
        return from_variables(PostgresSettings, variables)

    def connect(self, monkeypatch, right: str) -> list[str]:
        """Let a server take one password, and return those that were tried."""
        tried: list[str] = []

        def server(**options):
            tried.append(options["password"])
            if options["password"] != right:
                raise psycopg2.OperationalError('FATAL:  password authentication failed for user "etl"')
            return "connection"

        monkeypatch.setattr(psycopg2, "connect", server)
        return tried

    def test_a_rotated_password_is_fetched_once_more(self, secrets, settings, monkeypatch):
        tried = self.connect(monkeypatch, "old")
        database.connect(settings, "etl")
        secrets.put_secret_value(SecretId=self.arn, SecretString="new")
        tried = self.connect(monkeypatch, "new")
        assert str(database.connect(settings, "etl")) == "connection"
        assert tried == ["old", "new"]

    def test_a_wrong_one_is_not_asked_for_again_and_again(self, settings, monkeypatch):
        tried = self.connect(monkeypatch, "another")
        with pytest.raises(psycopg2.OperationalError):
            database.connect(settings, "etl")
        assert tried == ["old", "old"]
