"""What a person reads in a terminal: ports that moved, dead letters on 80 columns."""

import io
import os

import pytest
from rich.console import Console
from rich.table import Table

from cli.dlq import entries_table
from cli.progress import services_table
from environments.embedded.process import Identity
from environments.embedded.state import State
from environments.embedded.supervise import _kept
from pipeline.dlq import LedgerEntry

REASONS = (
    "empty_value", "invalid_utf8", "malformed_json", "nul_character", "unsupported_schema_version",
    "missing_field", "invalid_field", "timestamp_out_of_range", "inconsistent_event",
)  # fmt: skip


def shown(table: Table, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def state(ports: dict[str, int], wished: dict[str, int]) -> State:
    me = Identity.of(os.getpid())
    return State(phase="up", supervisor=me, started_at=0, ports=ports, wished_ports=wished)


def test_a_port_that_was_taken_is_told_in_a_line_and_others_are_not():
    text = shown(services_table(state({"kafka": 9092, "airflow": 21000}, {"kafka": 9092, "airflow": 8080})))
    assert "port 8080 was taken: airflow is on 21000" in text
    assert "9092" not in text


def test_a_port_is_kept_until_another_one_is_wished_for():
    before = state({"kafka": 20001, "postgres": 20002}, {"kafka": 9092, "postgres": 5432})
    assert _kept(before, {"kafka": 9092, "postgres": 6543}) == {"kafka": 20001}
    assert _kept(None, {"kafka": 9092}) == {}


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_whole_on_80_columns(reason: str):
    detail = "unit_price: must be a decimal with at most two places [and no sign]"
    entry = LedgerEntry("orders/3/123456789", reason, detail, 12, "replayed", "2026-01-01T00:00:00Z")
    text = shown(entries_table([entry]))
    assert reason in text
    assert max(map(len, text.splitlines())) <= 80
    assert [word for word in detail.split() if word not in text] == []
