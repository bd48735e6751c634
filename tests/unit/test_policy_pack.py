"""The rules as Pulumi's policy pack, asked over gRPC as the engine asks, with what a preview can't know."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.proxy import UNKNOWN_BOOLEAN_VALUE

from environments.aws.bundle import REPOSITORY
from policy import RULES, STACK_RULES

PACK = REPOSITORY / "policy"
MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY
RDS = "aws:rds/instance:Instance"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The pack as Pulumi's language host starts it: the folder as the program, from somewhere else."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-u", str(PACK), "127.0.0.1:1"]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=elsewhere) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


def said(pack: Any, kind: str, properties: dict[str, Any]) -> dict[str, int]:
    """Return what the pack says of a resource: each message with its level."""
    known = struct_pb2.Struct()
    known.update(properties)
    asked = analyzer_pb2.AnalyzeRequest(type=kind, properties=known, urn="urn:x", name="x")
    return {one.policyName: one.enforcementLevel for one in pack.Analyze(asked).diagnostics}


def test_it_has_every_rule_once(pack: Any):
    names = [policy.name for policy in pack.GetAnalyzerInfo(empty_pb2.Empty()).policies]
    assert sorted(names) == sorted({*(rule.name for rule in RULES), *(rule.name for rule in STACK_RULES)})


def test_what_breaks_a_rule_stops_the_update_and_advice_does_not(pack: Any):
    found = said(pack, RDS, {"publiclyAccessible": True, "backupRetentionPeriod": 0})
    assert found["database-private"] == found["database-backups"] == MANDATORY
    assert found["database-kept"] == ADVISORY


def test_lists_and_policies_are_read_through_the_sdks_proxies(pack: Any):
    rights = {"capabilities": {"drops": ["ALL"]}, "user": "1000", "securityOpts": ["no-new-privileges:true"]}
    kind = "docker:index/container:Container"
    assert "least-rights" not in said(pack, kind, rights)
    assert said(pack, kind, rights | {"capabilities": {"drops": ["NET_RAW"]}})["least-rights"] == MANDATORY
    policy = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    found = said(pack, "aws:iam/rolePolicy:RolePolicy", {"policy": policy})
    assert found == {"named-actions": MANDATORY, "named-resources": MANDATORY}


def test_what_a_preview_cannot_know_is_said_and_stops_nothing(pack: Any):
    found = said(pack, RDS, {"publiclyAccessible": UNKNOWN_BOOLEAN_VALUE})
    assert found["database-private"] == ADVISORY


def test_a_stack_is_looked_at_as_a_whole(pack: Any):
    bucket = analyzer_pb2.AnalyzerResource(type="aws:s3/bucket:Bucket", urn="urn:b", name="b")
    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[bucket]))
    found = {one.policyName: one.urn for one in answer.diagnostics}
    assert {name: found.get(name) for name in ("tagged", "bucket-private", "bucket-by-tls")} == dict.fromkeys(
        ("tagged", "bucket-private", "bucket-by-tls"), "urn:b"
    )


def test_its_file_names_the_runtime():
    settings = yaml.safe_load((Path(PACK) / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert (settings["runtime"], settings["version"]) == ("python", "0.1.0")
