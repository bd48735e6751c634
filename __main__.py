"""Pulumi's program: reads stack config, checks what is in the way, makes the environment of that name."""

import pulumi
from pulumi.runtime.config import get_config_env

from environments.local.config import parse, stack_name
from environments.local.engine import Engine, engine_host
from environments.local.preflight import check
from environments.local.stack import Local, outputs
from infra.config import ConfigError


def main() -> None:
    """Make the local environment, under the stack's name."""
    stack = pulumi.get_stack()
    try:
        values, name = get_config_env(), stack_name(stack)
        config = parse(values, f"stack config of {stack}")
        check(config, name, Engine(engine_host(values)))
        made = Local(name, config)
    except (ConfigError, ValueError) as error:
        raise pulumi.RunError(str(error)) from None
    for key, value in outputs(made, config).items():
        pulumi.export(key, value)


main()
