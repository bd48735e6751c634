"""Which timestamps are plausible: judged against Kafka's own, so that a replay is judged as before."""

from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

MAX_CLOCK_SKEW = timedelta(hours=1)
MAX_EVENT_AGE = timedelta(days=366)
MAX_ORDER_AGE = timedelta(days=3660)


def instant(text: Column) -> Column:
    """Return the microseconds since the epoch of an ISO 8601 string, null where there is no such date.

    Microseconds because adding an interval to a timestamp goes through the calendar, at ten times the cost.
    """
    return F.unix_micros(text.try_cast("timestamp"))


def timely(event_time: Column, ordered_at: Column, received: Column) -> Column:
    """Return whether both instants are neither absurdly old nor in the future, and in the right order.

    The first two are microseconds as of `instant`, `received` is Kafka's timestamp. Null where one is null.
    """
    reference = F.unix_micros(received)
    return (
        event_time.between(reference - _micros(MAX_EVENT_AGE), reference + _micros(MAX_CLOCK_SKEW))
        & (ordered_at >= reference - _micros(MAX_ORDER_AGE))
        & (ordered_at <= event_time)
    )


def _micros(age: timedelta) -> int:
    return age // timedelta(microseconds=1)
