"""Past orders and their events as arrays, for any number of days before a day."""

from dataclasses import dataclass

import numpy as np

from producer.catalog import SEGMENTS, Catalog
from producer.randomness import Floats, Ints, cumulative, draw, generator
from producer.versions import DAY_S, Versions, Window, product_versions

SECOND_US = 1_000_000
MINUTE_S, HOUR_S = 60, 3_600

STATUSES = ("placed", "paid", "shipped", "delivered", "cancelled")
EVENT_TYPES = ("created", "updated", "cancelled")
CANCELLED = STATUSES.index("cancelled")

# Orders by weekday (Monday first) and by UTC hour, relative to each other.
WEEKDAY_CURVE = np.array([1.05, 0.95, 0.92, 0.95, 1.00, 1.15, 1.30])
HOUR_CURVE = np.array([1.2, .7, .4, .3, .3, .5, 1.0, 1.8, 2.6, 3.2, 3.6, 3.8,
                       4.1, 3.9, 3.6, 3.5, 3.8, 4.3, 5.0, 5.6, 5.8, 5.0, 3.6, 2.2])  # fmt: skip
_GROWTH = 0.3  # the last day sells this much more than the first

_CANCELLED_SHARE = 0.06
_CANCELLED_AFTER_PAYING = 0.4
# Median seconds from one status to the next, and their spread.
_STEP_MEDIAN_S = (5 * MINUTE_S, 20 * HOUR_S, 2.5 * DAY_S)
_STEP_SPREAD = (1.2, 0.5, 0.4)
_MAX_QUANTITY = 200


@dataclass(frozen=True)
class History:
    """Orders [n] by ordered_at, and their events [m] by event time."""

    ordered_us: Ints
    """[n] microseconds since the epoch."""
    customer: Ints
    """[n] index into the catalog."""
    product: Ints
    """[n] index into the catalog."""
    quantity: Ints
    """[n]"""
    price_row: Ints
    """[n] row of `prices` that was valid at ordered_at."""
    prices: Versions
    event_order: Ints
    """[m] index of the order."""
    event_us: Ints
    """[m] microseconds since the epoch."""
    version: Ints
    """[m] order_version, from 1."""
    status: Ints
    """[m] index into STATUSES."""

    @property
    def event_type(self) -> Ints:
        """[m] index into EVENT_TYPES."""
        return np.where(self.version == 1, 0, np.where(self.status == CANCELLED, 2, 1)).astype(np.int64)


def build_history(catalog: Catalog, window: Window, orders: int) -> History:
    """Return `orders` orders placed in the window, and what had happened to them by its end."""
    seed = catalog.seed
    ordered_us = _moments(seed, window, orders)
    customer = draw(generator(seed, "order-customer"), catalog.customer_shares, orders)
    product = draw(generator(seed, "order-product"), catalog.product_shares, orders)
    prices = product_versions(catalog, window)
    event_order, event_us, version, status = _events(seed, window, ordered_us)
    return History(
        ordered_us=ordered_us,
        customer=customer,
        product=product,
        quantity=_quantities(seed, catalog.segment[customer]),
        price_row=prices.valid_at(product, ordered_us // SECOND_US),
        prices=prices,
        event_order=event_order,
        event_us=event_us,
        version=version,
        status=status,
    )


def _moments(seed: int, window: Window, orders: int) -> Ints:
    """Return ordered_at [orders], sorted: more on weekends, in the evening and towards the end."""
    days = np.arange(window.days)
    weekday = (window.start_s // DAY_S + 3 + days) % 7  # the epoch was a Thursday
    day_weights = WEEKDAY_CURVE[weekday] * (1 + _GROWTH * days / window.days)
    day = draw(generator(seed, "order-day"), cumulative(day_weights), orders)
    hour = draw(generator(seed, "order-hour"), cumulative(HOUR_CURVE), orders)
    within = generator(seed, "order-moment").integers(0, HOUR_S * SECOND_US, orders)
    return np.sort((window.start_s + day * DAY_S + hour * HOUR_S) * SECOND_US + within)


def _quantities(seed: int, segment: Ints) -> Ints:
    """Return quantities [n]: mostly 1, and more of them the bigger the customer."""
    rng = generator(seed, "order-quantity")
    bulk = np.array([item.bulk for item in SEGMENTS])[segment]
    several = 1 + rng.geometric(1 - 0.9 * bulk)
    return np.where(rng.random(len(segment)) < bulk, np.minimum(several, _MAX_QUANTITY), 1).astype(np.int64)


def _events(seed: int, window: Window, ordered_us: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return (order, time, version, status) of the events before the window's end, by time."""
    times = _step_times(seed, ordered_us)
    steps, status = _step_statuses(seed, len(ordered_us))
    happened = (np.arange(times.shape[1]) < steps[:, None]) & (times < window.end_s * SECOND_US)
    order, step = np.nonzero(happened)
    event_us = times[happened]
    by_time = np.argsort(event_us, kind="stable")
    return order[by_time], event_us[by_time], step[by_time] + 1, status[happened][by_time]


def _step_times(seed: int, ordered_us: Ints) -> Ints:
    """Return when each order [n] reaches each of its four steps [n, 4]."""
    columns = [ordered_us]
    for step, (median, spread) in enumerate(zip(_STEP_MEDIAN_S, _STEP_SPREAD, strict=True)):
        delay: Floats = generator(seed, f"step-{step}").lognormal(np.log(median), spread, len(ordered_us))
        columns.append(columns[-1] + np.maximum(delay * SECOND_US, SECOND_US).astype(np.int64))
    return np.stack(columns, axis=1)


def _step_statuses(seed: int, orders: int) -> tuple[Ints, Ints]:
    """Return the number of steps [n] and the status at each [n, 4]; a cancelled order ends early."""
    rng = generator(seed, "cancelled")
    cancelled = np.flatnonzero(rng.random(orders) < _CANCELLED_SHARE)
    after_paying = rng.random(len(cancelled)) < _CANCELLED_AFTER_PAYING
    last = np.where(after_paying, 2, 1)
    steps = np.full(orders, 4, dtype=np.int64)
    status = np.tile(np.arange(4, dtype=np.int64), (orders, 1))
    steps[cancelled] = last + 1
    status[cancelled, last] = CANCELLED
    return steps, status
