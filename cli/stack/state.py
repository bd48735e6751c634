"""What Pulumi's state holds."""

import json
from typing import Any

from cli.stack.program import Pulumi

PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type's name


def resources(pulumi: Pulumi, *words: str) -> list[dict[str, Any]]:
    """Return the state's entries, but for those that an interrupted update has replaced already."""
    deployment = pulumi.json("stack", "export", *words).get("deployment") or {}
    return [one for one in deployment.get("resources") or () if not one.get("delete")]


def passwords(pulumi: Pulumi) -> dict[str, str]:
    """Return the passwords by name, as they are in the state now.

    The outputs are written at an update's end: where one was killed they are still those of before.
    """
    made = [one for one in resources(pulumi, "--show-secrets") if one["type"] == PASSWORD]
    return {
        one["urn"].rpartition("-passwords-")[2]: json.loads(one["outputs"]["result"]["plaintext"])
        for one in made
    }
