"""IAM documents: short to write, and with no `*` unless its reason stands beside it."""

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]
# A statement id says why its resource is `*`: AWS has no narrower one for these actions.
NO_NARROWER = "AwsKnowsNoNarrowerResource"


def allow(actions: Sequence[str], resources: Sequence[str], sid: str = "", **conditions: Any) -> Statement:
    """Return a statement that allows; a `*` as resource needs a `sid` that says why."""
    if "*" in resources and not sid:
        raise ValueError(f"{', '.join(actions)} on *: a sid must say why")
    if any(action in ("*", "") or action.endswith(":*") for action in actions):
        raise ValueError(f"{', '.join(actions)}: name the actions")
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    if sid:
        statement["Sid"] = sid
    if conditions:
        statement["Condition"] = conditions
    return statement


def document(statements: Sequence[Statement]) -> str:
    """Return a policy as IAM wants it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def trust(services: Sequence[str], account: str) -> str:
    """Return who may take a role: these services, and only on behalf of this account."""
    return document(
        [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": list(services)},
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ]
    )
