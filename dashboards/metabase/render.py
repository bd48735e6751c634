"""From the spec to Metabase's terms: cards with their settings, dashboards with their places."""

from collections.abc import Sequence
from typing import Any

from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.wanted import Card, Dashboard, Place, Wanted
from dashboards.spec import Chart, Column
from dashboards.spec import Dashboard as Declared
from pipeline.settings import MetabaseSettings, PostgresSettings

# A refresh runs every query of the dashboard for every open browser; the page's seconds would be too often.
_SHORTEST_REFRESH_S = 30
_NUMBERS = ("integer", "decimal")


def render(spec: Sequence[Declared], metabase: MetabaseSettings, warehouse: PostgresSettings) -> Wanted:
    """Return what Metabase should hold."""
    return Wanted(
        details=connection(metabase, warehouse),
        cards=tuple(_card(chart) for dashboard in spec for chart in dashboard.charts),
        dashboards=tuple(_dashboard(dashboard) for dashboard in spec),
    )


def connection(metabase: MetabaseSettings, warehouse: PostgresSettings) -> dict[str, Any]:
    """Return how Metabase connects, all but the password: as bi_readonly, and to look at curated only.

    Raise MetabaseError if it should verify the warehouse and is told no certificates to do so.
    """
    details: dict[str, Any] = {
        "host": metabase.postgres_host or warehouse.host,
        "port": metabase.postgres_port or warehouse.port,
        "dbname": warehouse.database,
        "user": warehouse.user("bi_readonly"),
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": "curated",
        "ssl": warehouse.sslmode != "disable",
        "tunnel-enabled": False,
    }
    return details | (_ssl(metabase, warehouse) if details["ssl"] else {})


def _ssl(metabase: MetabaseSettings, warehouse: PostgresSettings) -> dict[str, Any]:
    if not warehouse.sslmode.startswith("verify-"):
        return {"ssl-mode": warehouse.sslmode}
    if not metabase.postgres_sslrootcert:
        raise MetabaseError(
            f"ECOM_METABASE_POSTGRES_SSLROOTCERT is empty: ECOM_POSTGRES_SSLMODE={warehouse.sslmode} needs"
            " the path of the certificates that Metabase has"
        )
    # A file that Metabase reads on its own disk, and not one that is uploaded.
    path = {"ssl-root-cert-options": "local", "ssl-root-cert-path": metabase.postgres_sslrootcert}
    return {"ssl-mode": warehouse.sslmode} | path


def _card(chart: Chart) -> Card:
    return Card(
        name=chart.title,
        description=chart.question,
        display=chart.chart,
        sql=chart.sql,
        settings=_drawing(chart) | {"column_settings": dict(_column(one) for one in chart.columns)},
    )


def _drawing(chart: Chart) -> dict[str, Any]:
    measures = chart.of_role("measure")
    if chart.chart == "scalar":
        return {"scalar.field": measures[0].name}
    if chart.chart == "table":
        return {}
    (over,) = chart.of_role("dimension")
    across = [over, *chart.of_role("series", "panel")]
    return {
        "graph.dimensions": [one.name for one in across],
        "graph.metrics": [one.name for one in measures],
        "graph.x_axis.scale": "timeseries" if over.type in ("date", "timestamp") else "ordinal",
        "graph.x_axis.title_text": over.label,
        "graph.y_axis.title_text": ", ".join(map(_with_unit, measures)),
    }


def _with_unit(column: Column) -> str:
    unit = column.unit or (f"in its {column.unit_from}" if column.unit_from else "")
    return f"{column.label} ({unit})" if unit and unit.lower() not in column.label.lower() else column.label


def _column(column: Column) -> tuple[str, dict[str, Any]]:
    settings: dict[str, Any] = {"column_title": column.label}
    if column.type in _NUMBERS:
        settings |= {"number_style": "decimal", "number_separators": ".,"}
        settings |= {"decimals": 2} if column.unit_from else {}  # an amount of money
        settings |= (
            {"suffix": column.unit if column.unit == "%" else f" {column.unit}"} if column.unit else {}
        )
    elif column.type != "text":
        settings |= {"date_style": "YYYY/M/D", "date_separator": "-"}
        is_moment = column.type == "timestamp"
        settings |= (
            {"time_enabled": "seconds", "time_style": "HH:mm"} if is_moment else {"time_enabled": None}
        )
    return f'["name","{column.name}"]', settings


def _dashboard(declared: Declared) -> Dashboard:
    return Dashboard(
        name=declared.title,
        description=declared.description,
        refresh_s=max(_SHORTEST_REFRESH_S, min(chart.refresh_s for chart in declared.charts)),
        places={chart.title: Place(**chart.position.model_dump()) for chart in declared.charts},
    )
