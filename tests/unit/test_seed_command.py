"""`ecom seed` where something is loaded already."""

from typing import Any

import pytest
from typer.testing import CliRunner

from cli import seed as command
from cli.main import app
from producer.seed import SeedRefused


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A warehouse that holds another seed."""

    def refuse(*_: object) -> Any:
        raise SeedRefused("the warehouse holds another seed already")

    done: list[object] = []
    monkeypatch.setattr(command, "use_platform", lambda: None)
    monkeypatch.setattr(command, "load", lambda kind: kind)
    monkeypatch.setattr(command, "run_seed", refuse)
    monkeypatch.setattr(command, "publish_from_raw", done.append)
    return done


def test_another_seed_is_refused(published):
    result = CliRunner().invoke(app, ["seed"])
    assert isinstance(result.exception, SeedRefused)
    assert not published


def test_any_seed_will_do_if_it_is_only_for_an_empty_warehouse(published):
    result = CliRunner().invoke(app, ["seed", "--if-empty"])
    assert result.exit_code == 0, result.output
    assert "already seeded" in result.output
    # Whoever loaded it may have ended before it was published.
    assert len(published) == 1
