"""The one declaration of every chart, which both renderers read: `load()`.

`charts/<dashboard>/dashboard.toml` holds a dashboard's title, description and order; beside it
`<nn>_<chart>.toml` declares a chart and `<nn>_<chart>.sql` holds its query, nn giving the order of reading.

A query is one plain SELECT on `curated`, with no parameters, so that Metabase runs it as it stands. Its
period is `curated.first_day()` to `curated.last_day()`: the last 30 UTC days, unless the session says
otherwise in the settings `ecom.first_day` and `ecom.last_day`. The Dash page sets these two, as bound
values, before it runs the very same text; so nothing is ever pasted into a query, and both renderers show
the same figures.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CHARTS = Path(__file__).with_name("charts")
GRID_COLUMNS = 24

Text = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Kind = Literal["line", "bar", "row", "scalar", "table"]
Role = Literal["dimension", "series", "panel", "measure", "detail"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Column(_Part):
    """A column of the query, in the query's order.

    A `dimension` is what the measures are drawn over. A `series` gives each of its values a line or colour of
    its own, a `panel` an axis of its own: for values that must not be compared, such as currencies (Metabase
    has no panels and draws series). A `detail` is only in the table.
    """

    name: Name
    role: Role
    type: Literal["date", "timestamp", "integer", "decimal", "text"]
    label: Text
    unit: Annotated[str, Field(max_length=20)] = ""
    unit_from: str = Field(default="", description="the column whose value is this one's unit")


class Position(_Part):
    """Where the chart stands on a grid of 24 columns, as Metabase counts: from 0."""

    row: int = Field(ge=0)
    col: int = Field(ge=0, lt=GRID_COLUMNS)
    size_x: int = Field(ge=1, le=GRID_COLUMNS)
    size_y: int = Field(ge=1, le=30)

    @model_validator(mode="after")
    def _within_the_grid(self) -> "Position":
        if self.col + self.size_x > GRID_COLUMNS:
            raise ValueError(f"col + size_x must be at most {GRID_COLUMNS}, not {self.col + self.size_x}")
        return self


class Chart(_Part):
    """One chart; `question` is what it answers, `empty` what to say and do when there are no rows."""

    key: Name
    title: Text
    question: Text
    chart: Kind
    refresh_s: int = Field(ge=1, le=3600)
    empty: Text
    position: Position
    columns: tuple[Column, ...] = Field(min_length=1, strict=False)
    sql: Annotated[str, Field(min_length=1)]

    def of_role(self, *roles: Role) -> tuple[Column, ...]:
        """Return the columns with one of these roles."""
        return tuple(column for column in self.columns if column.role in roles)

    @model_validator(mode="after")
    def _drawable(self) -> "Chart":
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"columns must have different names, not {', '.join(names)}")
        for column in self.columns:
            if column.unit_from and column.unit_from not in names:
                raise ValueError(f"unit_from must be one of {', '.join(names)}, not {column.unit_from!r}")
        if problem := _misfit(self):
            raise ValueError(problem)
        return self


class Dashboard(_Part):
    """Charts on one page; `order` is its place among the dashboards."""

    key: Name
    title: Text
    description: Text
    order: int = Field(ge=0)
    charts: tuple[Chart, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _no_overlap(self) -> "Dashboard":
        taken: dict[tuple[int, int], str] = {}
        for chart in self.charts:
            at = chart.position
            for cell in (
                (r, c) for r in range(at.row, at.row + at.size_y) for c in range(at.col, at.col + at.size_x)
            ):
                if other := taken.get(cell):
                    raise ValueError(
                        f"charts {other} and {chart.key} overlap at row {cell[0]}, col {cell[1]}"
                    )
                taken[cell] = chart.key
        return self


def _misfit(chart: Chart) -> str:
    """Return what keeps these columns from being drawn as this kind of chart; empty if nothing does."""
    counts: dict[str, int] = {
        role: len(chart.of_role(role)) for role in ("dimension", "series", "panel", "measure")
    }
    placed = sum(counts.values())
    drawn = chart.chart not in ("scalar", "table")
    if drawn and (counts["dimension"] != 1 or not counts["measure"]):
        return f"a {chart.chart} needs one dimension and at least one measure among its columns"
    if drawn and any(column.type not in ("integer", "decimal") for column in chart.of_role("measure")):
        return f"a {chart.chart} draws measures of type integer or decimal"
    if counts["series"] + counts["panel"] > 1:
        return "at most one column can be a series or a panel"
    if drawn and counts["series"] + counts["panel"] and counts["measure"] > 1:
        return "a chart with a series or a panel can have one measure only"
    if chart.chart == "scalar" and (counts["measure"] != 1 or placed != 1):
        return "a scalar needs one measure, and nothing but details beside it"
    if chart.chart == "table" and placed:
        return "a table's columns are all of role detail"
    return ""
