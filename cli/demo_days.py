"""The days of a demo: a burst of orders when it runs, none when it does not."""

from datetime import UTC, date, datetime, timedelta

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.quality.exceptions import accept, all_exceptions
from pipeline.quality.scope import PUBLISHED, first_to_judge

# What compares a day with its neighbours; everything else has to hold for a demo's orders as for any.
CHECKS = ("fact_orders_fresh", "fact_orders_volume_low", "fact_orders_volume_high")
WHO, WHY = "ecom demo", "a demo's day: a burst of orders when it runs, none when it does not"
_HOLDS = timedelta(days=2)


def answer_for(connection: Connection, today: date) -> None:
    """Accept once each that `today` and the days since the last demo are not as full as usual.

    Late orders of a demo fall on the day before, and a run after midnight judges today.
    """
    until = datetime.now(UTC) + _HOLDS
    with connection.cursor() as cursor:
        known = {(one.check_name, one.day) for one in all_exceptions(cursor)}
        for day in _days(cursor, today):
            for check in CHECKS:
                if (check, day) not in known:
                    accept(cursor, check, WHO, WHY, until, day)


def _days(cursor: Cursor, today: date) -> list[date]:
    cursor.execute(PUBLISHED)
    ((published_at,),) = cursor.fetchall()
    first = first_to_judge(published_at, today - timedelta(days=1))
    return [first + timedelta(days=number) for number in range((today - first).days + 1)]
