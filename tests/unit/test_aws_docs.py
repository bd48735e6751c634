"""What the pages about AWS tell people to do, as far as it can be compared with something."""

import re

from policy_sentry.querying.actions import get_action_data

from environments.aws.bundle import REPOSITORY

DOCS = REPOSITORY / "docs"
MIGRATIONS = REPOSITORY / "pipeline" / "migrations" / "versions"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_a_customer_is_erased_wherever_there_is_a_name():
    sql = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    tables = re.findall(r"CREATE (?:UNLOGGED )?TABLE (\S+) \((.*?)\);", sql, re.DOTALL)
    named = {name for name, columns in tables if re.search(r"\bcustomer_id\b(?s:.*)\bname\b", columns)}
    assert named == {"raw.customers", "curated.dim_customers", "staging.dim_customers"}
    erased = re.findall(r"UPDATE (\S+) SET name = 'erased'", page("aws-security.md"))
    assert set(erased) == named


def test_the_deploying_role_may_stay_as_long_as_the_workflow_asks():
    workflow = (REPOSITORY / ".github" / "workflows" / "aws.yml").read_text(encoding="utf-8")
    (asked,) = re.findall(r"role-duration-seconds: (\d+)", workflow)
    (allowed,) = re.findall(r"--max-session-duration (\d+)", page("aws-runbook.md"))
    assert 3600 < int(asked) <= int(allowed) <= 43_200


def test_actions_that_the_runbook_names_are_awss():
    actions = set(re.findall(r"\b((?:kafka-cluster|ecs):[A-Z]\w+)", page("aws-runbook.md")))
    assert {"kafka-cluster:Connect", "kafka-cluster:CreateTopic", "ecs:UpdateService"} <= actions
    for action in actions:
        assert get_action_data(*action.split(":")), action
