"""IAM's decision about one call by one role's own policies, as far as our policies use IAM's language.

No library on PyPI that is kept up decides (those that are, look for smells), and moto's decider knows neither
`?` nor that a condition which does not hold leaves a statement out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Statement = dict[str, Any]


def allowed(
    statements: Sequence[Statement], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Tell whether the call is allowed: a Deny wins, and what nobody allows is not."""
    effects = {one["Effect"] for one in statements if _concerns(one, action, resource, context or {})}
    return effects == {"Allow"}


def _concerns(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise NotImplementedError(f"this decider does not know {', '.join(sorted(unknown))}")
    return (
        # Names of actions are the same in any case, ARNs are not.
        any(_like(each.lower(), action.lower()) for each in _listed(statement["Action"]))
        and any(_like(each, resource) for each in _listed(statement["Resource"]))
        and all(
            _holds(operator, context.get(key), _listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, value: str | None, wanted: Sequence[str]) -> bool:
    """A key that the call does not have fulfils no condition."""
    if operator == "StringEquals":
        return value in wanted
    if operator in ("StringLike", "ArnLike"):
        return value is not None and any(_like(each, value) for each in wanted)
    raise NotImplementedError(f"this decider does not know {operator}")


def _like(pattern: str, text: str) -> bool:
    words = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(words.get(each) or re.escape(each) for each in pattern), text))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
