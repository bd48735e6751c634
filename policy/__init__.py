"""Rules that every resource of ours keeps, whatever the environment; pure, and asked by tests."""

from policy.resource import Resource
from policy.rules import RULES, broken

__all__ = ["RULES", "Resource", "broken"]
