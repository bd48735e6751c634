"""Pulumi's program: reads stack config, makes the environment of that name, exports where it is."""

import pulumi
from pulumi.runtime.config import get_config_env

from environments.local.config import parse, stack_name
from environments.local.stack import Local, outputs
from infra.config import ConfigError


def main() -> None:
    """Make the local environment, under the stack's name."""
    stack = pulumi.get_stack()
    try:
        config = parse(get_config_env(), f"stack config of {stack}")
        made = Local(stack_name(stack), config)
    except (ConfigError, ValueError) as error:
        raise pulumi.RunError(str(error)) from None
    for key, value in outputs(made, config).items():
        pulumi.export(key, value)


main()
