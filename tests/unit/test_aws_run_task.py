"""A one-off task on moto's ECS: started with the stack's network, waited for, and its end is told."""

import io
import json
import sys

import boto3
import pytest
from moto import mock_aws

from environments.aws import run_task
from environments.aws.run_task import TaskFailed

REGION = "ap-southeast-2"


class Ecs:
    """moto's ECS, whose tasks end when a test says so and with the exit code that it says."""

    def __init__(self, client, after: int = 1, code: int | None = 0) -> None:
        self.client, self.after, self.code = client, after, code
        self.started: dict = {}
        self.did: list[str] = []
        self.rollouts = ["COMPLETED"]

    def run_task(self, **asked):
        self.started = asked
        self.did.append("task")
        return self.client.run_task(**asked)

    def update_service(self, **asked):
        assert asked["forceNewDeployment"] is True
        self.did.append(f"restart {asked['service']}")
        return self.client.update_service(**asked)

    def describe_services(self, **asked):
        answer = self.client.describe_services(**asked)
        for service in answer["services"]:
            state = self.rollouts.pop(0) if len(self.rollouts) > 1 else self.rollouts[0]
            self.did.append(state)
            if state == "GONE":
                service["deployments"][0]["id"] = "of-the-circuit-breaker"
            else:
                service["deployments"][0]["rolloutState"] = state
        return answer

    def describe_tasks(self, **asked):
        answer = self.client.describe_tasks(**asked)
        self.after -= 1
        (task,) = answer["tasks"]
        task["lastStatus"] = "RUNNING" if self.after >= 0 else "STOPPED"
        task["containers"] = [
            {"name": "setup"} if self.code is None else {"name": "setup", "exitCode": self.code}
        ]
        return answer


@pytest.fixture
def where(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        ecs, ec2 = (boto3.client(name, region_name=REGION) for name in ("ecs", "ec2"))
        subnet = ec2.describe_subnets()["Subnets"][0]
        group = ec2.create_security_group(GroupName="tasks", Description="x", VpcId=subnet["VpcId"])
        task = ecs.register_task_definition(
            family="setup",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="512",
            memory="1024",
            containerDefinitions=[{"name": "setup", "image": "x", "cpu": 1, "memory": 1}],
        )["taskDefinition"]["taskDefinitionArn"]
        cluster = ecs.create_cluster(clusterName="ecom")["cluster"]["clusterArn"]
        for service in ("metabase", "producer"):
            ecs.create_service(cluster=cluster, serviceName=service, taskDefinition=task, desiredCount=1)
        yield {
            "cluster": cluster,
            "services": ["metabase", "producer"],
            "subnets": [subnet["SubnetId"]],
            "security_group": group["GroupId"],
            "setup": task,
            "dashboards": task,
        }


def test_it_is_waited_for(where):
    pauses: list[float] = []
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=3)
    arn = run_task.run_task(ecs, where, "setup", pauses.append)
    assert ":task/" in arn
    assert len(pauses) == 3
    network = ecs.started["networkConfiguration"]["awsvpcConfiguration"]
    assert network == {
        "subnets": where["subnets"],
        "securityGroups": [where["security_group"]],
        "assignPublicIp": "DISABLED",
    }


@pytest.mark.parametrize("code", [1, None])
def test_a_bad_end_is_told(code, where):
    ecs = Ecs(boto3.client("ecs", region_name=REGION), code=code)
    with pytest.raises(TaskFailed, match=rf"setup ended with \[{code}\]"):
        run_task.run_task(ecs, where, "setup", lambda _: None)


def test_one_that_does_not_end_is_given_up(where):
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=10_000)
    with pytest.raises(TaskFailed, match="has not ended within 1800 s"):
        run_task.run_task(ecs, where, "setup", lambda _: None)


def test_one_that_could_not_be_started_is_told(where):
    class Full:
        def run_task(self, **_):
            return {"tasks": [], "failures": [{"reason": "RESOURCE:FARGATE"}]}

    with pytest.raises(TaskFailed, match="RESOURCE:FARGATE"):
        run_task.run_task(Full(), where, "setup")


def ecs_of(*rollouts: str) -> Ecs:
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=0)
    ecs.rollouts = list(rollouts)
    return ecs


def test_setup_starts_the_services_anew_and_waits_until_they_are_well(where):
    ecs = ecs_of("IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "COMPLETED", "COMPLETED")
    pauses: list[float] = []
    run_task.run(ecs, where, "setup", pauses.append)
    assert ecs.did[:3] == ["task", "restart metabase", "restart producer"]
    assert (len(ecs.did), len(pauses)) == (3 + 3 * 2, 2)


def test_a_migration_ahead_of_an_update_touches_no_service(where):
    ecs = ecs_of("FAILED")
    run_task.run(ecs, where, "migrate", lambda _: None)
    assert ecs.did == ["task"]


def test_dashboards_wait_for_metabase(where):
    ecs = ecs_of("IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED", "COMPLETED")
    run_task.run(ecs, where, "dashboards", lambda _: None)
    assert ecs.did[-3:] == ["COMPLETED", "COMPLETED", "task"]


@pytest.mark.parametrize("state", ["FAILED", "GONE"])
def test_a_service_that_does_not_start_is_told(state, where):
    with pytest.raises(TaskFailed, match="metabase did not start; see the service's events"):
        run_task.run(ecs_of(state), where, "setup", lambda _: None)


def test_a_service_that_never_gets_well_is_given_up(where):
    with pytest.raises(TaskFailed, match="metabase, producer: not well within 1800 s"):
        run_task.run(ecs_of("IN_PROGRESS"), where, "setup", lambda _: None)


def test_the_command_reads_the_stacks_outputs(where, monkeypatch, capsys):
    real = boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda name, region_name: Ecs(real(name, region_name=region_name), after=0)
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"tasks": where})))
    assert run_task.main(["setup"]) == 0
    assert "has ended well" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "asked"), [(0, False), (1, True)])
def test_the_record_of_metabases_name_is_asked_for_before_it_is_waited_for(
    code, asked, where, monkeypatch, capsys
):
    real = boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda name, region_name: Ecs(real(name, region_name=region_name), 0, code)
    )
    dns = {"name": "bi.example.com", "balancer": "internal-bi.elb.amazonaws.com", "zone_id": "Z1"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"tasks": where, "dns": dns})))
    assert run_task.main(["dashboards"]) == code
    first, last = capsys.readouterr().err.splitlines()
    told = "bi.example.com must point at internal-bi.elb.amazonaws.com: a CNAME, or an alias (zone Z1)"
    assert first == f"dashboards: {told}"
    assert last.endswith(f"does its name resolve? {told}") == asked


def test_a_stack_whose_metabase_has_no_name_of_its_own_needs_no_record():
    assert run_task.record({}) == run_task.record({"dns": {"name": ""}}) == ""
