"""The shop's customers and products as arrays; the seed and the live producer draw from the same ones.

Everything here follows from the counts and the seed alone: the live producer needs no database to know which
ids exist and what a product costs today. Attributes of one id stay the same when the counts grow.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.events import Currency
from producer.randomness import Floats, Ints, cumulative, draw, generator

DEFAULT_CUSTOMERS = 5_000
DEFAULT_PRODUCTS = 500
DEFAULT_SEED = 42


@dataclass(frozen=True)
class Segment:
    """A kind of customer: its share, how often it buys, and the chance that one unit isn't enough."""

    name: str
    share: float
    orders: float
    bulk: float


@dataclass(frozen=True)
class Category:
    """A kind of product: its share, the median price in units of currency, and what is sold in it."""

    name: str
    share: float
    median_price: float
    nouns: tuple[str, ...]


SEGMENTS = (
    Segment("consumer", 0.72, 1.0, 0.18),
    Segment("small_business", 0.18, 2.2, 0.45),
    Segment("midmarket", 0.07, 4.0, 0.65),
    Segment("enterprise", 0.03, 8.0, 0.85),
)
CATEGORIES = (
    Category(
        "electronics", 0.20, 89.0, ("Headphones", "Keyboard", "Monitor", "Speaker", "Webcam", "Charger")
    ),
    Category("home", 0.22, 34.0, ("Lamp", "Rug", "Shelf", "Blanket", "Mirror", "Vase")),
    Category("clothing", 0.24, 29.0, ("Jacket", "Shirt", "Scarf", "Trousers", "Sneakers", "Hat")),
    Category("sports", 0.12, 45.0, ("Yoga Mat", "Dumbbells", "Backpack", "Tent", "Bottle", "Bike Light")),
    Category("toys", 0.10, 19.0, ("Puzzle", "Building Set", "Board Game", "Plush Bear", "Kite", "Train")),
    Category(
        "office", 0.12, 14.0, ("Notebook", "Desk Organizer", "Pen Set", "Chair", "Whiteboard", "Folder")
    ),
)
CURRENCIES: tuple[Currency, ...] = ("EUR", "USD", "GBP", "CHF")
_CURRENCY_SHARES = (0.55, 0.25, 0.12, 0.08)

# A few sell most: the share of the product at rank r falls with r to this power (Zipf's law).
_POPULARITY_EXPONENT = 1.05
_PRICE_SPREAD = 0.6
_LOYALTY_SPREAD = 0.9
_MIN_CENTS, _MAX_CENTS = 99, 99_999_99


@dataclass(frozen=True)
class Catalog:
    """Today's customers [c] and products [p]; index i stands for the id i + 1."""

    seed: int
    segment: Ints
    """[c] index into SEGMENTS."""
    customer_shares: Floats
    """[c] running shares of orders: repeat customers have a larger one."""
    category: Ints
    """[p] index into CATEGORIES."""
    currency: Ints
    """[p] index into CURRENCIES."""
    price_cents: Ints
    """[p] today's price."""
    product_shares: Floats
    """[p] running shares of orders, long-tailed."""


def build_catalog(customers: int, products: int, seed: int) -> Catalog:
    """Return the catalog of these counts and this seed; the same arguments give the same arrays."""
    segment = _draw_named(seed, "segment", [item.share for item in SEGMENTS], customers)
    loyalty = generator(seed, "loyalty").lognormal(0.0, _LOYALTY_SPREAD, customers)
    frequency = np.array([item.orders for item in SEGMENTS])[segment]
    category = _draw_named(seed, "category", [item.share for item in CATEGORIES], products)
    rank = 1 + generator(seed, "popularity").permutation(products)
    return Catalog(
        seed=seed,
        segment=segment,
        customer_shares=cumulative(loyalty * frequency),
        category=category,
        currency=_draw_named(seed, "currency", list(_CURRENCY_SHARES), products),
        price_cents=_prices(seed, category),
        product_shares=cumulative(rank.astype(np.float64) ** -_POPULARITY_EXPONENT),
    )


def price_text(cents: int) -> str:
    """Return cents as the event's decimal string."""
    return f"{cents // 100}.{cents % 100:02d}"


def _draw_named(seed: int, purpose: str, shares: list[float], size: int) -> Ints:
    return draw(generator(seed, purpose), cumulative(np.array(shares)), size)


def _prices(seed: int, category: Ints) -> Ints:
    """Return prices in cents [p], spread around the category's median and ending in 99."""
    median = np.array([item.median_price for item in CATEGORIES])[category]
    spread = generator(seed, "price").lognormal(0.0, _PRICE_SPREAD, len(category))
    units = np.maximum(np.round(median * spread), 1.0).astype(np.int64)
    return np.clip(units * 100 - 1, _MIN_CENTS, _MAX_CENTS)
