"""Services at rest while their data are copied or replaced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from cli.stack.containers import containers, run_docker
from cli.stack.errors import StackError
from cli.stack.program import Pulumi


@contextmanager
def stopped(pulumi: Pulumi, *, if_it_fails: str = "") -> Iterator[None]:
    """Stop all services, the last first, and start them again; raise StackError before that if one is gone.

    With `if_it_fails` they stay stopped after a failure, and this is why.
    """
    names = _all_there(pulumi)
    try:
        for name in reversed(names):
            _docker("stop", name)
    except BaseException:
        _start(names)
        raise
    try:
        yield
    except BaseException:
        if if_it_fails:
            typer.echo(f"the services stay stopped: {if_it_fails}", err=True)
        else:
            _start(names)
        raise
    _start(names)


def _all_there(pulumi: Pulumi) -> list[str]:
    found = containers(pulumi)
    if gone := [one.service for one in found if one.state == "gone"]:
        mend = f"`ecom --stack {pulumi.place.name} pulumi refresh`, then `up`, makes them"
        raise StackError(f"containers are gone: {', '.join(gone)}; nothing was stopped; {mend}")
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
