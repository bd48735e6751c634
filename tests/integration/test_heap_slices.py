"""Slices by pages: every row in one of them, the later ones too, and no row moves while they are read."""

from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from pipeline.database import connect
from pipeline.jobs import heap
from pipeline.settings import PostgresSettings

Sql = Callable[..., list[tuple]]
TABLE = "staging.some"


@pytest.fixture
def pages(sql: Sql, database: PostgresSettings) -> PostgresSettings:
    sql(f"CREATE TABLE {TABLE} (number int, filler text STORAGE PLAIN)")
    sql(f"INSERT INTO {TABLE} SELECT number, repeat('x', 3_000) FROM generate_series(1, 20) AS number")
    sql(f"GRANT SELECT ON {TABLE} TO etl")
    return database


def test_each_row_is_in_one_slice_and_a_later_one_in_the_last(
    pages: PostgresSettings, sql: Sql, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heap, "PAGES_PER_SLICE", 4)
    with closing(connect(pages, "etl")) as connection, connection.cursor() as cursor:
        slices = heap.slices(cursor, TABLE)
    assert len(slices) == 3  # two rows a page
    sql(f"INSERT INTO {TABLE} SELECT number, repeat('y', 3_000) FROM generate_series(21, 60) AS number")
    found = [sql(f"SELECT number FROM {TABLE} WHERE {one} ORDER BY 1") for one in slices]
    assert [len(rows) for rows in found] == [8, 8, 44]
    assert sorted(number for rows in found for (number,) in rows) == list(range(1, 61))


def test_an_empty_table_has_a_slice_for_what_comes(pages: PostgresSettings, sql: Sql):
    sql(f"TRUNCATE {TABLE}")
    with closing(connect(pages, "etl")) as connection, connection.cursor() as cursor:
        assert heap.slices(cursor, TABLE) == ["ctid >= '(0,0)'"]


def test_rows_stay_on_their_pages_and_writers_are_free(pages: PostgresSettings, sql: Sql):
    with heap.at_rest(pages, TABLE), closing(connect(pages, "admin")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"INSERT INTO {TABLE} VALUES (61, 'z')")
            cursor.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                cursor.execute(f"VACUUM FULL {TABLE}")
    assert sql(f"SELECT count(*) FROM {TABLE}") == [(21,)]
