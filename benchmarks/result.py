"""What a benchmark reports, and how it is written down."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

LATEST = Path(__file__).parent / "results" / "latest.json"


def machine() -> dict[str, str | int]:
    """Describe this machine, so that figures are compared with their like."""
    return {
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


@dataclass(frozen=True)
class Result:
    """One figure of ours beside the peers' and the floor's; `notes` hold what else was seen in that run."""

    name: str
    unit: str
    ours: float
    peers: dict[str, float] = field(default_factory=dict)
    floor: float | None = None
    notes: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the object that latest.json holds; ratios are ours over the other figure."""
        others = self.peers | ({"floor": self.floor} if self.floor is not None else {})
        ratios = {name: round(self.ours / figure, 3) for name, figure in others.items() if figure}
        return {**asdict(self), "ratios": ratios, "machine": machine()}


def keep(results: list[Result]) -> None:
    """Merge the results into latest.json by name."""
    known = json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else []
    merged = {entry["name"]: entry for entry in known} | {result.name: result.as_json() for result in results}
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(list(merged.values()), indent=2) + "\n", encoding="utf-8")


def show(results: list[Result]) -> None:
    """Print each as a JSON line and all as a table."""
    for result in results:
        print(json.dumps(result.as_json()))
    Console().print(_table(results))


def _table(results: list[Result]) -> Table:
    table = Table("benchmark", "unit", "ours", "others (ours / other)", "notes")
    for result in results:
        entry = result.as_json()
        ratios = entry["ratios"]
        assert isinstance(ratios, dict)
        others = result.peers | ({"floor": result.floor} if result.floor is not None else {})
        lines = [f"{name} {figure:,.2f} ({ratios.get(name, 0):.2f})" for name, figure in others.items()]
        notes = [f"{name} {figure:,.2f}" for name, figure in result.notes.items()]
        table.add_row(result.name, result.unit, f"{result.ours:,.2f}", "\n".join(lines), "\n".join(notes))
    return table
