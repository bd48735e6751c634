"""`ecom up | status | logs | down | env`: the life of the embedded environment."""

import json
import shlex
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.output import print_table
from cli.progress import Progress, services_table
from environments import embedded
from environments.embedded import EnvironmentFailed, Home, Options, State, control
from environments.embedded.logs import Tail, last_lines, log_files
from environments.embedded.platform import load_config
from environments.embedded.supervise import AlreadyRunning, supervise
from pipeline.env_file import parse

_FOLLOW_EVERY_S = 0.2
_ALL = ",".join(embedded.SERVICES)
_LABEL = len("airflow-dag-processor")

Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file; without it ecom.toml in the repository, if any.")
]
Only = Annotated[str, typer.Option("--only", help=f"Comma-separated services to run, of {_ALL}.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    for command in (up, status, logs, down, env):
        app.command()(command)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once everything is up.")] = False,
    config: Config = None,
    only: Only = _ALL,
) -> None:
    """Start PostgreSQL, Kafka, the streaming job, dashboards and Airflow; stay until Ctrl-C, unless --detach.

    Safe to call again: what runs already is shown, what a crash left behind is ended first.
    """
    load_config(config)  # a wrong one is told also where everything runs already
    options = Options(config=config, services=_services(only))
    console = Console(stderr=True)
    with Progress(console) as progress:
        running = control.join(options.home, progress)
        if running is None and detach:
            running = control.start(options, progress)
        elif running is None:
            _stay(options, progress)
            return
        else:
            progress.close()
            _say_already_running(running, console, asked_for=config is not None or only != _ALL)
    console.print(services_table(running))


def _services(only: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in only.split(",") if name.strip())
    if not names or set(names) - set(embedded.SERVICES):
        raise typer.BadParameter(f"--only takes some of {', '.join(embedded.SERVICES)}, not {only!r}")
    return names


def _say_already_running(state: State, console: Console, asked_for: bool) -> None:
    who = f"already running, pid {state.supervisor.pid}"
    if not state.healthy:
        raise EnvironmentFailed(f"{who}, but not everything is up: see `ecom status`")
    unchanged = "; it keeps the configuration and the services it has, `ecom down` first to change them"
    console.print(f"{who}, see `ecom status`{unchanged if asked_for else ''}")


def _stay(options: Options, progress: Progress) -> None:
    def watch(state: State) -> None:
        progress(state)
        if state.phase == "up" and not progress.closed:
            progress.close()
            with suppress(OSError):  # a terminal closed meanwhile: SIGHUP is on its way
                progress.console.print(services_table(state))
                progress.console.print("Ctrl-C stops everything.")

    try:
        supervise(options, watch)
    except AlreadyRunning:
        raise EnvironmentFailed("another `ecom up` was faster: see `ecom status`") from None


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show what runs. Exit code 0 if everything is up, 1 if not."""
    home = Home(embedded.default_home())
    state = embedded.load(home)
    running = state is not None and state.running
    if as_json:
        typer.echo(json.dumps(_summary(home, state), indent=2))
    elif state is None or not running:
        typer.echo(f"not running ({home.root})")
    else:
        print_table(services_table(state))
    if state is None or not state.healthy:
        raise typer.Exit(1)


def _summary(home: Home, state: State | None) -> dict[str, object]:
    if state is None or not state.running:
        return {"running": False, "healthy": False, "home": str(home.root), "services": {}}
    services = {
        name: {
            "phase": unit.phase,
            "pid": unit.process.pid if unit.process and unit.process.alive() else None,
            "since": unit.since,
            "restarts": unit.restarts,
            "detail": unit.detail,
            "address": unit.address,
            "log": unit.log,
        }
        for name, unit in state.services.items()
    }
    return {
        "running": True,
        "healthy": state.healthy,
        "phase": state.phase,
        "pid": state.supervisor.pid,
        "started_at": state.started_at,
        "home": str(home.root),
        "services": services,
    }


def logs(
    service: Annotated[str, typer.Argument(help="One service; without it, all of them.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many past lines of each.")] = 20,
) -> None:
    """Print the end of the services' logs."""
    found = log_files(Home(embedded.default_home()))
    if service and service not in found:
        raise EnvironmentFailed(f"no log of {service!r}; there are: {', '.join(found) or 'none yet'}")
    chosen = {service: found[service]} if service else found
    tails = {name: Tail(path) for name, path in chosen.items()}
    for name, path in chosen.items():
        for line in last_lines(path, lines).splitlines() if lines else ():
            typer.echo(_labelled(name, line, bool(service)))
    pause = threading.Event()
    while follow:
        for name, tail in tails.items():
            for line in tail.new_lines():
                typer.echo(_labelled(name, line, bool(service)))
        pause.wait(_FOLLOW_EVERY_S)


def _labelled(name: str, line: str, alone: bool) -> str:
    return line if alone else f"{name:{_LABEL}} | {line}"


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove all data, logs and passwords.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing.")] = False,
) -> None:
    """Stop everything; the data stay unless --wipe."""
    home = Home(embedded.default_home())
    if wipe and not yes:
        typer.confirm(f"Remove all data in {home.root}?", abort=True)
    with Console(stderr=True).status("stopping"):
        ended = embedded.stop(home)
    typer.echo(f"stopped {', '.join(ended)}" if ended else "nothing was running")
    if wipe:
        embedded.wipe(home)
        typer.echo(f"removed {home.root}")


def env(
    export: Annotated[
        bool, typer.Option("--export", help='For a shell: eval "$(ecom env --export)".')
    ] = False,
) -> None:
    """Print the platform's variables, secrets as references only."""
    state = embedded.load(Home(embedded.default_home()))
    # The file stays when it is stopped, and its ports may be others' by now.
    stopped = state is not None and not state.running
    if stopped or not embedded.env_file().exists():
        raise EnvironmentFailed("the embedded environment is not running: run `ecom up`")
    text = embedded.env_file().read_text(encoding="utf-8")
    if not export:
        sys.stdout.write(text)
        return
    for name, value in parse(text).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
