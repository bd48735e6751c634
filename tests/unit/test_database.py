"""Connections that can't be had say why in one line."""

from pathlib import Path

import pytest

from pipeline.database import DatabaseUnavailable, connect_patiently
from pipeline.settings import PostgresSettings, from_variables
from tests.unit.sample_platform import sample_platform


def test_a_server_that_is_away_is_told_by_what_happened_and_not_by_a_guess(tmp_path: Path):
    (tmp_path / "etl").write_text("secret")
    there = from_variables(PostgresSettings, sample_platform(tmp_path).as_env())
    away = there.model_copy(update={"host": "127.0.0.1", "port": 1})
    with pytest.raises(DatabaseUnavailable) as told:
        connect_patiently(away, "etl", give_up_after_s=0.1)
    assert "127.0.0.1:1/ecom as etl is not available: " in str(told.value)
    assert str(told.value).endswith("Connection refused")
