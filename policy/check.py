"""All rules, and what resources break."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policy import (
    aws_access,
    aws_accounts,
    aws_compute,
    aws_cost,
    aws_data,
    aws_kinds,
    aws_network,
    aws_whole,
    docker,
)
from policy.resource import Resource
from policy.rule import Rule, StackRule
from policy.waivers import waived

RULES: tuple[Rule, ...] = (
    *docker.RULES,
    *aws_data.RULES,
    *aws_network.RULES,
    *aws_compute.RULES,
    *aws_access.RULES,
)
STACK_RULES: tuple[StackRule, ...] = (
    *aws_kinds.STACK_RULES,
    *aws_accounts.STACK_RULES,
    *aws_network.STACK_RULES,
    *aws_whole.STACK_RULES,
    *aws_cost.STACK_RULES,
)


@dataclass(frozen=True)
class Broken:
    """A rule that a resource does not keep."""

    name: str
    rule: Rule | StackRule
    wrong: str

    def __str__(self) -> str:
        return f"{self.name}: {self.rule.name}: {self.wrong} ({self.rule.why})"


def of_resource(rule: Rule, resource: Resource) -> Iterator[Broken]:
    """Yield how a resource breaks a rule, if it is about such resources and not waived."""
    if rule.kind == resource.type and not waived(rule.name, resource.name):
        yield from (Broken(resource.name, rule, wrong) for wrong in rule.look(resource.inputs))


def of_stack(rule: StackRule, resources: Sequence[Resource]) -> Iterator[Broken]:
    """Yield how a stack breaks a rule."""
    for name, wrong in rule.look(resources):
        if not waived(rule.name, name):
            yield Broken(name, rule, wrong)


def broken(resources: Sequence[Resource]) -> list[str]:
    """Return a line for each rule that a resource, or all of them together, do not keep."""
    found = [one for resource in resources for rule in RULES for one in of_resource(rule, resource)]
    found += [one for rule in STACK_RULES for one in of_stack(rule, resources)]
    return [str(one) for one in found]
