"""GitHub's workflows: nothing with a key, and rights only where they are needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))
DEPLOY = Path(__file__).parents[2] / "scripts" / "aws_deploy.sh"
AWS = next(path for path in WORKFLOWS if path.name == "aws.yml")


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_to_read_unless_a_job_says_more(path: Path):
    assert read(path)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_has_a_version_and_no_input_runs_as_code(path: Path):
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", action) for action in used), used
    for job in read(path)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step


def test_only_the_deploying_job_gets_a_token_and_it_waits_for_its_environment():
    jobs = read(AWS)["jobs"]
    tokens = {name: job.get("permissions", {}).get("id-token") for name, job in jobs.items()}
    assert tokens == {"artifacts": None, "pulumi": "write"}
    assert jobs["pulumi"]["environment"] == "aws"


def test_there_is_no_key_of_awss():
    text = AWS.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert not re.search(r"access-key|ACCESS_KEY", text)
    assert "role-to-assume: ${{ vars.AWS_ROLE }}" in text


def test_it_starts_by_hand_and_one_at_a_time_to_its_end():
    workflow = read(AWS)
    # YAML takes `on` for a yes.
    assert set(workflow[True]) == {"workflow_dispatch"}  # type: ignore[index]
    assert workflow["concurrency"] == {"group": "aws", "cancel-in-progress": False}


def commands() -> list[str]:
    """Return what the deploying job and its script run, a line each."""
    steps = read(AWS)["jobs"]["pulumi"]["steps"]
    text = next(step["run"] for step in steps if step.get("name") == "pulumi") + DEPLOY.read_text(
        encoding="utf-8"
    )
    return [line.strip() for line in text.splitlines()]


def test_it_runs_the_rules_before_anything_is_made():
    found = [line for line in commands() if re.search(r"pulumi (up|preview) ", line)]
    assert len(found) == 2
    assert all("--policy-pack policy" in line for line in found)
