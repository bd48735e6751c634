"""Query results from PostgreSQL into Spark as Arrow batches: binary COPY, read by ADBC, no row in Python."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from pipeline.database import CONNECT_TIMEOUT_S, DatabaseUnavailable
from pipeline.settings import PostgresSettings


def read(
    session: SparkSession,
    settings: PostgresSettings,
    queries: Sequence[str],
    schema: StructType,
    snapshot: str = "",
) -> DataFrame:
    """Return the rows of all `queries`, a Spark partition for each; their columns must fit `schema` in order.

    Columns of type uuid and numeric have to be cast to text in the query. `snapshot` is that of
    pg_export_snapshot(), so that all partitions see one state of the warehouse.
    When they are computed, raises Spark's exception of a failed task, its cause DatabaseUnavailable if the
    server is away.
    """
    reader = _Reader(settings, tuple(queries), schema.fieldNames(), snapshot)
    tasks = session.range(0, len(queries), 1, len(queries))
    return tasks.mapInArrow(reader, schema)


class _Reader:
    """The function that Spark's workers run; it carries references to secrets, never secrets."""

    def __init__(
        self, settings: PostgresSettings, queries: tuple[str, ...], names: list[str], snapshot: str
    ) -> None:
        self._settings = settings
        self._queries = queries
        self._names = names
        self._snapshot = snapshot

    def __call__(self, tasks: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for task in tasks:
            for index in task.column("id").to_pylist():
                yield from self._rows(self._queries[index])

    def _rows(self, query: str) -> Iterator[pa.RecordBatch]:
        from adbc_driver_postgresql import dbapi  # in the worker: the driver process never connects this way

        with (
            _answering(self._settings),
            dbapi.connect(connection_uri(self._settings)) as connection,
            connection.cursor() as cursor,
        ):
            if self._snapshot:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{self._snapshot}'")
            cursor.execute(query)
            for batch in cursor.fetch_record_batch():
                yield pa.RecordBatch.from_arrays(batch.columns, names=self._names)


@contextmanager
def _answering(settings: PostgresSettings) -> Iterator[None]:
    """Raise DatabaseUnavailable where the driver says that the server is away, or went."""
    from adbc_driver_manager import OperationalError

    try:
        yield
    except OperationalError as error:
        where = f"{settings.host}:{settings.port}/{settings.database} as {settings.user('etl')}"
        cause = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise DatabaseUnavailable(f"PostgreSQL at {where} is not available: {cause}") from None


def connection_uri(settings: PostgresSettings) -> str:
    """Return libpq's URI of the role `etl`, password included: for a connection, never for a log."""
    options = {
        "sslmode": settings.sslmode,
        "application_name": "ecom-batch",
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "options": "-c timezone=UTC",
    }
    if settings.sslrootcert:
        options["sslrootcert"] = settings.sslrootcert
    user, password = quote(settings.user("etl"), safe=""), quote(settings.password("etl"), safe="")
    place = f"{settings.host}:{settings.port}/{quote(settings.database, safe='')}"
    return f"postgresql://{user}:{password}@{place}?{urlencode(options, quote_via=quote)}"
