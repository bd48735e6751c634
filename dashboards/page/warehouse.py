"""Runs the charts' queries as `bi_readonly`, over a few connections that are kept."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from dashboards.page.period import Period
from dashboards.spec import Chart
from pipeline.database import DatabaseUnavailable, connect, database_in_words, first_line
from pipeline.secret_values import SecretError
from pipeline.settings import PostgresSettings

Row = tuple[Any, ...]
# As many as the page's server has threads: nobody ever waits for a connection.
CONNECTIONS = 4
STATEMENT_TIMEOUT_MS = 4_000
# After a failed attempt the others don't each wait for the same server.
_SPARE_IT_S = 1.0
# Empty settings leave a period to the queries; a preset's first day follows from the last one.
_PERIOD = (
    "SELECT set_config('ecom.last_day', %(last)s, true), set_config('ecom.first_day',"
    " coalesce(nullif(%(first)s, ''), ((now() AT TIME ZONE 'UTC')::date - %(days)s + 1)::text), true)"
)


@dataclass(frozen=True)
class Away:
    """Why no chart has rows now: what happened, and what to do."""

    problem: str


@dataclass(frozen=True)
class Broken:
    """Why this chart alone has no rows."""

    problem: str


class _ColumnsDiffer(RuntimeError):
    """A query gives other columns than its chart declares; the message has both."""


class Warehouse:
    """Connections to the warehouse; safe to use from several threads."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._failed: tuple[float, str] = (0.0, "")

    def rows(self, chart: Chart, period: Period) -> list[Row] | Away | Broken:
        """Run the chart's query for these days; what keeps it from answering is returned in words."""
        at, problem = self._failed
        if problem and time.monotonic() - at < _SPARE_IT_S:
            return Away(problem)
        try:
            with database_in_words():
                found = self._answer(chart, period)
        except (DatabaseUnavailable, SecretError) as error:
            self._failed = (time.monotonic(), str(error))
            return Away(str(error))
        self._failed = (0.0, "")
        return found

    def _answer(self, chart: Chart, period: Period) -> list[Row] | Broken:
        try:
            return self._ask(chart, period)
        except psycopg2.errors.QueryCanceled:
            return Broken(f"its query was ended after {STATEMENT_TIMEOUT_MS // 1000} s")
        except psycopg2.errors.UndefinedTable:
            raise  # a database that is not migrated yet
        except (psycopg2.ProgrammingError, psycopg2.DataError, psycopg2.NotSupportedError) as error:
            return Broken(f"its query fails: {first_line(error)}")
        except _ColumnsDiffer as error:
            return Broken(str(error))

    def _ask(self, chart: Chart, period: Period) -> list[Row]:
        try:
            kept = self._idle.get_nowait()
        except queue.Empty:
            kept = None
        if kept:
            try:
                return self._run(kept, chart, period)
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                # The server may have been restarted since; a query that takes too long is not tried again.
                if error.pgcode and not error.pgcode.startswith("57P"):
                    raise
        return self._run(self._open(), chart, period)

    def _run(self, connection: Connection, chart: Chart, period: Period) -> list[Row]:
        first, last, days = period.settings
        with self._kept(connection), connection, connection.cursor() as cursor:
            cursor.execute(_PERIOD, {"first": first, "last": last, "days": days})
            cursor.execute(chart.sql)
            _must_fit(chart, [column.name for column in cursor.description or ()])
            return cursor.fetchall()

    def _open(self) -> Connection:
        connection = connect(self._settings, "bi_readonly", "ecom-dashboards")
        connection.set_session(readonly=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", (STATEMENT_TIMEOUT_MS,))
        return connection

    @contextmanager
    def _kept(self, connection: Connection) -> Iterator[None]:
        """Keep the connection for the next question, unless this one broke it."""
        try:
            yield
        finally:
            if connection.closed or self._idle.qsize() >= CONNECTIONS:
                connection.close()
            else:
                self._idle.put(connection)


def _must_fit(chart: Chart, found: list[str]) -> None:
    declared = [column.name for column in chart.columns]
    if found != declared:
        raise _ColumnsDiffer(f"its query gives {', '.join(found)}, and its file says {', '.join(declared)}")
