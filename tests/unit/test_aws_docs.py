"""What the pages about AWS tell people to do, as far as it can be compared with something."""

import json
import re

import pytest
from policy_sentry.querying.actions import get_action_data

from environments.aws.bundle import REPOSITORY
from pipeline.erase import STATEMENTS

DOCS = REPOSITORY / "docs"
MIGRATIONS = REPOSITORY / "pipeline" / "migrations" / "versions"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_a_customer_is_erased_wherever_there_is_a_name():
    sql = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    tables = re.findall(r"CREATE (?:UNLOGGED )?TABLE (\S+) \((.*?)\);", sql, re.DOTALL)
    named = {name for name, columns in tables if re.search(r"\bcustomer_id\b(?s:.*)\bname\b", columns)}
    assert named == {"raw.customers", "curated.dim_customers", "staging.dim_customers"}
    erased = re.findall(r"UPDATE (\S+) SET name = 'erased'", "\n".join(STATEMENTS))
    assert set(erased) == named


def test_the_deploying_role_may_stay_as_long_as_the_workflow_asks():
    workflow = (REPOSITORY / ".github" / "workflows" / "aws.yml").read_text(encoding="utf-8")
    (asked,) = re.findall(r"role-duration-seconds: (\d+)", workflow)
    (allowed,) = re.findall(r"--max-session-duration (\d+)", page("aws-runbook.md"))
    assert 3600 < int(asked) <= int(allowed) <= 43_200


def test_actions_that_the_runbook_names_are_awss():
    actions = set(re.findall(r"\b((?:kafka-cluster|ecs|ecr|iam):[A-Z][a-z]\w+)", page("aws-runbook.md")))
    # Conditions are written like actions.
    actions = actions - {"iam:PassedToService", "iam:AWSServiceName"} | {"kms:CreateGrant"}
    assert {"kafka-cluster:CreateTopic", "ecs:UpdateService", "ecs:RunTask", "iam:PassRole"} <= actions
    assert {"iam:CreateServiceLinkedRole", "ecr:PutImage", "ecr:GetAuthorizationToken"} <= actions
    assert '"kms:CreateGrant"' in page("aws-runbook.md")
    for action in actions:
        assert get_action_data(*action.split(":")), action


def test_statements_that_the_runbook_shows_are_json():
    blocks = re.findall(r"```json\n(.*?)```", page("aws-runbook.md"), re.DOTALL)
    statements = [one for block in blocks for one in re.split(r"\n(?=\{)", block.strip())]
    assert len(statements) >= 8
    assert all(json.loads(one) for one in statements)


@pytest.mark.parametrize("name", ["aws.md", "aws-runbook.md"])
def test_the_example_is_copied_before_pulumi_writes_what_opens_the_state(name):
    assert (
        0
        < page(name).index("cp -n Pulumi.aws.example.yaml Pulumi.aws.yaml")
        < page(name).index("\npulumi stack init")
    )


def test_an_image_is_built_for_fargates_processors_whatever_the_builders_are():
    script = (REPOSITORY / "scripts" / "aws_deploy.sh").read_text(encoding="utf-8")
    for text in (script, page("aws.md")):
        builds = re.findall(r"docker build .*", text)
        assert len(builds) == 2
        assert all("--platform linux/amd64" in build for build in builds)
        assert text.index("docker login") < text.index("docker push")
