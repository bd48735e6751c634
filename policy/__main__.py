"""The rules as Pulumi's policy pack: `pulumi up --policy-pack policy`."""

import sys
from collections.abc import Callable
from pathlib import Path

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

# Pulumi runs this folder, and not the package that it is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy.check import RULES, STACK_RULES, of_resource, of_stack
from policy.resource import Resource
from policy.rule import Rule, StackRule


def _level(rule: Rule | StackRule) -> EnforcementLevel:
    return EnforcementLevel.ADVISORY if rule.advice else EnforcementLevel.MANDATORY


def _description(rule: Rule | StackRule) -> str:
    return f"{rule.why} ({', '.join(rule.mirrors)})" if rule.mirrors else rule.why


def _resource_check(rules: list[Rule]) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(args.resource_type, args.name, args.props)
        for rule in rules:
            for one in of_resource(rule, resource):
                report(f"{one.name}: {one.wrong}", None)

    return validate


def _stack_check(rule: StackRule) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [Resource(one.resource_type, one.name, one.props) for one in args.resources]
        urns = {one.name: one.urn for one in args.resources}
        for one in of_stack(rule, resources):
            report(f"{one.name}: {one.wrong}", urns.get(one.name))

    return validate


def _policies() -> list[ResourceValidationPolicy | StackValidationPolicy]:
    # A rule about several types is one policy: Pulumi knows them by name.
    by_name: dict[str, list[Rule]] = {}
    for rule in RULES:
        by_name.setdefault(rule.name, []).append(rule)
    made: list[ResourceValidationPolicy | StackValidationPolicy] = [
        ResourceValidationPolicy(name, _description(rules[0]), _resource_check(rules), _level(rules[0]))
        for name, rules in by_name.items()
    ]
    return made + [
        StackValidationPolicy(rule.name, _description(rule), _stack_check(rule), _level(rule))
        for rule in STACK_RULES
    ]


if __name__ == "__main__":
    PolicyPack("ecom", list(_policies()))
