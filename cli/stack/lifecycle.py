"""`ecom --stack NAME up | status | logs | down | pulumi`: the life of a stack."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cli.chosen import chosen_stack
from cli.stack.containers import Container, containers, has_container, named, steps, wait_healthy
from cli.stack.environment import any_stack, docker_stack
from cli.stack.errors import NoSuchStack, StackError
from cli.stack.outputs import outputs
from cli.stack.overview import show
from cli.stack.place import elsewhere
from cli.stack.prepare import find, pairs, prepare
from cli.stack.program import Pulumi
from cli.stack.unfinished import RESTORE, ROTATION, WIPE

# Done without a question and without a preview first: whoever wants one says `pulumi preview`.
_AT_ONCE = ("--yes", "--skip-preview", "--suppress-outputs")

# Pulumi would write to our copy of the configuration, which is made anew from what `--set` said.
_CHANGE_CONFIG = {"set", "set-all", "rm", "rm-all", "cp", "refresh"}


def stack(given: Mapping[str, str] | None = None) -> Pulumi:
    """Return Pulumi's command for the chosen stack, with these values to be kept."""
    return docker_stack(chosen_stack(), given)


def up(
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of Pulumi.yaml, kept for the next time."),
    ] = None,
) -> None:
    """Make the stack, or bring it to what code and configuration say; wait until all of it is healthy."""
    given = pairs(set_ or ())
    pulumi = stack(given)
    _refuse_what_is_half_done(pulumi)
    run_again(pulumi, _prepared(pulumi, given))
    RESTORE.refuse(pulumi.place)  # it lacked the server, which is there now
    show(pulumi, wait_healthy(pulumi))


def _prepared(pulumi: Pulumi, given: Mapping[str, str]) -> list[str]:
    """Make what a stack needs, and return the steps of it that failed."""
    prepare(pulumi, given)
    try:
        return steps(pulumi, failed=True)
    except NoSuchStack:
        # Its folder outlived it, as after half a wipe. To ask before would take a second of every `up`.
        if elsewhere(pulumi.place):
            raise
        prepare(pulumi, given, anew=True)
        return []


def run_again(pulumi: Pulumi, urns: Sequence[str]) -> None:
    """Run `pulumi up`, with these steps run anew."""
    again = [word for urn in urns for word in ("--replace", urn)]
    _must(pulumi.run("up", *again, *_AT_ONCE))
    WIPE.end(pulumi.place)  # what is there is protected again


def _refuse_what_is_half_done(pulumi: Pulumi) -> None:
    """Refuse to go on after half a restore or rotation, unless the server is gone, which both need.

    In half a rotation its present container has the only copy of the password that opens it.
    """
    place = pulumi.place
    if not (RESTORE.noted(place) or ROTATION.noted(place)):
        return
    if pulumi.exists() and has_container(pulumi, "postgres"):
        RESTORE.refuse(place)  # the first, because it ends both
        ROTATION.refuse(place)
    ROTATION.end(place)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove all data and passwords.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing.")] = False,
) -> None:
    """Remove containers, network and images; the data stay unless --wipe."""
    pulumi = stack()
    find(pulumi)
    if not wipe:
        WIPE.refuse(pulumi.place)
        _refuse_what_is_half_done(pulumi)
        _must(pulumi.run("destroy", "--exclude-protected", *_AT_ONCE))
        ecom = f"ecom --stack {pulumi.place.name}"
        typer.echo(
            f"the data and passwords stay: `{ecom} up` goes on with them, `{ecom} down --wipe` deletes them"
        )
        return
    if not yes:
        typer.confirm(f"Remove the stack {pulumi.place.name} with all its data?", abort=True)
    WIPE.begin(pulumi.place)
    pulumi.ask("state", "unprotect", "--all", "--yes")
    _must(pulumi.run("destroy", *_AT_ONCE))
    pulumi.ask("stack", "rm", "--yes", "--preserve-config")
    pulumi.place.forget()


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the stack's containers and addresses. Exit code 0 if everything is up, 1 if not."""
    pulumi = stack()
    found = containers(pulumi)
    if as_json:
        told = {one.service: asdict(one) | {"good": one.good} for one in found}
        addresses = outputs(pulumi)["addresses"] if found else {}
        typer.echo(json.dumps({"healthy": _good(found), "services": told, "addresses": addresses}, indent=2))
    elif not found:
        typer.echo(f"the stack {pulumi.place.name} is not up")
    else:
        show(pulumi, found)
    if not _good(found):
        raise typer.Exit(1)


def logs(
    service: Annotated[str, typer.Argument(help="A service, as `status` names it, or what runs once.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many past lines.")] = 20,
) -> None:
    """Print the end of a service's log."""
    names = named(stack(), once=True)
    if service not in names:
        what = f"no service {service!r}" if service else "of which service"
        raise StackError(f"{what}; there are: {', '.join(names) or 'none yet'}")
    words = ["docker", "logs", "--tail", str(lines), *(["--follow"] if follow else []), names[service]]
    os.execvp(words[0], words)  # noqa: S606 - from here on it is docker's own command


def passed_on(context: typer.Context) -> None:
    """Run Pulumi's own command on the stack, e.g. `ecom --stack local pulumi preview`."""
    if not context.args:
        raise StackError("which command of Pulumi's? e.g. preview, refresh, stack output")
    pulumi = any_stack(chosen_stack())
    if context.args[0] == "config" and set(context.args) & _CHANGE_CONFIG and pulumi.place.config.exists():
        name = pulumi.place.name
        raise StackError(
            f"the next `up` would forget it: `ecom --stack {name} up --set KEY=VALUE` keeps a key, and KEY="
            " forgets it"
        )
    raise typer.Exit(pulumi.run(*context.args))


def _must(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _good(found: list[Container]) -> bool:
    return bool(found) and all(one.good for one in found)
