"""How customers and products change over a window of time: several rows for an id, each with effective_at.

The last version of each is what the catalog says of today; earlier ones are derived backwards from it, so
that the live producer needs to know nothing of the window.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from producer.catalog import SEGMENTS, Catalog
from producer.randomness import Floats, Ints, generator

DAY_S = 86_400
_PRICE_CHANGES = np.array([0.70, 0.20, 0.07, 0.03])
_SEGMENT_CHANGES = np.array([0.93, 0.06, 0.01])


@dataclass(frozen=True)
class Window:
    """Whole UTC days before `until`, which is not in it; seconds since the epoch."""

    until: date
    days: int

    @property
    def end_s(self) -> int:
        """First second after the window."""
        return int(datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC).timestamp())

    @property
    def length_s(self) -> int:
        """Length of the window."""
        return self.days * DAY_S

    @property
    def start_s(self) -> int:
        """First second of the window."""
        return self.end_s - self.length_s


@dataclass(frozen=True)
class Versions:
    """Versions [v] of members, sorted by member and time."""

    start_s: int
    span: int
    keys: Ints
    """[v] member index * span + seconds since start_s: one sorted array answers "valid at"."""
    value: Ints
    """[v] what changes: cents, or an index into SEGMENTS."""

    @property
    def member(self) -> Ints:
        """[v] index of the member."""
        return self.keys // self.span

    @property
    def effective_s(self) -> Ints:
        """[v] seconds since the epoch."""
        return self.start_s + self.keys % self.span

    def valid_at(self, member: Ints, second: Ints) -> Ints:
        """Return the row [n] that holds for members [n] at seconds [n] since the epoch."""
        wanted = member * self.span + (second - self.start_s)
        return np.searchsorted(self.keys, wanted, side="right").astype(np.int64) - 1


def product_versions(catalog: Catalog, window: Window) -> Versions:
    """Return each product's prices over the window; the last one is the catalog's."""
    keys, span = _change_keys(catalog.seed, "product", _PRICE_CHANGES, len(catalog.price_cents), window)
    today = catalog.price_cents[keys // span]
    rng = generator(catalog.seed, "product-change-size")
    size = rng.uniform(0.03, 0.20, len(keys)) * rng.choice([-1.0, 1.0], len(keys))
    earlier = np.maximum(np.round(today * (1 + size)).astype(np.int64), 1)
    earlier += earlier == today
    return Versions(window.start_s, span, keys, np.where(_is_last(keys // span), today, earlier))


def customer_versions(catalog: Catalog, window: Window) -> Versions:
    """Return each customer's segments over the window; the last one is the catalog's."""
    keys, span = _change_keys(catalog.seed, "customer", _SEGMENT_CHANGES, len(catalog.segment), window)
    today = catalog.segment[keys // span]
    other = generator(catalog.seed, "customer-change").integers(1, len(SEGMENTS), len(keys))
    earlier = (today + other) % len(SEGMENTS)
    return Versions(window.start_s, span, keys, np.where(_is_last(keys // span), today, earlier))


def _change_keys(seed: int, purpose: str, shares: Floats, members: int, window: Window) -> tuple[Ints, int]:
    """Return the sorted keys of all versions, and the span of one member."""
    span = window.length_s
    changes = generator(seed, f"{purpose}-changes").choice(len(shares), members, p=shares)
    member = np.repeat(np.arange(members, dtype=np.int64), changes)
    moment = generator(seed, f"{purpose}-change-time").integers(1, span, len(member))
    first = np.arange(members, dtype=np.int64) * span
    # Two changes of one member in the same second are one change.
    return np.unique(np.concatenate([first, member * span + moment])), span


def _is_last(member: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.append(member[1:] != member[:-1], True)
