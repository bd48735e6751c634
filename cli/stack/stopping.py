"""Services at rest while their data are copied or replaced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from cli.stack.containers import containers, made_again, run_docker
from cli.stack.errors import StackError
from cli.stack.program import Pulumi
from cli.stack.signals import held_back
from cli.stack.unfinished import RESTORE


@contextmanager
def stopped(pulumi: Pulumi) -> Iterator[None]:
    """Stop all services, the last first, and start them again; raise StackError before that if one is gone.

    They stay stopped while a restore is half done: on such data they would do more harm.
    """
    names = _all_there(pulumi)
    try:
        for name in reversed(names):
            # The engine goes on with a stop that nobody waits for, and would undo a start.
            with held_back():
                _docker("stop", name)
        yield
    finally:
        if RESTORE.noted(pulumi.place):
            said = "the data are not whole; mend what is told below, and restore again"
            typer.echo(f"the services stay stopped: {said}", err=True)
        else:
            with held_back():
                _start(names)


def _all_there(pulumi: Pulumi) -> list[str]:
    found = containers(pulumi)
    if gone := [one.service for one in found if one.state == "gone"]:
        raise StackError(f"containers are gone: {', '.join(gone)}; nothing was stopped; {made_again(pulumi)}")
    return [one.name for one in found]


def _start(names: Sequence[str]) -> None:
    """Start each, whatever becomes of the others."""
    failures = []
    for name in names:
        try:
            _docker("start", name)
        except StackError as error:
            failures.append(f"{name}: {error}")
    if failures:
        raise StackError("; ".join(failures))


def _docker(*words: str) -> None:
    done = run_docker(*words)
    if done.returncode:
        raise StackError(f"docker {words[0]}: {' '.join(done.stderr.split())}")
