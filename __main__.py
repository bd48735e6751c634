"""Pulumi's program: reads stack config, makes the environment that it names, exports where it is."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi
import yaml
from pulumi.runtime.config import get_config_env

from infra.config import ConfigError

Outputs = Mapping[str, pulumi.Input[object]]


def local(stack: str, values: Mapping[str, str], source: str) -> Outputs:
    """Check what is in the way of the Docker environment, and make it."""
    from environments.local.config import parse, stack_name
    from environments.local.engine import Engine, engine_host
    from environments.local.preflight import check
    from environments.local.stack import Local, outputs

    name, config = stack_name(stack), parse(values, source)
    check(config, name, Engine(engine_host(values)))
    return outputs(Local(name, config), config)


def aws(stack: str, values: Mapping[str, str], source: str) -> Outputs:
    """Make the AWS environment."""
    from environments.aws.config import parse, stack_name
    from environments.aws.stack import Aws, outputs

    declared = yaml.safe_load((Path(__file__).parent / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return outputs(Aws(stack_name(stack), parse(values, source, declared)))


ENVIRONMENTS: dict[str, Callable[[str, Mapping[str, str], str], Outputs]] = {"local": local, "aws": aws}


def main() -> None:
    """Make the chosen environment, under the stack's name."""
    stack, values = pulumi.get_stack(), get_config_env()
    chosen = values.get("ecom:environment") or ("aws" if stack.startswith("aws") else "local")
    try:
        if chosen not in ENVIRONMENTS:
            raise ConfigError(f"ecom:environment = {chosen!r}: allowed are {', '.join(ENVIRONMENTS)}")
        made = ENVIRONMENTS[chosen](stack, values, f"stack config of {stack}")
    except (ConfigError, ValueError) as error:
        raise pulumi.RunError(str(error)) from None
    for key, value in made.items():
        pulumi.export(key, value)


main()
