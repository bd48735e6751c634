"""A resource as the rules see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """What a program registers: Pulumi's type token, the name, and the inputs as they go to the provider."""

    type: str
    name: str
    inputs: Mapping[str, Any]
