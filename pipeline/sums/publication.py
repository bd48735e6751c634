"""Keep the sums right while a publication changes facts and dimensions, in its own transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from pipeline.locks import FOLD_LOCK

_FOLDER = Path(__file__).parent
_TOUCHED, _SHARE, _RECOMPUTE = (
    (_FOLDER / name).read_text(encoding="utf-8") for name in ("touched.sql", "share.sql", "recompute.sql")
)


@contextmanager
def counted_anew(cursor: Cursor, orders_until: int) -> Iterator[None]:
    """Take what the merge inside the block touches out of the sums, and add what it leaves there.

    For a merge of staging by a run that read raw.orders up to `orders_until`, under the exclusive lock.
    """
    cursor.execute(_TOUCHED, {"until": orders_until})
    cursor.execute(_SHARE, {"sign": -1})
    yield
    cursor.execute(_SHARE, {"sign": 1})


def recompute(cursor: Cursor, first: date | None = None, until: date | None = None) -> None:
    """Make the sums of all days anew, or from `first` until before `until`, under the exclusive lock."""
    # A fold on its way would have its rows counted twice.
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (FOLD_LOCK,))
    cursor.execute(_RECOMPUTE, {"first": first or "-infinity", "until": until or "infinity"})
