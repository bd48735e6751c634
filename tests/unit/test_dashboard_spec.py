"""The dashboards' declarations: the repository's own, and what a wrong one is told."""

import re
from pathlib import Path

import pytest

from dashboards.spec_files import SpecError, load

HEAD = 'title = "Shop"\ndescription = "All."\norder = 1\n'
CHART = """
title = "Sales"
question = "How many?"
chart = "bar"
refresh_s = 5
empty = "None."
position = { row = 0, col = 0, size_x = 12, size_y = 4 }
columns = [
    { name = "day", role = "dimension", type = "date", label = "Day" },
    { name = "orders", role = "measure", type = "integer", label = "Orders" },
]
"""
SQL = "SELECT order_date AS day, orders FROM curated.daily_revenue"


def write(folder: Path, chart: str = CHART, sql: str = SQL, head: str = HEAD, name: str = "01_sales") -> Path:
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "dashboard.toml").write_text(head)
    (folder / "shop" / f"{name}.toml").write_text(chart)
    (folder / "shop" / f"{name}.sql").write_text(sql)
    return folder


def problem(folder: Path) -> str:
    with pytest.raises(SpecError) as error:
        load(folder)
    return str(error.value)


def test_the_repository_s_own_dashboards():
    sales, pipeline = load()
    assert [chart.key for chart in sales.charts] == [
        "order_inflow",
        "daily_revenue",
        "top_products",
        "customer_segments",
    ]
    assert pipeline.key == "pipeline"
    assert all("curated." in chart.sql for chart in (*sales.charts, *pipeline.charts))


def test_a_right_one(tmp_path: Path):
    (dashboard,) = load(write(tmp_path))
    assert (dashboard.key, dashboard.charts[0].key, dashboard.charts[0].sql) == ("shop", "sales", SQL)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('chart = "bar"', 'chart = "pie"', r"01_sales.toml: chart = 'pie': .*'row', 'scalar' or 'table'"),
        ('title = "Sales"\n', "", r"01_sales.toml: title: is missing"),
        ('empty = "None."', 'empty = "None."\ncolour = 1', r"colour: unknown key; allowed: chart, columns, "),
        ("size_y = 4", "size_y = 4, z = 1", r"position.z: unknown key; allowed: col, row, size_x, size_y"),
        ('label = "Day"', 'label = "Day", tint = 1', r"columns.0.tint: unknown key; allowed: label, "),
        ("col = 0", "col = 13", r"position: col \+ size_x must be at most 24, not 25"),
        ("refresh_s = 5", "refresh_s = 0", r"refresh_s = 0: .*greater than or equal to 1"),
        ("refresh_s = 5", 'refresh_s = "5"', r"refresh_s = '5': .*valid integer"),
        ('role = "dimension"', 'role = "detail"', r"a bar needs one dimension and at least one measure"),
        ('type = "integer"', 'type = "text"', r"a bar draws measures of type integer or decimal"),
        ('name = "orders"', 'name = "day"', r"must have different names, not day, day"),
        ('label = "Orders"', 'label = "Orders", unit_from = "x"', r"must be one of day, orders, not 'x'"),
        ('title = "Sales"', 'title = "Sales"\nkey = "x"', r"key: unknown key; it follows from"),
        ('title = "Sales"', "title = Sales", r"01_sales.toml: cannot be read as TOML: "),
    ],
)  # fmt: skip
def test_a_wrong_chart_is_told_by_file_key_and_what_is_allowed(tmp_path: Path, old: str, new: str, told: str):
    assert old in CHART
    found = problem(write(tmp_path, CHART.replace(old, new)))
    assert re.search(told, found)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM curated.fact_orders", "must be one SELECT"),
        (f"{SQL}; SELECT 1", "without a semicolon"),
        ("SELECT * FROM raw.orders", "reads raw; allowed: curated"),
        ("SELECT * FROM OPS . batch_runs", "reads OPS; allowed: curated"),
    ],
)
def test_a_wrong_query_is_told(tmp_path: Path, sql: str, told: str):
    assert told in problem(write(tmp_path, sql=sql))


def test_words_in_text_and_comments_are_no_tables(tmp_path: Path):
    load(write(tmp_path, sql=f"{SQL} WHERE currency <> 'raw.x; ' -- raw.orders;"))


def test_charts_that_overlap_are_told(tmp_path: Path):
    write(tmp_path)
    write(tmp_path, CHART.replace('"Sales"', '"Other"').replace("col = 0", "col = 11"), name="02_other")
    assert "charts sales and other overlap at row 0, col 11" in problem(tmp_path)


def test_names_that_occur_twice_are_told(tmp_path: Path):
    write(tmp_path)
    write(tmp_path, CHART.replace("row = 0", "row = 4"), name="02_other")
    assert "'Sales' is declared in shop and in shop" in problem(tmp_path)


def test_a_query_that_is_missing_is_told(tmp_path: Path):
    (write(tmp_path) / "shop" / "01_sales.sql").unlink()
    assert "01_sales.sql: cannot be read" in problem(tmp_path)


def test_an_empty_folder_and_a_wrong_name_are_told(tmp_path: Path):
    assert "holds no <dashboard>/dashboard.toml" in problem(tmp_path)
    assert "a chart's file is named" in problem(write(tmp_path, name="sales"))
