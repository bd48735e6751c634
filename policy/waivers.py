"""Where a rule is broken on purpose, with the reason; a test asks whether each is still needed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiver:
    """A rule that resources whose name ends so may break."""

    rule: str
    name_end: str
    reason: str


WAIVERS = (
    Waiver(
        "task-read-only", "-metabase", "the official image unpacks its drivers beside itself at its start"
    ),
)


def waived(rule: str, name: str) -> bool:
    """Tell whether this resource may break this rule."""
    return any(one.rule == rule and name.endswith(one.name_end) for one in WAIVERS)
