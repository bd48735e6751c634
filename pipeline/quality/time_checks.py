"""What must hold for curated.fact_orders over time: each day is there, as full as its weekday usually is."""

from pipeline.quality.check import Bound, Check

MIN_VOLUME_RATIO = 0.6
MAX_VOLUME_RATIO = 2.5
MAX_SILENCE_HOURS = 6
WEEKS = 4

# Each day by itself, so that block ranges of ordered_at find it and the days between are not read.
_ORDERS_ON = (
    "(SELECT count(*) FROM {{all_facts}} AS fact WHERE fact.ordered_at >= {day}::timestamp AT TIME ZONE 'UTC'"
    " AND fact.ordered_at < ({day} + 1)::timestamp AT TIME ZONE 'UTC')"
)
_JUDGED = (
    "(SELECT day::date AS day FROM generate_series(%(first_day)s::date, %(last_day)s::date, '1 day') AS day"
    " WHERE day::date <> ALL (%(excused)s::date[]))"
)
_VOLUMES = f"""
WITH judged AS (SELECT day FROM {_JUDGED} AS complete),
needed AS MATERIALIZED (
    SELECT DISTINCT judged.day - 7 * week AS day FROM judged, generate_series(0, {WEEKS}) AS week
),
volumes AS MATERIALIZED (SELECT needed.day, {_ORDERS_ON.format(day="needed.day")} AS orders FROM needed)
SELECT judged.day, own.orders, round(usual.mean, 1) AS usual, (own.orders / usual.mean)::float8 AS ratio
FROM judged JOIN volumes AS own USING (day), LATERAL (
    SELECT avg(orders) AS mean, count(*) AS weeks FROM volumes AS past
    WHERE past.orders > 0
        AND past.day IN (SELECT judged.day - 7 * week FROM generate_series(1, {WEEKS}) AS week)
) AS usual
WHERE usual.weeks = {WEEKS}
"""
_THIN = f"'fewer than {WEEKS} of the same weekday have orders in the {WEEKS} weeks before'"


def _volume(side: str, meaning: str, fault: str, measured: str, bound: Bound, limit: float) -> Check:
    return Check(
        name=f"fact_orders_volume_{side}",
        table="fact_orders",
        meaning=meaning,
        rows=_VOLUMES,
        fault=fault,
        measured=measured,
        skipped=_THIN,
        columns=("day", "orders", "usual", "ratio"),
        bound=bound,
        limit=limit,
    )


FACT_TIMES = (
    Check(
        name="fact_orders_fresh",
        table="fact_orders",
        meaning="Each complete UTC day since the last publication has orders.",
        rows=f"SELECT day, {_ORDERS_ON.format(day='judged.day')} AS orders FROM {_JUDGED} AS judged",
        fault="orders = 0",
        measured="min(orders)",
        columns=("day", "orders"),
        bound="at least",
        limit=1,
        kinds=("increment",),
    ),
    _volume(
        "low",
        "A day has at least 60 % of the mean of its weekday in the four weeks before.",
        f"ratio < {MIN_VOLUME_RATIO}",
        "min(ratio)",
        "at least",
        MIN_VOLUME_RATIO,
    ),
    _volume(
        "high",
        "A day has at most 250 % of the mean of its weekday in the four weeks before.",
        f"ratio > {MAX_VOLUME_RATIO}",
        "max(ratio)",
        "at most",
        MAX_VOLUME_RATIO,
    ),
    Check(
        name="fact_orders_stream",
        table="fact_orders",
        meaning="When the run began, the stream had committed within the last 6 hours.",
        rows="SELECT max(committed_at) AS committed_at,"
        " extract(epoch FROM %(started_at)s - max(committed_at)) / 3600 AS hours FROM ops.stream_offsets",
        fault=f"hours > {MAX_SILENCE_HOURS}",
        measured="max(hours)",
        skipped="'no stream has written yet'",
        columns=("committed_at", "hours"),
        severity="warning",
        limit=MAX_SILENCE_HOURS,
        kinds=("increment",),
    ),
)
