"""Which stack of Pulumi's `--stack` names; empty: the embedded environment."""

import os

VARIABLE = "ECOM_STACK"


def chosen_stack() -> str:
    """Return the stack's name."""
    return os.environ.get(VARIABLE, "")


def choose_stack(name: str) -> None:
    """Let every command from here on, and what it starts, work on this stack."""
    if name:
        os.environ[VARIABLE] = name
