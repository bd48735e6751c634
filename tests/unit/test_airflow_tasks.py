"""A task and its log as Airflow's REST API writes them."""

import pytest

from cli.airflow_tasks import TaskState, log_lines, parse_task


@pytest.mark.parametrize(
    ("item", "state", "name"),
    [
        ({"task_id": "load", "state": "running", "try_number": 2, "map_index": -1}, "running", "load"),
        ({"task_id": "load", "state": None, "try_number": 0, "map_index": 3}, "none", "load[3]"),
    ],
)
def test_a_task(item: dict[str, object], state: str, name: str):
    found = parse_task(item)
    assert (found.state, found.name, found.try_number) == (state, name, item["try_number"])
    assert found == TaskState("load", state, found.try_number, found.map_index)


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        ("plain\ntext", ["plain", "text"]),
        ({"event": "done", "level": "info"}, ["done"]),
        ({"event": ""}, []),
        (
            {"event": "Task failed", "error_detail": [{"exc_type": "ValueError", "exc_value": "no rows"}]},
            ["Task failed", "ValueError: no rows"],
        ),
        ({"event": "Task failed", "error_detail": None}, ["Task failed"]),
    ],
)
def test_an_entry_of_a_log(item: object, lines: list[str]):
    assert log_lines(item) == lines
