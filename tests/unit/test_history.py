"""Past orders: realistic in shape, consistent with the catalog, the same for a seed and a day."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.catalog import build_catalog
from producer.copying import order_chunks
from producer.history import CANCELLED, HOUR_CURVE, SECOND_US, STATUSES, WEEKDAY_CURVE, History, build_history
from producer.identifiers import LIVE, live_id, node_of, seeded_ids
from producer.versions import DAY_S, Window

WINDOW = Window(date(2026, 6, 1), 84)  # whole weeks, so that each weekday comes as often
ORDERS = 40_000
CATALOG = build_catalog(3_000, 300, 11)


@pytest.fixture(scope="module")
def history() -> History:
    return build_history(CATALOG, WINDOW, ORDERS)


@pytest.fixture(scope="module")
def rows(history: History):
    return pa.concat_tables(order_chunks(CATALOG, history, 77, "1.0")).to_pandas()


def test_same_arguments_same_rows(rows):
    again = build_history(CATALOG, WINDOW, ORDERS)
    assert rows.equals(pa.concat_tables(order_chunks(CATALOG, again, 77, "1.0")).to_pandas())


def test_the_evening_and_the_weekend_sell_more(history: History):
    days, seconds = np.divmod(history.ordered_us // SECOND_US, DAY_S)
    by_hour = np.bincount(seconds // 3_600, minlength=24) / ORDERS
    assert np.allclose(by_hour, HOUR_CURVE / HOUR_CURVE.sum(), atol=0.006)
    by_weekday = np.bincount((days + 3) % 7, minlength=7) / ORDERS
    assert np.allclose(by_weekday, WEEKDAY_CURVE / WEEKDAY_CURVE.sum(), atol=0.012)
    assert date(1970, 1, 1).weekday() == 3


def test_everything_happens_within_the_window_and_in_order(history: History):
    assert history.ordered_us.min() >= WINDOW.start_s * SECOND_US
    assert history.event_us.max() < WINDOW.end_s * SECOND_US
    assert (np.diff(history.ordered_us) >= 0).all()
    assert (np.diff(history.event_us) >= 0).all()


def test_versions_are_gapless_and_statuses_progress(rows):
    by_order = rows.sort_values(["order_id", "order_version"]).groupby("order_id")
    assert (by_order.cumcount() + 1 == rows.sort_values(["order_id", "order_version"])["order_version"]).all()
    assert by_order.ngroups == ORDERS
    paths = by_order["status"].agg(tuple)
    path = STATUSES[:4]
    allowed = {path[:length] for length in range(1, 5)} | {(*path[:length], "cancelled") for length in (1, 2)}
    assert set(paths) == allowed
    assert by_order["event_time"].is_monotonic_increasing.all()
    cancelled = paths.map(lambda statuses: statuses[-1] == "cancelled").mean()
    assert 0.05 < cancelled < 0.07


def test_each_type_goes_with_its_status(rows, history: History):
    assert ((rows["event_type"] == "created") == (rows["status"] == "placed")).all()
    assert ((rows["event_type"] == "cancelled") == (rows["status"] == "cancelled")).all()
    assert (history.status == CANCELLED).any()


def test_an_order_keeps_its_state(rows):
    fixed = ["ordered_at", "customer_id", "product_id", "quantity", "unit_price", "currency"]
    assert (rows.groupby("order_id")[fixed].nunique() == 1).all(axis=None)


def test_the_price_is_the_one_valid_when_the_order_was_placed(history: History):
    prices = history.prices
    assert np.array_equal(prices.member[history.price_row], history.product)
    ordered_s = history.ordered_us // SECOND_US
    assert (prices.effective_s[history.price_row] <= ordered_s).all()
    following = np.minimum(history.price_row + 1, len(prices.keys) - 1)
    is_last = (following == history.price_row) | (prices.member[following] != history.product)
    assert (is_last | (prices.effective_s[following] > ordered_s)).all()
    assert not is_last.all()


def test_ids_are_unique_ordered_and_customers_come_back(rows):
    assert rows["event_id"].is_unique
    assert rows["event_id"].str[:13].is_monotonic_increasing
    per_customer = rows[rows["order_version"] == 1].groupby("customer_id").size()
    assert (per_customer > 1).mean() > 0.8
    assert per_customer.max() > 10 * per_customer.median()


moments = st.integers(0, 2**47)
counters = st.integers(0, 2**25 - 1)
nodes = st.integers(0, 2**48 - 1)


@given(milliseconds=moments, counter=counters, node=nodes)
@settings(deadline=None)
def test_seeded_and_live_ids_never_meet(milliseconds: int, counter: int, node: int):
    octets = seeded_ids(np.array([milliseconds]), np.array([counter]), node)
    seeded, live = octets.tobytes().decode(), live_id(milliseconds, counter, node)
    assert seeded != live
    assert (int(seeded[15], 16) >> 3, int(live[15], 16) >> 3) == (1, LIVE)
    assert node_of(seeded) == node_of(live) == node
    # Apart from that bit they are built alike, by two ways.
    assert seeded[:15] + seeded[16:] == live[:15] + live[16:]


@given(first=st.tuples(moments, counters, nodes), second=st.tuples(moments, counters, nodes))
def test_live_ids_differ_when_any_part_does(first: tuple[int, int, int], second: tuple[int, int, int]):
    assert (live_id(*first) == live_id(*second)) == (first == second)
