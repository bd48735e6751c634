"""What holds data: the warehouse, the brokers, buckets, secrets, logs."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from environments.aws.place import Place
from environments.aws.sizes import SIZES
from environments.aws.storage import Storage, StorageArgs
from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, AwsRecorder, config, made, one
from tests.unit.pulumi_mocks import run


class TestData:
    def test_the_warehouse_is_private_encrypted_and_backed_up(self, small):
        instance = one(small, "rds/instance:Instance")
        assert instance["publiclyAccessible"] is False
        assert instance["storageEncrypted"] is True
        assert instance["kmsKeyId"].endswith(f":key/{NAME}")
        assert instance["manageMasterUserPassword"] is True
        assert "password" not in instance
        assert instance["deletionProtection"] is True
        assert instance["skipFinalSnapshot"] is False
        assert instance["finalSnapshotIdentifier"] == f"{NAME}-warehouse-final-{'a' * 8}"
        assert instance["performanceInsightsEnabled"] is True
        parameters = {item["name"]: item["value"] for item in one(small, "ParameterGroup")["parameters"]}
        assert parameters["rds.force_ssl"] == "1"

    def test_the_warehouse_changes_when_somebody_says_so(self, small, folder):
        flags = ("allowMajorVersionUpgrade", "applyImmediately")
        for options, wanted in (
            ({}, (False, False)),
            ({"postgresChanges": "now"}, (False, True)),
            ({"postgresMajorUpgrade": "true"}, (True, True)),
        ):
            recorder = made(config(folder, **options)) if options else small
            instance = one(recorder, "rds/instance:Instance")
            assert tuple(instance[flag] for flag in flags) == wanted

    def test_the_warehouses_disk_is_the_sizes_or_what_there_is_and_may_grow(self, small, folder):
        def disk(recorder: AwsRecorder) -> tuple[int, int]:
            instance = one(recorder, "rds/instance:Instance")
            return int(instance["allocatedStorage"]), int(instance["maxAllocatedStorage"])

        assert disk(small) == (SIZES["small"].postgres_gb, SIZES["small"].postgres_most_gb)
        larger = made(config(folder, postgresGb="100"))
        assert disk(larger) == (100, 200)
        assert "8.0 GB" in larger.of("MetricAlarm")[f"{NAME}-watch-postgres-disk"]["alarmDescription"]

    def test_the_brokers_disk_is_the_sizes_or_what_there_is(self, small, folder):
        def disk(recorder: AwsRecorder) -> int:
            place = one(recorder, "msk/cluster:Cluster")["brokerNodeGroupInfo"]
            return int(place["storageInfo"]["ebsStorageInfo"]["volumeSize"])

        assert disk(small) == SIZES["small"].broker_gb
        assert disk(made(config(folder, brokerGb="100"))) == 100

    def test_the_brokers_take_iam_over_tls_and_nothing_else(self, small):
        cluster = one(small, "msk/cluster:Cluster")
        assert cluster["clientAuthentication"] == {
            "sasl": {"iam": True, "scram": False},
            "unauthenticated": False,
        }
        assert cluster["encryptionInfo"]["encryptionInTransit"] == {"clientBroker": "TLS", "inCluster": True}
        assert cluster["kafkaVersion"].endswith(".kraft")
        assert cluster["brokerNodeGroupInfo"]["connectivityInfo"]["publicAccess"]["type"] == "DISABLED"
        brokers = one(small, "msk/configuration:Configuration")
        assert "auto.create.topics.enable=false" in brokers["serverProperties"]

    @pytest.mark.parametrize(("zones", "copies", "least"), [("2", 2, "1"), ("3", 3, "2")])
    def test_topics_survive_a_broker(self, zones, copies, least, folder):
        recorder = made(config(folder, zones=zones))
        topics = recorder.of("msk/topic:Topic")
        assert {inputs["name"] for inputs in topics.values()} == {"orders", "orders_dlq"}
        for inputs in topics.values():
            configs = json.loads(inputs["configs"])
            assert inputs["replicationFactor"] == copies
            assert configs["min.insync.replicas"] == least
            assert configs["retention.ms"] == str(168 * 3_600_000)
        limits = {name: json.loads(topics[name]["configs"])["max.message.bytes"] for name in topics}
        assert int(limits[f"{NAME}-events-orders_dlq"]) > int(limits[f"{NAME}-events-orders"])

    def test_every_bucket_is_versioned_encrypted_private_and_tls_only(self, small):
        for kind in ("artifacts", "data", "logs"):
            name = f"{NAME}-{kind}"
            assert small.of("BucketVersioning")[name]["versioningConfiguration"] == {"status": "Enabled"}
            block = small.of("BucketPublicAccessBlock")[name]
            assert {key for key, value in block.items() if value is True} == {
                "blockPublicAcls",
                "blockPublicPolicy",
                "ignorePublicAcls",
                "restrictPublicBuckets",
            }
            statements = json.loads(small.of("BucketPolicy")[name]["policy"])["Statement"]
            assert statements[0]["Effect"] == "Deny"
            assert statements[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            rule = small.of("BucketServerSideEncryptionConfiguration")[name]["rules"][0]
            algorithm = rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
            assert algorithm == ("AES256" if kind == "logs" else "aws:kms")

    def test_nothing_is_put_into_a_bucket_before_its_policy_allows_it(self):
        ready: list[str] = []

        def program() -> None:
            place = Place(ACCOUNT, REGION, "aws", "amazonaws.com", ())
            whole = Storage(NAME, StorageArgs(place, "key", 30, protect=True, empty=False))
            ready.extend(type(one).__name__ for one in whole.ready)

        run(program, AwsRecorder())
        assert Counter(ready)["BucketPolicy"] == 3

    def test_what_holds_data_is_protected(self, small, folder):
        held = ("warehouse", "events", "data", "airflow", "secret-metabase_key", "events-orders")
        assert all(small.protected[f"{NAME}-{name}"] for name in held)
        assert not small.protected[f"{NAME}-artifacts"]
        etl = {
            key.partition(" ")[0]: value
            for key, value in small.protected.items()
            if key.endswith(" ecom-test-secret-etl")
        }
        assert etl == {
            "aws:secretsmanager/secret:Secret": True,
            # A value that is to be made anew must be replaced.
            "random:index/randomPassword:RandomPassword": False,
            "aws:secretsmanager/secretVersion:SecretVersion": False,
        }
        open_one = made(config(folder, protect="false"))
        assert not any(open_one.protected.values())
        assert one(open_one, "rds/instance:Instance")["deletionProtection"] is False

    def test_what_somebody_may_still_read_outlives_its_stack_or_its_successor(self, small):
        objects = small.of("BucketObjectv2")
        by_hash = {name for name, one in objects.items() if re.search(r"/[0-9a-f]{16}/", str(one["key"]))}
        assert {name.removeprefix(f"{NAME}-file-") for name in by_hash} == {
            "jars-kafka.jar",
            "jars-msk.jar",
            "python-environment.tar.gz",
            "code-code.zip",
            "entry-batch.py",
            "entry-stream.py",
            "jobs-env",
        }
        # Snapshots and backups can be read with this key alone.
        kept = {
            f"aws:kms/key:Key {NAME}",
            *(f"aws:s3/bucketObjectv2:BucketObjectv2 {name}" for name in by_hash),
        }
        assert small.retained == kept

    def test_a_new_epoch_makes_the_warehouses_passwords_anew_and_no_other(self, small, folder):
        later = made(config(folder, passwordsEpoch="2"))

        def keepers(recorder: AwsRecorder) -> dict[str, Any]:
            passwords = recorder.of("RandomPassword")
            return {
                name.removeprefix(f"{NAME}-secret-"): one.get("keepers") for name, one in passwords.items()
            }

        changed = {name for name, keeper in keepers(later).items() if keeper != keepers(small)[name]}
        assert changed == {"ingest", "etl", "bi_readonly", "metabase_database"}

    def test_logs_are_kept_for_a_time_and_encrypted(self, small):
        for name, inputs in small.of("LogGroup").items():
            assert inputs["retentionInDays"] == 30, name
            assert inputs["kmsKeyId"], name
