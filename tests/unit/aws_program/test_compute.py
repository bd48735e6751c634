"""What runs: Spark, Airflow, Metabase, tasks, and what watches over them."""

import json

from dashboards.metabase.render import connection
from pipeline.settings import MetabaseSettings, PostgresSettings, from_variables
from tests.unit.aws_mocks import CERTIFICATE, NAME, REGION, config, made, one


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
