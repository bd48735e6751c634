"""The AWS environment under Pulumi's mocks: every resource, inputs, references, all sizes and NAT modes."""

import ipaddress
import json
import re
from collections import Counter
from typing import Any, get_args

import pulumi
import pytest

from dashboards.metabase.render import connection
from environments.aws.place import Place
from environments.aws.sizes import SIZES, SizeName
from environments.aws.stack import Aws, outputs
from environments.aws.storage import Storage, StorageArgs
from pipeline.settings import ALL_SETTINGS, MetabaseSettings, PostgresSettings, from_variables
from tests.unit.aws_mocks import ACCOUNT, NAME, REGION, VPC, ZONES, AwsRecorder, config, made
from tests.unit.pulumi_mocks import MADE_UP, run

CERTIFICATE = {
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/abc",
    "domain": "bi.example.com",
}
SAFE = {**CERTIFICATE, "alarmEmail": "ops@example.com"}
NOT_TAGGED = {
    "Alias",
    "BucketLifecycleConfiguration",
    "BucketLogging",
    "BucketOwnershipControls",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
    "Configuration",
    "Dashboard",
    "LifecyclePolicy",
    "RolePolicy",
    "RolePolicyAttachment",
    "Route",
    "RouteTableAssociation",
    "SecretVersion",
    "TopicPolicy",
    "TopicSubscription",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def small(folder) -> AwsRecorder:
    return made(config(folder, producer="true", alarmEmail="ops@example.com"))


@pytest.fixture(scope="module")
def production(folder) -> AwsRecorder:
    return made(
        config(folder, size="production", zones="3", nat="per-zone", **SAFE, dashboardsAccess="public")
    )


def one(recorder: AwsRecorder, kind: str) -> dict[str, Any]:
    found = recorder.of(kind)
    assert len(found) == 1, sorted(found)
    return next(iter(found.values()))


def policies(recorder: AwsRecorder) -> dict[str, list[dict[str, Any]]]:
    return {
        name.removeprefix(f"{NAME}-").removesuffix("-policy"): json.loads(inputs["policy"])["Statement"]
        for name, inputs in recorder.of("RolePolicy").items()
    }


class TestEverything:
    def test_carries_the_stacks_name(self, small):
        assert [args.name for args in small.every if not args.name.startswith(NAME)] == []

    def test_is_tagged_where_aws_lets_it(self, small):
        kinds = {args.typ.rpartition(":")[2] for args in small.every if args.typ.startswith("aws:")}
        for args in small.every:
            kind = args.typ.rpartition(":")[2]
            if args.typ.startswith("aws:") and kind not in NOT_TAGGED and "msk/topic" not in args.typ:
                assert args.inputs["tags"].items() >= {"Project": "ecom", "Stack": "test"}.items(), args.name
        assert kinds >= NOT_TAGGED

    def test_knows_no_account_region_or_arn_of_its_own(self):
        from environments.aws.bundle import REPOSITORY

        for path in (REPOSITORY / "environments" / "aws").rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\b\d{12}\b|\b(eu|us|ap)-(central|west|east)-\d|arn:aws:", text), path

    def test_two_stacks_share_no_name(self, folder, small):
        other = AwsRecorder()
        run(lambda: Aws("ecom-aws2", config(folder)), other)

        def physical(recorder: AwsRecorder) -> set[tuple[str, str]]:
            keys = ("name", "bucket", "identifier", "clusterName", "dashboardName")
            # A bucket's own settings, topics within a cluster and services within one are nobody else's.
            own = ("Bucket", "Service", "Topic", "RouteTable", "BucketObjectv2")
            return {
                (args.typ, args.inputs[key])
                for args in recorder.every
                for key in keys
                if args.inputs.get(key) and not args.typ.rpartition(":")[2].startswith(own)
            }

        assert physical(small)
        assert physical(small) & physical(other) == set()

    def test_holds_its_secrets_as_secrets(self, small):
        values = [inputs["secretString"] for inputs in small.of("SecretVersion").values()]
        assert sum(MADE_UP in str(value) for value in values) == 6
        for args in small.every:
            if not args.typ.endswith((":SecretVersion", ":RandomPassword")):
                assert MADE_UP not in json.dumps(args.inputs, default=str), args.name


@pytest.mark.parametrize("size", get_args(SizeName))
def test_each_size_is_what_its_figures_say(size, folder):
    safe = SAFE if size == "production" else {}
    recorder, wanted = made(config(folder, size=size, zones="3", **safe)), SIZES[size]
    instance, cluster = one(recorder, "rds/instance:Instance"), one(recorder, "msk/cluster:Cluster")
    assert instance["instanceClass"] == wanted.postgres_class
    assert instance["multiAz"] == wanted.postgres_standby
    assert instance["backupRetentionPeriod"] == wanted.backup_days
    assert cluster["brokerNodeGroupInfo"]["instanceType"] == wanted.broker_class
    assert cluster["numberOfBrokerNodes"] == 3 * wanted.brokers_per_zone
    assert one(recorder, "mwaa/environment:Environment")["environmentClass"] == wanted.airflow_class
    limits = {name: inputs["maximumCapacity"]["cpu"] for name, inputs in recorder.of("Application").items()}
    assert limits == {
        f"{NAME}-spark-batch": f"{wanted.emr_batch_cpu} vCPU",
        f"{NAME}-spark-stream": f"{wanted.emr_stream_cpu} vCPU",
    }
    retention = {inputs["retentionInDays"] for inputs in recorder.of("LogGroup").values()}
    assert retention == {wanted.log_days}


class TestNetwork:
    @pytest.mark.parametrize(
        ("zones", "nat", "gateways"), [(2, "single", 1), (3, "single", 1), (3, "per-zone", 3)]
    )
    def test_nat_as_asked_for(self, zones, nat, gateways, folder):
        recorder = made(config(folder, zones=str(zones), nat=nat))
        assert len(recorder.of("NatGateway")) == len(recorder.of("Eip")) == gateways
        assert len(recorder.of("Subnet")) == 2 * zones
        out = {
            inputs["natGatewayId"]
            for name, inputs in recorder.of("ec2/route:Route").items()
            if "private" in name
        }
        assert len(out) == gateways
        zones_used = Counter(inputs["availabilityZone"] for inputs in recorder.of("Subnet").values())
        assert zones_used == {f"{REGION}{letter}": 2 for letter in "abc"[:zones]}

    def test_zones_as_somebody_chose_them(self, folder):
        recorder = made(config(folder, zoneNames=f"{REGION}c, {REGION}b"))
        zones = {inputs["availabilityZone"] for inputs in recorder.of("Subnet").values()}
        assert zones == {f"{REGION}c", f"{REGION}b"}

    def test_who_is_put_into_a_subnet_comes_after_its_way_out(self, small, production):
        def ways(kind: str) -> set[str]:
            names = {f"{NAME}-net-{kind}-{REGION}{zone}" for zone in "ab"}
            return {f"{name}-{part}" for name in names for part in ("out", "of-subnet")}

        for user in ("airflow", "warehouse-subnets", "events", "spark-batch", "metabase"):
            assert ways("private") <= small.after[f"{NAME}-{user}"], user
        assert ways("public") <= production.after[f"aws:lb/loadBalancer:LoadBalancer {NAME}-bi"]

    @pytest.mark.parametrize("cidr", ["10.60.0.0/16", "192.168.8.0/22"])
    def test_subnets_lie_in_the_vpc_and_do_not_overlap(self, cidr, folder):
        recorder = made(config(folder, zones="3", vpcCidr=cidr))
        blocks = [ipaddress.IPv4Network(inputs["cidrBlock"]) for inputs in recorder.of("Subnet").values()]
        assert all(block.subnet_of(ipaddress.IPv4Network(cidr)) for block in blocks)
        assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])

    def test_a_third_zone_moves_none_of_the_others(self, folder):
        two, three = (made(config(folder, zones=zones)).of("Subnet") for zones in ("2", "3"))
        assert {name: inputs["cidrBlock"] for name, inputs in two.items()}.items() <= {
            name: inputs["cidrBlock"] for name, inputs in three.items()
        }.items()

    def test_state_is_in_private_subnets(self, small):
        private = {f"{name}-id" for name in small.of("Subnet") if "private" in name}
        cluster = one(small, "msk/cluster:Cluster")["brokerNodeGroupInfo"]
        assert set(one(small, "SubnetGroup")["subnetIds"]) == private
        assert set(cluster["clientSubnets"]) == private
        airflow = one(small, "mwaa/environment:Environment")["networkConfiguration"]
        assert set(airflow["subnetIds"]) == private
        for inputs in small.of("Application").values():
            assert set(inputs["networkConfiguration"]["subnetIds"]) == private
        for inputs in small.of("ecs/service:Service").values():
            assert set(inputs["networkConfiguration"]["subnets"]) == private
            assert inputs["networkConfiguration"]["assignPublicIp"] is False

    def test_s3_is_reached_without_nat_and_flows_are_logged(self, small):
        endpoint = one(small, "VpcEndpoint")
        assert endpoint["serviceName"] == f"com.amazonaws.{REGION}.s3"
        assert len(endpoint["routeTableIds"]) == 2
        assert one(small, "FlowLog")["trafficType"] == "ALL"

    def test_an_existing_vpc_is_used_and_nothing_made_in_it_but_security_groups(self, folder):
        ids = ",".join(list(ZONES)[:2])
        recorder = made(config(folder, vpcId=VPC, privateSubnetIds=ids))
        for kind in ("ec2/vpc:Vpc", "Subnet", "NatGateway", "RouteTable", "VpcEndpoint", "FlowLog"):
            assert recorder.of(kind) == {}
        assert {inputs["vpcId"] for inputs in recorder.of("SecurityGroup").values()} == {VPC}
        assert one(recorder, "SubnetGroup")["subnetIds"] == ids.split(",")

    def test_ingress_names_groups_and_only_the_load_balancers_443_is_open(self, small, production):
        for recorder in (small, production):
            wide = [
                (name, inputs["fromPort"])
                for name, inputs in recorder.of("SecurityGroupIngressRule").items()
                if "referencedSecurityGroupId" not in inputs
            ]
            expected = [(f"{NAME}-sg-balancer-from-everybody", 443)] if recorder is production else []
            assert wide == expected

    def test_nobody_but_these_reaches_the_warehouse_and_the_brokers(self, small):
        rules = small.of("SecurityGroupIngressRule").values()
        to = Counter((inputs["description"], inputs["fromPort"]) for inputs in rules if "fromPort" in inputs)
        stores = {name for name, _ in to if name.endswith((" to postgres", " to kafka"))}
        readers = ("airflow", "spark", "tasks")
        assert stores == {f"{name} to {store}" for name in readers for store in ("postgres", "kafka")} | {
            "metabase to postgres"
        }


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


