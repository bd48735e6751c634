"""Move what commits appended to `ops.order_changes` into the sums."""

from pathlib import Path

from psycopg2.extensions import connection as Connection

from pipeline.locks import FOLD_LOCK

_FOLD = (Path(__file__).parent / "fold.sql").read_text(encoding="utf-8")


def fold(connection: Connection) -> int:
    """Fold all changes that are committed, in a transaction of its own, and return how many rows they were.

    0 where another fold is at it; figures are the same before and after. For the roles ingest and etl.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (FOLD_LOCK,))
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(_FOLD)
        (rows,) = cursor.fetchone() or (0,)
        return int(rows)
