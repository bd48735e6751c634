"""Rules about who may do what on AWS: every `*` has a written reason, and nobody from outside is let in."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from policy.rule import Inputs, Look, Rule

# A policy of a role, and a policy of a thing that says who may use it.
OF_ROLES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy")
OF_THINGS = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:kms/key:Key",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
)
ROLE = "aws:iam/role:Role"
# Managed policies of AWS that let their holder do everything, or nearly so.
_TOO_WIDE = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
# Words of a statement id that is a reason: what an editor makes up, like VisualEditor0, is shorter.
_LEAST_REASON = 3
_KIND_AND_STAR = re.compile(r"/?([\w-]+[:/])?\*([:/]\*)*")
# Conditions that keep everybody else out, when they are asked for by equality.
_OF_US = frozenset(
    {"aws:sourceaccount", "aws:principalaccount", "aws:principalorgid", "aws:sourcearn", "kms:calleraccount"}
)
_ASKED = ("StringEquals", "ArnEquals", "ArnLike")
Statement = dict[str, Any]


def listed(value: Any) -> list[Any]:
    """Return what may stand alone or in a list as a list."""
    return list(value) if isinstance(value, list) else [value]


def statements(text: str, effect: str = "Allow") -> list[Statement]:
    """Return the statements of a policy."""
    return [one for one in listed(json.loads(text)["Statement"]) if one["Effect"] == effect]


def _allowing(key: str, look: Callable[[Statement], Iterator[str]]) -> Look:
    def looks(inputs: Inputs) -> Iterator[str]:
        for one in statements(inputs[key]) if inputs.get(key) else ():
            yield from look(one)

    return looks


def _reasoned(statement: Statement) -> bool:
    """A statement id is the reason: AWS keeps no comments."""
    return len(re.findall(r"[A-Z][a-z]+", str(statement.get("Sid", "")))) >= _LEAST_REASON


def _actions(statement: Statement) -> Iterator[str]:
    if "NotAction" in statement:
        yield "NotAction allows what nobody has thought of"
    for action in listed(statement.get("Action", [])):
        service, _, name = str(action).partition(":")
        if service == "*" or name == "*":
            yield f"{action} is everything"
        elif "*" in name and not _reasoned(statement):
            yield f"{action} has a * and no Sid that says why"


def _wide(resource: str) -> bool:
    """Tell whether a resource is everything, of every account, or everything of a service or a kind."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource == "*"
    # What stands before S3's star is a bucket and no kind.
    whole = parts[5] in ("*", "*/*") if parts[2] == "s3" else bool(_KIND_AND_STAR.fullmatch(parts[5]))
    return "*" in parts[4] or whole


def _resources(statement: Statement) -> Iterator[str]:
    if "NotResource" in statement:
        yield "NotResource allows what nobody has thought of"
    for resource in listed(statement.get("Resource", [])):
        if _wide(str(resource)) and not _reasoned(statement):
            actions = ", ".join(map(str, listed(statement.get("Action", []))))
            yield f"{actions} on {resource}, and no Sid says why"


def _outsiders(statement: Statement) -> Iterator[str]:
    principal = statement.get("Principal")
    named = listed(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
    if "*" in named and not _of_us(statement.get("Condition") or {}):
        yield "everybody may"


def _of_us(condition: dict[str, Any]) -> bool:
    asked = {key.lower() for how in _ASKED for key in condition.get(how) or ()}
    return bool(asked & _OF_US)


def _trusted(statement: Statement) -> Iterator[str]:
    if set(statement["Principal"]) - {"Service", "Federated"}:
        yield f"{', '.join(sorted(statement['Principal']))} may take it, which is no service"
    if not statement.get("Condition"):
        yield "a service may take it for another account"


def _attached(inputs: Inputs) -> Iterator[str]:
    name = str(inputs.get("policyArn")).rpartition("/")[2]
    if name in _TOO_WIDE or name.endswith("FullAccess"):
        yield f"{name} lets it do everything"


def _beside(inputs: Inputs) -> Iterator[str]:
    for key in ("inlinePolicies", "managedPolicyArns"):
        if inputs.get(key):
            yield f"{key}: rights are given by rolePolicy and rolePolicyAttachment, which the rules read"


def _person(_: Inputs) -> Iterator[str]:
    yield "it has keys that do not end"


RULES = (
    *(
        Rule(
            "named-actions",
            kind,
            "a right that nobody asked for is found by somebody else",
            _allowing("policy", _actions),
            ("CKV_AWS_62", "CKV_AWS_63", "iam_inline_policy_no_administrative_privileges"),
        )
        for kind in OF_ROLES
    ),
    *(
        Rule(
            "named-resources",
            kind,
            "a right on everything is a right on what comes tomorrow",
            _allowing("policy", _resources),
            ("CKV_AWS_355", "CKV_AWS_290", "iam_inline_policy_allows_privilege_escalation"),
        )
        for kind in OF_ROLES
    ),
    *(
        Rule(
            "no-outsiders",
            kind,
            "what is ours is for us",
            _allowing("policy", _outsiders),
            ("CKV_AWS_33", "CKV_AWS_70", "sns_topics_not_publicly_accessible"),
        )
        for kind in OF_THINGS
    ),
    Rule(
        "trusted-services",
        ROLE,
        "a service must not be talked into it by another account",
        _allowing("assumeRolePolicy", _trusted),
        ("CKV_AWS_60", "iam_role_cross_service_confused_deputy_prevention"),
    ),
    Rule(
        "no-administrator",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "no part of the platform manages the account",
        _attached,
        ("CKV_AWS_274", "iam_role_administratoraccess_policy"),
    ),
    Rule(
        "rights-in-one-place",
        ROLE,
        "a right that no rule reads is a right to anything",
        _beside,
    ),
    *(
        Rule("no-long-keys", kind, "keys that do not end are the ones that leak", _person, ("CKV_AWS_273",))
        for kind in ("aws:iam/user:User", "aws:iam/accessKey:AccessKey")
    ),
)