class TestCompute:
    def test_an_application_stops_by_itself_and_starts_nothing_ahead(self, small):
        for inputs in small.of("Application").values():
            assert inputs["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 15}
            assert "initialCapacities" not in inputs
            own = inputs["monitoringConfiguration"]["managedPersistenceMonitoringConfiguration"]
            assert own == {"enabled": False}
            assert inputs["runtimeConfigurations"][0]["properties"]["spark.sql.ansi.enabled"] == "true"

    def test_airflow_gets_its_files_by_version(self, small):
        inputs = one(small, "mwaa/environment:Environment")
        for part in ("plugins", "requirements", "startupScript"):
            assert inputs[f"{part}S3ObjectVersion"] == "version-1"
        requirements = small.of("BucketObjectv2")[f"{NAME}-file-requirements.txt"]["content"]
        assert requirements.startswith('--constraint "https://')
        assert "constraints-3.0.6/" in requirements
        startup = small.of("BucketObjectv2")[f"{NAME}-file-startup.sh"]["content"]
        assert f"export AWS_DEFAULT_REGION={REGION}\n" in startup
        assert len(inputs["networkConfiguration"]["subnetIds"]) == 2
        backend = json.loads(inputs["airflowConfigurationOptions"]["value"]["secrets.backend_kwargs"])
        assert backend["connections_prefix"] == f"{NAME}-airflow-secrets/connections"
        assert f"{NAME}-airflow-secrets/connections/aws_default" in {
            secret["name"] for secret in small.of("secretsmanager/secret:Secret").values() if "name" in secret
        }

    def test_a_certificate_alone_opens_nothing_but_https_within_the_vpc(self, folder):
        recorder = made(config(folder, **CERTIFICATE))
        balancer, listener = one(recorder, "LoadBalancer"), one(recorder, "Listener")
        assert balancer["internal"] is True
        assert set(balancer["subnets"]) == {
            f"{name}-id" for name in recorder.of("Subnet") if "private" in name
        }
        assert (listener["port"], listener["protocol"]) == (443, "HTTPS")
        ways = recorder.of("SecurityGroupIngressRule")
        into = {name: rule for name, rule in ways.items() if f"{NAME}-sg-balancer-from" in name}
        assert {name.rpartition("-")[2]: rule["fromPort"] for name, rule in into.items()} == {
            "tasks": 443,
            "people": 443,
        }

    def test_metabase_is_internal_until_it_is_opened(self, small, production):
        assert one(small, "LoadBalancer")["internal"] is True
        assert one(small, "Listener")["port"] == 80
        assert one(production, "LoadBalancer")["internal"] is False
        listener = one(production, "Listener")
        assert (listener["port"], listener["protocol"]) == (443, "HTTPS")
        assert listener["sslPolicy"].startswith("ELBSecurityPolicy-TLS13")
        public = {f"{name}-id" for name in production.of("Subnet") if "public" in name}
        assert set(one(production, "LoadBalancer")["subnets"]) == public

    def test_metabase_verifies_both_databases_by_the_certificates_of_its_image(self, small):
        path = "/app/certs/rds-combined-ca-bundle.pem"
        (container,) = json.loads(small.of("TaskDefinition")[f"{NAME}-metabase"]["containerDefinitions"])
        env = {item["name"]: item["value"] for item in container["environment"]}
        assert env["MB_DB_CONNECTION_URI"].endswith(f"?sslmode=verify-full&sslrootcert={path}")
        (filling,) = json.loads(small.of("TaskDefinition")[f"{NAME}-provision"]["containerDefinitions"])
        told = {item["name"]: item["value"] for item in filling["environment"]}
        assert told["ECOM_METABASE_POSTGRES_SSLROOTCERT"] == path
        details = connection(from_variables(MetabaseSettings, told), from_variables(PostgresSettings, told))
        assert (details["ssl-mode"], details["ssl-root-cert-path"]) == ("verify-full", path)

    def test_containers_get_references_and_log(self, small):
        for inputs in small.of("TaskDefinition").values():
            (container,) = json.loads(inputs["containerDefinitions"])
            assert container["logConfiguration"]["options"]["awslogs-region"] == REGION
            assert {"name": "AWS_DEFAULT_REGION", "value": REGION} in container["environment"]
            assert all(
                item["valueFrom"].startswith("arn:aws:secretsmanager:") for item in container["secrets"]
            )
            assert container["readonlyRootFilesystem"] == (container["name"] != "metabase")

    def test_no_task_waits_for_the_upload_of_what_jobs_are_submitted_with(self, small, folder):
        wanted = config(folder)
        (folder / "jars" / "one-more.jar").touch()
        try:
            more = made(wanted)
        finally:
            (folder / "jars" / "one-more.jar").unlink()
        before, after = small.of("TaskDefinition"), more.of("TaskDefinition")
        assert "one-more.jar" in more.of("BucketObjectv2")[f"{NAME}-file-platform.env"]["content"]
        for name, task in after.items():
            assert task["containerDefinitions"] == before[name]["containerDefinitions"]

    def test_the_producer_is_there_only_if_asked_for(self, small, production):
        assert f"{NAME}-producer" in small.of("ecs/service:Service")
        assert not any("producer" in args.name for args in production.every)

    def test_alarms_ring_somewhere_and_watch_what_matters(self, small):
        alarms = small.of("MetricAlarm")
        assert {name.removeprefix(f"{NAME}-watch-") for name in alarms} == {
            "stream-behind",
            "stream-stale",
            "stream-late",
            "dead-letters",
            "dag-failed",
            "postgres-disk",
            "postgres-cpu",
            "kafka-disk-1",
            "kafka-disk-2",
            "metabase-down",
        }
        topic = next(args for args in small.every if args.typ == "aws:sns/topic:Topic")
        for inputs in alarms.values():
            assert inputs["alarmActions"][0].endswith(topic.name)
        assert one(small, "TopicSubscription")["endpoint"] == "ops@example.com"
        assert len(json.loads(one(small, "Dashboard")["dashboardBody"])["widgets"]) == 9
        assert one(small, "Budget")["limitAmount"] == "900.0"

    def test_each_alarm_has_the_dimensions_under_which_its_metric_is_kept(self, small, production):
        for recorder, brokers in ((small, 2), (production, 3)):
            alarms = recorder.of("MetricAlarm")
            found = {name.removeprefix(f"{NAME}-watch-"): one["dimensions"] for name, one in alarms.items()}
            broker = {"Cluster Name": f"{NAME}-events"}
            assert {name: one for name, one in found.items() if one} == {
                **{f"kafka-disk-{one}": {**broker, "Broker ID": str(one)} for one in range(1, brokers + 1)},
                "postgres-disk": {"DBInstanceIdentifier": f"{NAME}-warehouse"},
                "postgres-cpu": {"DBInstanceIdentifier": f"{NAME}-warehouse"},
                "metabase-down": {"LoadBalancer": "app/bi/1", "TargetGroup": "targetgroup/bi/1"},
            }

    def test_the_disk_alarm_rings_when_rds_does_not_make_it_larger(self, small, production):
        # RDS does at a tenth of what there is, which is never less than at first.
        for recorder in (small, production):
            alarm = recorder.of("MetricAlarm")[f"{NAME}-watch-postgres-disk"]
            first_gb = one(recorder, "rds/instance:Instance")["allocatedStorage"]
            assert 0.05 * first_gb * 1024**3 < alarm["threshold"] < 0.1 * first_gb * 1024**3
            assert f"Less than {alarm['threshold'] / 1024**3:.1f} GB of" in alarm["alarmDescription"]

    def test_airflows_logs_have_their_groups_before_airflow_makes_them(self, small):
        groups = {name for name in small.of("LogGroup") if name.startswith(f"{NAME}-airflow-")}
        kinds = {"DAGProcessing", "Scheduler", "Task", "WebServer", "Worker"}
        assert groups == {f"{NAME}-airflow-{kind}" for kind in kinds}
        assert {small.of("LogGroup")[name]["name"] for name in groups} == {
            f"airflow-{name}" for name in groups
        }
        assert groups <= small.after[f"{NAME}-airflow"]


class TestRoles:
    def test_no_policy_has_a_star_without_a_reason(self, small, production):
        for recorder in (small, production):
            for name, statements in policies(recorder).items():
                for statement in statements:
                    assert not any(action == "*" or action.endswith(":*") for action in statement["Action"])
                    if "*" in statement["Resource"]:
                        assert statement["Sid"], name

    def test_a_job_reads_only_its_own_secrets(self, small):
        for role, wanted in {
            "spark-jobs": {"ingest", "etl"},
            "setup": {"ingest", "etl", "bi_readonly", "metabase_database", "rds!db"},
            "provision": {"metabase_admin", "bi_readonly"},
            "metabase-start": {"metabase_database", "metabase_key"},
        }.items():
            read = {
                re.sub(r".*(?:secret-|secret:)|-AbCdEf", "", arn)
                for statement in policies(small)[role]
                if "secretsmanager:GetSecretValue" in statement["Action"]
                for arn in statement["Resource"]
            }
            assert read == wanted, role

    def test_the_jobs_role_is_passed_to_emr_serverless_alone(self, small):
        (passing,) = [
            statement for statement in policies(small)["airflow-run"] if "iam:PassRole" in statement["Action"]
        ]
        assert passing["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/{NAME}-spark-jobs"]
        assert passing["Condition"] == {
            "StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}
        }

    def test_topics_are_named_with_the_clusters_own_id(self, small):
        resources = [
            arn
            for statement in policies(small)["spark-jobs"]
            for arn in statement["Resource"]
            if ":topic/" in arn
        ]
        start = f"arn:aws:kafka:{REGION}:{ACCOUNT}:topic/{NAME}-events/uuid-1/"
        assert {arn.removeprefix(start) for arn in resources} == {"orders", "orders_dlq"}

    def test_a_role_is_taken_on_behalf_of_this_account_only(self, small):
        for inputs in small.of("iam/role:Role").values():
            (statement,) = json.loads(inputs["assumeRolePolicy"])["Statement"]
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_what_is_exported_says_who_may_look_and_what_the_name_must_point_at(folder):
    exported: dict[str, Any] = {}

    def program() -> None:
        pulumi.Output.all(**outputs(Aws(NAME, config(folder, **CERTIFICATE)))).apply(exported.update)

    run(program, AwsRecorder())
    assert exported["people"] == f"{NAME}-sg-people-id"
    assert exported["dns"] == {
        "name": "bi.example.com",
        "balancer": "Internal-bi.elb.amazonaws.com",
        "zone_id": "Z1",
    }


class TestContract:
    def test_the_variables_are_those_that_the_pipeline_reads(self, small):
        text = small.of("BucketObjectv2")[f"{NAME}-file-platform.env"]["content"]
        env = dict(line.split("=", 1) for line in text.splitlines())
        for kind in ALL_SETTINGS:
            from_variables(kind, env)
        assert env["ECOM_KAFKA_SASL_MECHANISM"] == "AWS_MSK_IAM"
        assert env["ECOM_POSTGRES_SSLMODE"] == "verify-full"
        assert env["ECOM_POSTGRES_ETL_PASSWORD_REF"].startswith("arn:aws:secretsmanager:")
        assert env["ECOM_STORAGE_CHECKPOINTS"] == f"s3://{NAME}-data-id/checkpoints"

    def test_what_a_job_is_submitted_with_names_no_blank_and_no_maven(self, small):
        text = small.of("BucketObjectv2")[f"{NAME}-file-platform.env"]["content"]
        env = dict(line.split("=", 1) for line in text.splitlines())
        assert "spark.executor.instances=1" in env["ECOM_EMR_STREAM_SUBMIT_PARAMETERS"]
        words = env["ECOM_EMR_SUBMIT_PARAMETERS"].split(" ")
        conf = dict(pair.split("=", 1) for pair in words[3::2])
        assert set(words[2::2]) == {"--conf"}
        assert "spark.jars.packages" not in conf
        names = [archive.rpartition("#")[2] for archive in conf["spark.archives"].split(",")]
        assert names == ["environment", "code", "platform"]
        assert conf["spark.executorEnv.ECOM_ENV_FILE"] == "./platform/platform.env"
        assert conf["spark.executorEnv.AWS_DEFAULT_REGION"] == REGION
        for kind in ("emr-serverless.driverEnv", "executorEnv"):
            assert conf[f"spark.{kind}.ECOM_POSTGRES_SSLROOTCERT"] == "./code/rds-ca.pem"
        assert len(env["ECOM_EMR_SUBMIT_PARAMETERS"]) < 102_400  # EMR Serverless's own limit
