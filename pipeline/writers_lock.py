"""The lock that writers of curated.fact_orders share, taken exclusively by whoever publishes or fixes marks.

While somebody waits for it exclusively, writers that come later wait behind. So each wait is short, and
between two of them whoever was held up may write.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as Cursor
from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from pipeline.locks import WRITERS_LOCK

WAIT_S = 20.0
ATTEMPTS = 5
_HOLDERS = """
SELECT string_agg(DISTINCT coalesce(nullif(application_name, ''), usename) || ' (pid ' || pid || ')', ', ')
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objid = %s AND activity.datname = current_database()
"""

log = logging.getLogger(__name__)
T = TypeVar("T")


class WritersBusy(RuntimeError):
    """Somebody who writes orders did not end within the wait; the message says who."""


def keep_writers_out(cursor: Cursor) -> None:
    """Wait until nobody writes facts, and let nobody begin until the transaction ends.

    Raises WritersBusy after WAIT_S seconds; the transaction is rolled back then.
    """
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{WAIT_S * 1000:.0f}",))
    try:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))
    except LockNotAvailable:
        cursor.connection.rollback()
        cursor.execute(_HOLDERS, (WRITERS_LOCK,))
        (holders,) = cursor.fetchone() or (None,)
        raise WritersBusy(
            f"{holders or 'somebody'} wrote orders all the {WAIT_S:g} s that the publication waited:"
            " start this step again later, or end the writer"
        ) from None
    # The merge's own locks may take their time: nobody else has rows that it wants.
    cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def between_writers(action: Callable[[], T]) -> T:
    """Do something that keeps writers out, up to ATTEMPTS times, with pauses in which they may write.

    Each try has to be a transaction of its own. Raises WritersBusy after the last.
    """
    attempt = retry(
        retry=retry_if_exception_type(WritersBusy),
        wait=wait_exponential_jitter(multiplier=1, max=10),
        stop=stop_after_attempt(ATTEMPTS),
        before_sleep=_tell,
        reraise=True,
    )
    return attempt(action)()


def _tell(state: RetryCallState) -> None:
    log.info("try %d: %s", state.attempt_number, state.outcome.exception() if state.outcome else "")
