"""Rules that every resource of ours keeps, whatever the environment; asked by tests and by Pulumi."""

from policy.check import RULES, STACK_RULES, broken
from policy.resource import Resource
from policy.rule import Rule, StackRule

__all__ = ["RULES", "STACK_RULES", "Resource", "Rule", "StackRule", "broken"]
