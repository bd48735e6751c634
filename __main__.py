"""Pulumi's program: reads stack config, makes the environment that it names, exports where it is."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi
import yaml
from pulumi.runtime.config import get_config_env
from pulumi.runtime.settings import get_monitor

from infra.config import ConfigError
from infra.stack_choice import AWS, LOCAL, environment_of, read_stack_file, stack_file
from infra.stack_config import Declared

FOLDER = Path(__file__).parent
# An old Python host starts the project in the place of a policy pack.
NO_ENGINE = (
    "error: Pulumi's program was started without Pulumi's engine. If that was with --policy-pack: the"
    " pulumi-language-python on PATH is too old for policy packs (`make toolchain` builds such a one); use"
    " Pulumi's own installation, or leave the option out (docs/aws-security.md)"
)
Outputs = Mapping[str, pulumi.Input[object]]


def local(stack: str, values: Mapping[str, str], source: str, declared: Declared) -> Outputs:
    """Check what is in the way of the Docker environment, and make it."""
    from environments.local.config import parse, stack_name
    from environments.local.engine import Engine, engine_host
    from environments.local.preflight import check
    from environments.local.stack import Local, outputs

    name, config = stack_name(stack), parse(values, source, declared)
    check(config, name, Engine(engine_host(values)))
    return outputs(Local(name, config), config)


def aws(stack: str, values: Mapping[str, str], source: str, declared: Declared) -> Outputs:
    """Make the AWS environment."""
    from environments.aws.config import check_region, parse, stack_name
    from environments.aws.stack import Aws, outputs

    name, config = stack_name(stack), parse(values, source, declared)
    check_region(config.aws, values, source)
    return outputs(Aws(name, config))


ENVIRONMENTS: dict[str, Callable[[str, Mapping[str, str], str, Declared], Outputs]] = {LOCAL: local, AWS: aws}


def main() -> None:
    """Make the chosen environment, under the stack's name."""
    if get_monitor() is None:
        sys.exit(NO_ENGINE)
    stack, values = pulumi.get_stack(), get_config_env()
    source = f"stack config of {stack}"
    declared = yaml.safe_load((FOLDER / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    try:
        read_stack_file(stack_file(FOLDER, stack))
        chosen = environment_of(stack, values, source)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    try:
        made = ENVIRONMENTS[chosen](stack, values, source, declared)
    except (ConfigError, ValueError) as error:
        # A stack that is taken for another environment's is told many things, and not that.
        raise pulumi.RunError(f"{error} (stack {stack}, environment {chosen})") from None
    for key, value in made.items():
        pulumi.export(key, value)


main()
