"""Stack config of the AWS environment: what is declared is what is read, and bad config is one clear line."""

import re
from typing import Any, get_args

import pytest
import yaml

from environments.aws.bundle import REPOSITORY
from environments.aws.config import check_region, keys, parse, stack_name
from environments.aws.options import Options
from environments.aws.sizes import SIZES, SizeName
from infra.config import ConfigError, PlatformConfig

_TYPES = {int: "integer", bool: "boolean"}
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/abc"
VPC = {"awsVpcId": "vpc-0123456789abcdef0"}
SAFE = {
    "awsSize": "production",
    "awsZones": "3",
    "awsCertificateArn": CERTIFICATE,
    "awsDomain": "bi.example.com",
    "awsAlarmEmail": "ops@example.com",
}


def declared() -> dict[str, dict[str, Any]]:
    text = (REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["config"])


def read(values: dict[str, str]) -> Options:
    return parse({f"ecom:{key}": value for key, value in values.items()}, "the test").aws


def error_of(values: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        read(values)
    return str(caught.value)


def test_pulumi_yaml_declares_every_key_with_its_type_default_and_meaning():
    wanted = {
        f"ecom:{key}": (_TYPES.get(field.annotation, "string"), field.default, field.description)
        for key, place, field in keys()
        if place[0] == "aws"
    }
    ours = {key: entry for key, entry in declared().items() if key.startswith("ecom:aws")}
    assert {key: (item["type"], item["default"], item["description"]) for key, item in ours.items()} == wanted


def test_the_example_has_every_key_with_its_default_and_a_line_about_it():
    text = (REPOSITORY / "Pulumi.aws.example.yaml").read_text(encoding="utf-8")
    explained = dict(re.findall(r"^  # \S.*\n  # ecom:(\w+): (.*)$", text, re.MULTILINE))
    wanted = {key: field.default for key, _, field in keys()}
    assert {key: yaml.safe_load(value) for key, value in explained.items()} == wanted
    # Last: Pulumi takes every comment after the last key out of `config:` (tests/aws_stack/test_example.py).
    assert list(yaml.safe_load(text)["config"]) == ["aws:region"]
    assert text.splitlines()[-1].startswith("  aws:region: ")


def test_nothing_said_is_small_and_keeps_data():
    options = read({})
    assert (options.size, options.nat, options.protect, options.empty_buckets) == (
        "small",
        "single",
        True,
        False,
    )
    assert parse({}, "the test").platform == PlatformConfig()


def test_every_size_has_its_figures_and_a_larger_one_is_not_smaller():
    assert set(SIZES) == set(get_args(SizeName))
    small, standard, production = (SIZES[name] for name in get_args(SizeName))
    for field in ("postgres_gb", "backup_days", "broker_gb", "emr_batch_cpu", "airflow_workers", "log_days"):
        assert getattr(small, field) <= getattr(standard, field) <= getattr(production, field)


def test_defaults_of_other_environments_keys_come_along_and_mean_nothing():
    # Pulumi hands everything over as text, in JSON's spelling.
    values = {key: str(entry["default"]) for key, entry in declared().items()}
    values = {key: value.lower() if value in ("True", "False") else value for key, value in values.items()}
    assert parse({**values, "ecom:environment": "aws"}, "the test", declared()) == parse({}, "the test")
    with pytest.raises(ConfigError, match=r"ecom:memoryKafka: unknown key"):
        parse({"ecom:memoryKafka": "512"}, "the test")


@pytest.mark.parametrize(("key", "value"), [("kafkaPort", "9999"), ("metabaseAdminEmail", "a@b.de")])
def test_a_key_of_dockers_with_another_value_than_its_default_is_refused(key, value):
    with pytest.raises(ConfigError) as caught:
        parse({f"ecom:{key}": value}, "the test", declared())
    said = f"ecom:{key} = {value!r}: a key of another environment than ecom:environment or the name says"
    assert str(caught.value).startswith(f"{said} (read from the test); allowed: awsAdminEmail, ")


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-2", "eusc-de-east-1"])
def test_a_region_is_a_region(region):
    check_region(read({}), {"aws:region": region}, "the test")


@pytest.mark.parametrize("values", [{}, {"aws:region": ""}, {"aws:region": "mars-1"}, {"aws:region": "eu"}])
def test_without_a_region_nothing_is_asked_of_aws(values):
    with pytest.raises(ConfigError, match=r"^aws:region = '.*' \(read from the test\): name one of `aws ec2"):
        check_region(read({}), values, "the test")


def test_a_certificate_of_another_region_is_refused():
    options = read({"awsCertificateArn": CERTIFICATE, "awsDomain": "bi.example.com"})
    check_region(options, {"aws:region": "eu-central-1"}, "the test")
    with pytest.raises(
        ConfigError, match=r"^ecom:awsCertificateArn = 'arn:.*is of eu-central-1, and must be"
    ):
        check_region(options, {"aws:region": "us-east-1"}, "the test")


def test_production_with_what_it_needs_is_accepted():
    assert read(SAFE).capacity.postgres_standby
    last = {"awsProtect": "false", "awsTeardown": "true", "awsEmptyBuckets": "true"}
    assert not read(SAFE | last).protect


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"awsSize": "huge"}, "ecom:awsSize = 'huge' (read from the test): Input should be 'small', 'st"),
        ({"awsZones": "1"}, "ecom:awsZones = 1 (read from the test): Input should be greater than or equal"),
        ({"awsZones": "4"}, "ecom:awsZones = 4 (read from the test): Input should be less than or equal"),
        (
            {"awsZoneNames": "eu-central-1b, eu-central-1b"},
            "ecom:awsZoneNames = eu-central-1b, eu-central-1b: awsZones = 2 wants so many different ones",
        ),
        ({"awsZoneNames": "eu-1a,eu-1b,eu-1c"}, "ecom:awsZoneNames = eu-1a,eu-1b,eu-1c: awsZones = 2 wants"),
        (
            VPC | {"awsPrivateSubnetIds": "subnet-11111111,subnet-22222222", "awsZoneNames": "a,b"},
            "ecom:awsZoneNames: only without awsVpcId",
        ),
        ({"awsZones": "two"}, "ecom:awsZones = 'two' (read from the test): Input should be a valid integer"),
        ({"awsNat": "none"}, "ecom:awsNat = 'none' (read from the test): Input should be 'single' or 'per-"),
        ({"awsVpcCidr": "10.0.0.0/33"}, "ecom:awsVpcCidr = '10.0.0.0/33' (read from the test): not a net"),
        ({"awsVpcCidr": "10.0.0.0/24"}, "ecom:awsVpcCidr = '10.0.0.0/24' (read from the test): must be a"),
        ({"awsVpcCidr": "8.8.0.0/16"}, "ecom:awsVpcCidr = '8.8.0.0/16' (read from the test): must be a p"),
        (
            {"awsReservedCidrs": "192.168.0.0/16, 10.60.128.0/20"},
            "ecom:awsVpcCidr = 10.60.0.0/16: overlaps with 10.60.128.0/20 of awsReservedCidrs",
        ),
        ({"awsReservedCidrs": "office"}, "ecom:awsReservedCidrs = 'office' (read from the test): not a ne"),
        ({"awsKafkaVersion": "2.8.1"}, "ecom:awsKafkaVersion = '2.8.1' (read from the test): Input shoul"),
        ({"awsPostgresVersion": "12"}, "ecom:awsPostgresVersion = '12' (read from the test): Input shoul"),
        ({"awsAirflowVersion": "2.11.0"}, "ecom:awsAirflowVersion = '2.11.0' (read from the test): Input"),
        ({"awsEmrRelease": "emr-7.13.0"}, "ecom:awsEmrRelease = 'emr-7.13.0' (read from the test): String"),
        ({"awsVpcId": "my-vpc"}, "ecom:awsVpcId = 'my-vpc' (read from the test): String should match"),
        (VPC, "ecom:awsPrivateSubnetIds has 0: awsVpcId needs two or three"),
        (
            VPC | {"awsPrivateSubnetIds": "subnet-11111111,subnet-11111111"},
            "ecom:awsPrivateSubnetIds has 1: awsVpcId needs two or three",
        ),
        (
            VPC
            | {"awsPrivateSubnetIds": "subnet-11111111,subnet-22222222"}
            | {"awsCertificateArn": CERTIFICATE, "awsDomain": "bi.example.com"}
            | {"awsDashboardsAccess": "public"},
            "ecom:awsPublicSubnetIds has 0: awsDashboardsAccess = public needs at least two",
        ),
        (
            {"awsDashboardsAccess": "public"},
            "ecom:awsDashboardsAccess = public: needs awsCertificateArn and awsDomain (read from the test)",
        ),
        (
            {"awsPrivateSubnetIds": "subnet-11111111"},
            "ecom:awsPrivateSubnetIds, awsPublicSubnetIds: only with awsVpcId",
        ),
        ({"awsPublicSubnetIds": "eu-1a"}, "ecom:awsPublicSubnetIds = 'eu-1a' (read from the test): not a"),
        ({"awsDomain": "bi.example.com"}, "ecom:awsCertificateArn, awsDomain: both or neither"),
        (
            {"awsSize": "production", "awsZones": "3"},
            "ecom:awsSize = production: needs awsCertificateArn and awsDomain, awsAlarmEmail (read from",
        ),
        (SAFE | {"awsAlarmEmail": ""}, "ecom:awsSize = production: needs awsAlarmEmail (read from the test)"),
        (SAFE | {"awsProtect": "false"}, "ecom:awsSize = production: needs awsProtect = true (read from"),
        (SAFE | {"awsEmptyBuckets": "true"}, "ecom:awsSize = production: needs awsEmptyBuckets = false"),
        (SAFE | {"awsZones": "2"}, "ecom:awsSize = production: needs three zones (awsZones, or three awsPri"),
        (
            SAFE
            | VPC
            | {"awsPrivateSubnetIds": "subnet-11111111,subnet-22222222"}
            | {"awsPublicSubnetIds": "subnet-33333333,subnet-44444444"},
            "ecom:awsSize = production: needs three zones (awsZones, or three awsPrivateSubnetIds)",
        ),
        ({"awsPostgresChanges": "soon"}, "ecom:awsPostgresChanges = 'soon' (read from the test): Input"),
        ({"awsBrokerGb": "-1"}, "ecom:awsBrokerGb = -1 (read from the test): Input should be greater"),
        ({"awsTeardown": "true"}, "ecom:awsTeardown = true: only with awsProtect = false (read from the"),
        ({"awsSizes": "small"}, "ecom:awsSizes: unknown key (read from the test); allowed: awsAdminEmail"),
        ({"kafkaPartitions": "0"}, "ecom:kafkaPartitions = 0 (read from the test): Input should be gre"),
    ],
)
def test_a_wrong_value_is_one_line_with_key_value_source_and_what_is_allowed(values, said):
    message = error_of(values)
    assert message.startswith(said)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "value", "like"),
    [
        ("awsEmrRelease", "emr-7.5.0", "emr-spark-8.0.0"),
        ("awsMetabaseImage", "Metabase latest", "metabase/metabase:v0"),
        ("postgresDatabase", "Shop", "ecom"),
    ],
)
def test_where_a_pattern_is_wanted_a_good_value_is_shown(key, value, like):
    assert f"', like {like}" in error_of({key: value})


@pytest.mark.parametrize("name", ["Aws", "my_stack", "", "a-", "a--b", "x" * 13])
def test_a_stack_that_aws_could_not_name_is_refused(name):
    with pytest.raises(ConfigError, match="the stack's name"):
        stack_name(name)


def test_two_stacks_share_no_prefix():
    assert stack_name("aws") == "ecom-aws"
    assert not stack_name("aws2").startswith(f"{stack_name('aws')}-")
