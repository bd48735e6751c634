"""What Metabase should hold, in Metabase's own terms and without any id."""

from dataclasses import dataclass
from typing import Any

COLLECTION = "E-commerce orders"
COLLECTION_DESCRIPTION = (
    "Written by `ecom dashboards apply` from the files in dashboards/charts. Changes made here are undone by"
    " the next run; copy what you want to change into a collection of your own."
)
DATABASE = "E-commerce warehouse (curated)"
GROUP = "E-commerce dashboard viewers"


@dataclass(frozen=True)
class Place:
    """Where a chart stands, on a grid of 24 columns."""

    row: int
    col: int
    size_x: int
    size_y: int


@dataclass(frozen=True)
class Card:
    """A question: one query and how it is drawn."""

    name: str
    description: str
    display: str
    sql: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Dashboard:
    """Cards, each by its name, in their places."""

    name: str
    description: str
    refresh_s: int
    places: dict[str, Place]


@dataclass(frozen=True)
class Wanted:
    """Everything; `details` is the connection, without its password."""

    details: dict[str, Any]
    cards: tuple[Card, ...]
    dashboards: tuple[Dashboard, ...]
