"""What a person sees while the environment starts and stops."""

import time
from contextlib import suppress
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from environments.embedded.state import State, UnitState

_WIDTH = len("airflow-dag-processor")
_BUSY = ("running", "starting", "stopping", "restarting")
_MARKS = {"ready": "[green]✓[/]", "done": "[green]✓[/]", "failed": "[red]✗[/]", "restarting": "[yellow]↻[/]"}


class Progress:
    """Shows each unit with its phase and seconds: live in a terminal, a line per change elsewhere.

    A terminal that was closed must not keep the supervisor from an orderly stop, so writing to it may fail.
    """

    def __init__(self, console: Console) -> None:
        """Prepare to write to `console`."""
        self.console = console
        self.closed = False
        self._state: State | None = None
        self._seen: dict[str, tuple[str, str]] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> "Progress":
        """Start to show."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop to show."""
        self.close()

    def __call__(self, state: State) -> None:
        """Show a state; after `close`, only what needs attention."""
        self._state = state
        with suppress(OSError):
            if not self.closed and self.console.is_terminal:
                self._live.start()
            else:
                self._print_changes(state)

    def close(self) -> None:
        """Leave what is shown as it is, and show nothing live from here on."""
        self.closed = True
        with suppress(OSError):
            self._live.stop()
        if self._state:
            self._seen |= {name: (unit.phase, unit.detail) for name, unit in self._state.units.items()}

    def _print_changes(self, state: State) -> None:
        for name, unit in state.units.items():
            if unit.phase != "waiting" and self._seen.get(name) != (unit.phase, unit.detail):
                self._seen[name] = (unit.phase, unit.detail)
                self.console.print(f"{name}: {unit.phase}{_aside(unit)}", highlight=False)

    def _render(self) -> RenderableType:
        units = self._state.units.values() if self._state else ()
        return Group(*(_line(unit) for unit in units))


def _line(unit: UnitState) -> RenderableType:
    if unit.phase in _BUSY:
        seconds = time.time() - unit.since
        return Spinner("dots", Text(f"{unit.name:{_WIDTH}} {unit.phase} {seconds:.0f} s {unit.detail}"))
    return Text.from_markup(f"{_MARKS.get(unit.phase, '·')} {unit.name:{_WIDTH}} {unit.phase}{_aside(unit)}")


def _aside(unit: UnitState) -> str:
    if unit.detail:
        return f" ({unit.detail})"
    return f" after {unit.took:.1f} s" if unit.phase in ("ready", "done") else ""


def services_table(state: State) -> Table:
    """Return what is up, where it listens, and where the logs are."""
    title = f"supervisor pid {state.supervisor.pid}, {state.phase}"
    table = Table("service", "state", "pid", "restarts", "address", title=title, title_justify="left")
    for name, unit in state.services.items():
        alive = unit.process is not None and unit.process.alive()
        pid = str(unit.process.pid) if unit.process and alive else "-"
        phase = unit.phase if alive or unit.phase != "ready" else "gone"
        table.add_row(name, phase, pid, str(unit.restarts), unit.address or "-")
    logs = "\n".join(unit.log for unit in state.services.values())
    caption = f"logs, also by `ecom logs SERVICE`:\n{logs}"
    table.caption_justify = "left"
    table.caption = f"{caption}{_log_in_to_airflow(state)}{_moved(state)}"
    return table


def _moved(state: State) -> str:
    lines = [
        f"\nport {wish} was taken: {name} is on {state.ports[name]}" for name, wish in state.moved.items()
    ]
    return "".join(lines)


def _log_in_to_airflow(state: State) -> str:
    if state.platform is None or not any(name.startswith("airflow-") for name in state.services):
        return ""
    airflow = state.platform.airflow
    # The file's name and never what is in it: a terminal's output ends up in screenshots and CI logs.
    password = airflow.admin_password.removeprefix("file:")
    return f"\nAirflow: {airflow.url}, log in as {airflow.admin_user} with the password in\n{password}"
