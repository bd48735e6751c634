"""Rules about other accounts: nobody there may use what is ours, and no service on their behalf."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from policy.aws_access import OF_THINGS, ROLE, listed, statements
from policy.resource import Resource
from policy.rule import StackRule

Statement = dict[str, Any]
_SOURCE = "aws:SourceAccount"
_NONE = json.dumps({"Statement": []})


def _trusting(role: Resource) -> list[str]:
    """Return the accounts on whose behalf a service may take a role."""
    conditions = [
        one.get("Condition") or {} for one in statements(role.inputs.get("assumeRolePolicy") or _NONE)
    ]
    return [
        str(account)
        for condition in conditions
        for account in listed((condition.get("StringEquals") or {}).get(_SOURCE, []))
    ]


def _named(statement: Statement) -> Iterator[str]:
    """Yield the accounts that a statement's principals are of; an account may stand there by its number."""
    principal = statement.get("Principal")
    for name in listed(principal.get("AWS", [])) if isinstance(principal, dict) else ():
        parts = str(name).split(":")
        account = parts[4] if len(parts) > 4 else parts[0]
        if account != "*":
            yield account


def _others(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    roles = {one.name: _trusting(one) for one in resources if one.type == ROLE}
    # Ours is the one that our roles are for: no input says it, and a mistake is in one of them.
    counted = Counter(account for accounts in roles.values() for account in accounts)
    ours = counted.most_common(1)[0][0] if counted else ""
    for name, accounts in roles.items():
        yield from ((name, f"a service may take it for {one}") for one in accounts if one != ours)
    for one in resources:
        text = one.inputs.get("policy") if one.type in OF_THINGS else None
        for statement in statements(text) if text else ():
            yield from ((one.name, f"{other} may use it") for other in _named(statement) if other != ours)


STACK_RULES = (
    StackRule(
        "no-other-account",
        "what is ours is for us",
        _others,
    ),
)
