"""The commands of `ecom`, each imported when it is asked for: all of them together take a second and more."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.chosen import chosen_stack

Command = TyperCommand | TyperGroup


@dataclass(frozen=True)
class Place:
    """Where a command is; `help` is the first line of its own, so that a list need not import it."""

    module: str
    attribute: str
    help: str
    passes_on: bool = False  # what follows is another program's

    def command(self, name: str) -> Command:
        """Import the command, or group of commands."""
        found = getattr(import_module(self.module), self.attribute)
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            one.add_typer(found, name=name)
            return typer.main.get_group(one).commands[name]  # type: ignore[return-value]
        settings = {"allow_extra_args": True, "ignore_unknown_options": True} if self.passes_on else {}
        one.command(name, context_settings=settings, add_help_option=not self.passes_on)(found)
        return typer.main.get_command(one)  # type: ignore[return-value]


COMMANDS = {
    "up": Place(
        "cli.lifecycle",
        "up",
        "Start PostgreSQL, Kafka, the streaming job, dashboards and Airflow;"
        " stay until Ctrl-C, unless --detach.",
    ),
    "status": Place("cli.lifecycle", "status", "Show what runs. Exit code 0 if everything is up, 1 if not."),
    "logs": Place("cli.lifecycle", "logs", "Print the end of the services' logs."),
    "down": Place("cli.lifecycle", "down", "Stop everything; the data stay unless --wipe."),
    "env": Place("cli.lifecycle", "env", "Print the platform's variables, secrets as references only."),
    "seed": Place(
        "cli.seed", "seed", "Load customers, products and past orders, and publish them to curated."
    ),
    "produce": Place(
        "cli.produce",
        "produce",
        "Send live order events until --count, --duration or Ctrl-C, and tell what Kafka acknowledged.",
    ),
    "verify": Place("cli.verify", "verify", "Prove that every order event is where it belongs, once."),
    "dlq": Place("cli.dlq", "app", "The dead-letter queue: invalid messages, each with its reason."),
    "stream": Place("cli.stream", "app", "The streaming job, where it refuses to start."),
    "batch": Place("cli.batch", "app", "The batch: raw to curated, behind the quality gate."),
    "quality": Place("cli.quality", "app", "Quality checks: results, failing rows, accepted exceptions."),
    "dashboards": Place(
        "cli.dashboards", "app", "The dashboards in a Metabase: what differs, and bring it there."
    ),
    "demo": Place(
        "cli.demo",
        "demo",
        "Start everything, seed history, send live orders with faults among them,"
        " and prove that none is lost.",
    ),
}

# With `--stack` these are in the place of those, and beside them.
STACK_COMMANDS = {
    "up": Place(
        "cli.stack.lifecycle",
        "up",
        "Make the stack, or bring it to what code and configuration say; wait until all of it is healthy.",
    ),
    "status": Place(
        "cli.stack.lifecycle",
        "status",
        "Show the stack's containers and addresses. Exit code 0 if everything is up, 1 if not.",
    ),
    "logs": Place("cli.stack.lifecycle", "logs", "Print the end of a service's log."),
    "down": Place(
        "cli.stack.lifecycle", "down", "Remove containers, network and images; the data stay unless --wipe."
    ),
    "secrets": Place("cli.stack.secrets", "app", "The stack's generated secrets: show one, make them anew."),
    "backup": Place(
        "cli.stack.backup", "backup", "Stop the containers, copy the data volumes, start them again."
    ),
    "restore": Place(
        "cli.stack.backup", "restore", "Put the data volumes back as they were; what came in since is gone."
    ),
    "pulumi": Place(
        "cli.stack.lifecycle",
        "passed_on",
        "Run Pulumi's own command on the stack, e.g. `ecom --stack local pulumi preview`.",
        passes_on=True,
    ),
}
_EMBEDDED_ONLY = ("env", "demo")


def commands(stack: str) -> dict[str, Place]:
    """Return the commands there are for a stack, or without one."""
    if not stack:
        return COMMANDS
    return {name: place for name, place in (COMMANDS | STACK_COMMANDS).items() if name not in _EMBEDDED_ONLY}


class Commands(TyperGroup):
    """A group whose list shows commands without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, in the order of a first day with them."""
        return list(_of(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """Return what a list shows of a command."""
        place = _of(ctx).get(cmd_name)
        return TyperCommand(cmd_name, help=place.help) if place else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the command itself: it is going to run, or to show its help."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, _of(ctx)[name].command(name) if name and found else None, rest


def _of(ctx: Any) -> dict[str, Place]:
    # `--help` alone is answered before a stack is taken from the variable.
    return commands(str(ctx.params.get("stack") or chosen_stack()))
