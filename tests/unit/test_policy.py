"""Each rule finds what it is for, and the local environment keeps all of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from environments.local.config import parse
from environments.local.stack import Local
from policy import RULES, STACK_RULES, Resource, broken
from tests.unit.pulumi_mocks import run

GOOD: dict[str, Any] = {
    "ports": [{"ip": "127.0.0.1", "external": 80}],
    "memory": 64,
    "memorySwap": 64,
    "cpus": "1.0",
    "healthcheck": {"tests": ["CMD", "true"]},
    "user": "1000",
    "capabilities": {"drops": ["ALL"]},
    "securityOpts": ["no-new-privileges:true"],
    "logOpts": {"max-size": "1m"},
    "envs": [
        "A=b",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "API_SECRET_KEY_CMD=cat /x",
        "X_PASSWORD_REF=file:/x",
    ],
}


def container(**inputs: Any) -> Resource:
    return Resource("docker:index/container:Container", "c", GOOD | inputs)


def image(name: str) -> Resource:
    return Resource("docker:index/remoteImage:RemoteImage", "i", {"name": name})


def test_what_is_good_is_let_through():
    assert broken([container(), image("a/b:1.2"), image(f"r:5000/b@sha256:{'0' * 64}")]) == []


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        ("loopback-only", {"ports": [{"ip": "192.0.2.1", "external": 80}]}),
        ("loopback-only", {"ports": [{"external": 80}]}),
        ("limits", {"memory": None, "memorySwap": None}),
        ("limits", {"memorySwap": -1}),
        ("limits", {"cpus": None}),
        ("health-check", {"healthcheck": None}),
        ("least-rights", {"user": None}),
        ("least-rights", {"user": "0:0"}),
        ("least-rights", {"capabilities": {"drops": ["ALL"], "adds": ["NET_ADMIN"]}}),
        ("least-rights", {"privileged": True}),
        ("log-rotation", {"logOpts": {}}),
        ("no-secret-in-variables", {"envs": ["DB_PASSWORD=hunter2"]}),
        ("no-secret-in-variables", {"envs": ["MB_DB_PASS=hunter2"]}),
        ("no-secret-in-variables", {"envs": ["FERNET_KEY=hunter2"]}),
    ],
)
def test_what_breaks_a_rule_is_named(rule: str, inputs: Mapping[str, Any]):
    (line,) = broken([container(**inputs)])
    assert line.startswith(f"c: {rule}: ")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "name", ["postgres", "postgres:latest", "postgres:18", "r:5000/kafka:4", "localhost:5000/postgres", ""]
)
def test_an_image_without_an_exact_tag(name: str):
    (line,) = broken([image(name)])
    assert line.startswith("i: exact-tag: ")


@pytest.mark.parametrize(
    ("base", "good"),
    [
        ("python:3.11.14-slim-bookworm", True),
        ("mirror:5000/debian:bookworm-20260101", True),
        (f"python@sha256:{'0' * 64}", True),
        ("python:3.11-slim-bookworm", False),
        ("python", False),
        ("python:latest", False),
    ],
)
def test_the_base_of_a_built_image(base: str, good: bool):
    build = {"buildArgs": {"PYTHON": base, "UV": "0.13"}}
    one = image("ours:0123456789ab")
    found = broken([Resource(one.type, one.name, {**one.inputs, "build": build})])
    said = (
        [] if good else [f"i: exact-tag: its base {base} has no exact tag (what ran yesterday runs tomorrow)"]
    )
    assert found == said


def test_what_runs_once_needs_no_health_check():
    assert broken([container(healthcheck=None, mustRun=False)]) == []


def test_rules_have_names_of_their_own():
    kinds = [(rule.name, rule.kind) for rule in RULES]
    assert len(set(kinds)) == len(kinds)
    assert not {rule.name for rule in RULES} & {rule.name for rule in STACK_RULES}


def test_the_local_environment_keeps_every_rule():
    config = parse({"ecom:seedOrders": "10", "ecom:producerRate": "1"}, "the test")
    recorder = run(lambda: Local("ecom-test", config))
    registered = [Resource(one.typ, one.name, one.inputs) for one in recorder.resources.values()]
    kinds = {resource.type for resource in registered}
    assert {rule.kind for rule in RULES if rule.kind.startswith("docker:")} <= kinds
    assert broken(registered) == []
