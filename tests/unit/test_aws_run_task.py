"""A one-off task on moto's ECS: started with the stack's network, waited for, and its end is told."""

import io
import json
import sys
import time
from contextlib import nullcontext

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from environments.aws import one_off, run_task
from environments.aws.one_off import TaskFailed

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
            "operator": task,
            "log_group": "ecom-log",
        }


def test_it_is_waited_for(where):
    pauses: list[float] = []
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=3)
    arn = one_off.start(ecs, where, "setup")
    one_off.wait(ecs, where, "setup", arn, pauses.append)
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
    arn = one_off.start(ecs, where, "setup")
    with pytest.raises(TaskFailed, match=rf"setup ended with \[{code}\]"):
        one_off.wait(ecs, where, "setup", arn, lambda _: None)


def test_one_that_does_not_end_is_given_up(where):
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=10_000)
    arn = one_off.start(ecs, where, "setup")
    with pytest.raises(TaskFailed, match="has not ended within 1800 s"):
        one_off.wait(ecs, where, "setup", arn, lambda _: None)


def test_one_that_could_not_be_started_is_told(where):
    class Full:
        def run_task(self, **_):
            return {"tasks": [], "failures": [{"reason": "RESOURCE:FARGATE"}]}

    with pytest.raises(TaskFailed, match="RESOURCE:FARGATE"):
        one_off.start(Full(), where, "setup")


def clients(ecs: Ecs) -> run_task.Clients:
    return run_task.Clients(ecs, boto3.client("logs", region_name=REGION))


def ecs_of(*rollouts: str) -> Ecs:
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=0)
    ecs.rollouts = list(rollouts)
    return ecs


def test_setup_starts_the_services_anew_and_waits_until_they_are_well(where):
    ecs = ecs_of("IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "COMPLETED", "COMPLETED")
    pauses: list[float] = []
    run_task.run(clients(ecs), where, "setup", pause=pauses.append)
    assert ecs.did[:3] == ["task", "restart metabase", "restart producer"]
    assert (len(ecs.did), len(pauses)) == (3 + 3 * 2, 2)


def test_a_migration_ahead_of_an_update_touches_no_service(where):
    ecs = ecs_of("FAILED")
    run_task.run(clients(ecs), where, "migrate", pause=lambda _: None)
    assert ecs.did == ["task"]


def test_dashboards_wait_for_metabase(where):
    ecs = ecs_of("IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED", "COMPLETED")
    run_task.run(clients(ecs), where, "dashboards", pause=lambda _: None)
    assert ecs.did[-3:] == ["COMPLETED", "COMPLETED", "task"]


@pytest.mark.parametrize("state", ["FAILED", "GONE"])
def test_a_service_that_does_not_start_is_told(state, where):
    with pytest.raises(TaskFailed, match="metabase did not start; see the service's events"):
        run_task.run(clients(ecs_of(state)), where, "setup", pause=lambda _: None)


def test_a_service_that_never_gets_well_is_given_up(where):
    with pytest.raises(TaskFailed, match="metabase, producer: not well within 1800 s"):
        run_task.run(clients(ecs_of("IN_PROGRESS")), where, "setup", pause=lambda _: None)


def ending(client, code: int | None = 0):
    """Return moto's client, and for ECS one whose tasks end at once."""
    return Ecs(client, 0, code) if client.meta.service_model.service_name == "ecs" else client


def test_the_command_reads_the_stacks_outputs(where, monkeypatch, capsys):
    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **more: ending(real(name, **more)))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"tasks": where})))
    assert run_task.main(["setup"]) == 0
    assert "has ended well" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "asked"), [(0, False), (1, True)])
def test_the_record_of_metabases_name_is_asked_for_before_it_is_waited_for(
    code, asked, where, monkeypatch, capsys
):
    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **more: ending(real(name, **more), code))
    dns = {"name": "bi.example.com", "balancer": "internal-bi.elb.amazonaws.com", "zone_id": "Z1"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"tasks": where, "dns": dns})))
    assert run_task.main(["dashboards"]) == code
    first, last = capsys.readouterr().err.splitlines()
    told = "bi.example.com must point at internal-bi.elb.amazonaws.com: a CNAME, or an alias (zone Z1)"
    assert first == f"dashboards: {told}"
    assert last.endswith(f"does its name resolve? {told}") == asked


def test_a_stack_whose_metabase_has_no_name_of_its_own_needs_no_record():
    assert run_task.record({}) == run_task.record({"dns": {"name": ""}}) == ""


@pytest.mark.parametrize(
    ("task", "words", "container", "command"),
    [
        ("erase", ["7", "8"], "setup", ["python", "-m", "pipeline.erase", "7", "8"]),
        ("ecom", ["dlq", "list", "--json"], "operator", ["python", "-m", "cli", "dlq", "list", "--json"]),
    ],
)
def test_a_task_with_a_command_gets_it(task, words, container, command, where):
    ecs = ecs_of("COMPLETED")
    run_task.run(clients(ecs), where, task, words, lambda _: None)
    assert ecs.started["overrides"]["containerOverrides"] == [{"name": container, "command": command}]
    assert ecs.did == ["task"]


@pytest.mark.parametrize(("code", "text"), [(0, "2 entries"), (1, "error: no")])
def test_what_a_task_said_is_printed_however_it_ended(code, text, where, capsys):
    ecs = Ecs(boto3.client("ecs", region_name=REGION), after=1, code=code)
    both, told = clients(ecs), []

    def say(_: float) -> None:
        arn = ecs.client.list_tasks(cluster=where["cluster"])["taskArns"][0]
        stream = f"operator/operator/{arn.rpartition('/')[2]}"
        both.logs.create_log_group(logGroupName="ecom-log")
        both.logs.create_log_stream(logGroupName="ecom-log", logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": f"{number} {text}"} for number in range(3)]
        both.logs.put_log_events(logGroupName="ecom-log", logStreamName=stream, logEvents=events)
        told.append(stream)

    with pytest.raises(TaskFailed) if code else nullcontext():
        run_task.run(both, where, "ecom", ["dlq", "list"], say)
    assert told
    assert capsys.readouterr().out.splitlines() == [f"{number} {text}" for number in range(3)]


def test_a_log_that_may_not_be_read_changes_no_end(where, capsys):
    both = clients(ecs_of("COMPLETED"))
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetLogEvents")
    both.logs.get_log_events = raising(denied)
    run_task.run(both, where, "migrate", pause=lambda _: None)
    assert "could not be read: An error occurred (AccessDeniedException)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            "error: stdin: no JSON; wanted: pulumi stack output --json -s STACK | python -m environments.aws",
        ),
        (
            "{}",
            "error: stdin: these are not the outputs of a stack of AWS that is up; wanted: pulumi stack ou",
        ),
        (
            "[]",
            "error: stdin: these are not the outputs of a stack of AWS that is up; wanted: pulumi stack ou",
        ),
    ],
)
def test_what_are_no_outputs_is_told_in_a_line(text, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert run_task.main(["setup"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_without_credentials_it_says_so_in_a_line(where, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"tasks": where})))
    monkeypatch.setattr(run_task, "run", raising(NoCredentialsError()))
    assert run_task.main(["setup"]) == 1
    assert capsys.readouterr().err == "error: Unable to locate credentials\n"


def raising(error: Exception):
    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.mark.parametrize("words", [["setup", "now"], ["ecom"], ["erase"]])
def test_words_go_to_those_that_take_some(words, capsys):
    with pytest.raises(SystemExit):
        run_task.main(words)
    assert capsys.readouterr().err.splitlines()[-1].endswith(("takes no words", "like `ecom dlq list`"))
