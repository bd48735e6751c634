"""Which environment a stack is of, and which `ecom` may work on: those of Docker's."""

from collections.abc import Mapping

from cli.stack.errors import StackError
from cli.stack.place import Place, place_of
from cli.stack.program import REPOSITORY, Pulumi
from infra.stack_choice import AWS, LOCAL, environment_of, read_stack_file, stack_file
from infra.stack_config import PROJECT
from toolchain.pins import DOCKER, RANDOM

_PROVIDERS = {LOCAL: (DOCKER, RANDOM), AWS: ()}


def any_stack(name: str) -> Pulumi:
    """Return Pulumi's command for a stack, whatever its environment."""
    place = place_of(name)
    return Pulumi(place, _PROVIDERS[_environment(place, {})])


def docker_stack(name: str, given: Mapping[str, str] | None = None) -> Pulumi:
    """Return Pulumi's command for a stack; raise StackError, before anything is run, if it is not Docker's.

    Its commands start at once, without a preview and without the policy pack, and ask Docker or its published
    ports, of which an account of AWS has none. `given` are values that are to be kept with it.
    """
    place = place_of(name)
    found = _environment(place, given or {})
    if found != LOCAL:
        raise StackError(
            f"the stack {name} is of the environment {found}, and this command is for Docker's: docs/aws.md"
            " says how it is deployed and taken down, docs/aws-runbook.md all else;"
            f" `ecom --stack {name} pulumi …` passes on to Pulumi"
        )
    return Pulumi(place, _PROVIDERS[found])


def full(key: str) -> str:
    """Return a key with its namespace, which may be left out."""
    return key if ":" in key else f"{PROJECT}:{key}"


def _environment(place: Place, given: Mapping[str, str]) -> str:
    return environment_of(place.name, _values(place, given), f"the stack {place.name}")


def _values(place: Place, given: Mapping[str, str]) -> dict[str, str]:
    """Return the config that there is without asking Pulumi, the later the stronger."""
    committed = read_stack_file(stack_file(REPOSITORY, place.name)).get("config") or {}
    values = {key: str(value) for key, value in committed.items()}
    return values | {full(key): value for key, value in (place.kept() | dict(given)).items()}
