"""The commands of `ecom`, each imported when it is asked for: all of them together take a second and more."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

Command = TyperCommand | TyperGroup


@dataclass(frozen=True)
class Place:
    """Where a command is; `help` is the first line of its own, so that a list need not import it."""

    module: str
    attribute: str
    help: str

    def command(self, name: str) -> Command:
        """Import the command, or group of commands."""
        found = getattr(import_module(self.module), self.attribute)
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            one.add_typer(found, name=name)
            return typer.main.get_group(one).commands[name]  # type: ignore[return-value]
        one.command(name)(found)
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


class Commands(TyperGroup):
    """A group whose list shows COMMANDS without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, in the order of a first day with them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """Return what a list shows of a command."""
        place = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=place.help) if place else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the command itself: it is going to run, or to show its help."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, COMMANDS[name].command(name) if name and found else None, rest
