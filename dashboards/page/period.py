"""The days that the page shows."""

from dataclasses import dataclass
from datetime import date

PRESETS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "1 year"}
DEFAULT = 30
MOST_DAYS = 1_100


class PeriodError(ValueError):
    """Days that can't be shown; the message says what can."""


@dataclass(frozen=True)
class Period:
    """The last `days` UTC days, today included; or, where `first` and `last` are given, those."""

    days: int = DEFAULT
    first: date | None = None
    last: date | None = None

    @property
    def settings(self) -> tuple[str, str, int]:
        """Return first and last day, empty where they follow from today, and the number of days."""
        first, last = (day.isoformat() if day else "" for day in (self.first, self.last))
        return first, last, self.days


def parse(choice: str | int | None, first: str | None, last: str | None) -> Period:
    """Return what was chosen: a preset's number of days, or "custom" with two dates; raise PeriodError."""
    if choice != "custom":
        try:
            days = int(choice or DEFAULT)
        except ValueError:
            days = 0
        if days not in PRESETS:
            raise PeriodError(f"choose one of {', '.join(PRESETS.values())}, or two dates")
        return Period(days)
    begin, end = _day("first", first), _day("last", last)
    if end < begin:
        raise PeriodError(f"the first day, {begin}, comes after the last, {end}")
    if (end - begin).days >= MOST_DAYS:
        raise PeriodError(f"choose at most {MOST_DAYS:,} days")
    return Period(first=begin, last=end)


def _day(which: str, text: str | None) -> date:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        raise PeriodError(f"give the {which} day as year-month-day") from None
    if not 1970 <= day.year <= 2200:
        raise PeriodError(f"the {which} day must be between 1970 and 2200")
    return day
