"""Which card or dashboard there is which of ours: by name, else by what it shows."""

from collections.abc import Callable, Iterable
from typing import Any

from dashboards.metabase.actual import Actual, Row, only
from dashboards.metabase.bodies import sql_of
from dashboards.metabase.wanted import Wanted


class Matched:
    """Rows by the name that they should have; `strangers` are those in our collection that are not ours."""

    def __init__(self, wanted: Wanted, actual: Actual) -> None:
        """Match everything; raise MetabaseError for a name that is there twice."""
        sql = {card.name: card.sql for card in wanted.cards}
        self.cards = _match(sql, actual.cards, "cards", lambda name, row: sql_of(row) == sql[name])
        shows = {one.name: self._ids(one.places) for one in wanted.dashboards}
        self.dashboards = _match(
            shows,
            actual.dashboards,
            "dashboards",
            lambda name, row: bool(shows[name]) and shows[name] == _shown(row),
        )
        self.strangers = [
            (kind, row)
            for kind, rows, ours in (
                ("card", actual.cards, self.cards),
                ("dashboard", actual.dashboards, self.dashboards),
            )
            for row in rows
            if row["id"] not in {one["id"] for one in ours.values()}
        ]

    def card_ids(self) -> dict[str, int]:
        """Return the ids of our cards that are there."""
        return {name: row["id"] for name, row in self.cards.items()}

    def _ids(self, names: Iterable[str]) -> set[int]:
        return {self.cards[name]["id"] for name in names if name in self.cards}


def _match(
    names: Iterable[str], rows: tuple[Row, ...], kind: str, is_renamed: Callable[[str, Row], bool]
) -> dict[str, Row]:
    where = f"{kind} in our collection"
    found = {name: row for name in names if (row := only(rows, name, where))}
    taken = {row["id"] for row in found.values()}
    for name in names:
        if name not in found:
            # Renamed by hand: making another one would leave two that show the same.
            alike = [row for row in rows if row["id"] not in taken and is_renamed(name, row)]
            if len(alike) == 1:
                found[name] = alike[0]
                taken.add(alike[0]["id"])
    return found


def _shown(dashboard: Row) -> set[Any]:
    return {one["card_id"] for one in dashboard.get("dashcards") or [] if one.get("card_id")}
