"""Customers and products: the same for a seed, long-tailed, shared by seed and live producer."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.catalog import CURRENCIES, SEGMENTS, build_catalog, price_text
from producer.members import customer_rows, product_rows
from producer.versions import Window, customer_versions, product_versions

WINDOW = Window(date(2026, 6, 1), 60)


def test_same_seed_same_catalog_other_seed_another():
    first, again, other = (build_catalog(300, 50, seed) for seed in (1, 1, 2))
    for name in ("segment", "customer_shares", "category", "currency", "price_cents", "product_shares"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert not np.array_equal(first.price_cents, other.price_cents)


@given(smaller=st.integers(1, 80), more=st.integers(0, 80), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_bigger_shop_keeps_the_prices_and_segments_of_the_smaller(smaller: int, more: int, seed: int):
    small, big = build_catalog(smaller, smaller, seed), build_catalog(smaller + more, smaller + more, seed)
    assert np.array_equal(small.price_cents, big.price_cents[:smaller])
    assert np.array_equal(small.currency, big.currency[:smaller])
    assert np.array_equal(small.segment, big.segment[:smaller])


def test_few_products_sell_most_and_segments_have_their_shares():
    catalog = build_catalog(20_000, 1_000, 7)
    popularity = np.sort(np.diff(catalog.product_shares, prepend=0))[::-1]
    assert popularity[:100].sum() > 0.6
    assert popularity[500:].sum() < 0.15
    shares = np.bincount(catalog.segment, minlength=len(SEGMENTS)) / 20_000
    assert np.allclose(shares, [item.share for item in SEGMENTS], atol=0.015)
    loyalty = np.sort(np.diff(catalog.customer_shares, prepend=0))[::-1]
    assert loyalty[:2_000].sum() > 0.3


def test_prices_are_what_the_event_can_carry():
    catalog = build_catalog(10, 5_000, 3)
    assert catalog.price_cents.min() >= 1
    assert price_text(1) == "0.01"
    assert price_text(1_999) == "19.99"
    assert set(catalog.currency) <= set(range(len(CURRENCIES)))


def test_the_last_version_is_the_catalogs_and_some_members_changed():
    catalog = build_catalog(2_000, 400, 5)
    for versions, today in (
        (product_versions(catalog, WINDOW), catalog.price_cents),
        (customer_versions(catalog, WINDOW), catalog.segment),
    ):
        rows = versions.valid_at(np.arange(len(today)), np.full(len(today), WINDOW.end_s - 1))
        assert np.array_equal(versions.value[rows], today)
        assert len(today) < len(versions.keys) < 2 * len(today)
        assert (versions.effective_s >= WINDOW.start_s).all()
        assert (versions.effective_s < WINDOW.end_s).all()


def test_a_version_holds_from_its_first_second_on():
    versions = product_versions(build_catalog(1, 200, 5), WINDOW)
    changed = np.flatnonzero(versions.effective_s > WINDOW.start_s)
    member, moment = versions.member[changed], versions.effective_s[changed]
    assert np.array_equal(versions.valid_at(member, moment), changed)
    assert np.array_equal(versions.valid_at(member, moment - 1), changed - 1)


def test_rows_have_unique_keys_and_mails_that_reach_nobody():
    catalog = build_catalog(500, 100, 9)
    customers = customer_rows(catalog, WINDOW).to_pandas()
    products = product_rows(catalog, product_versions(catalog, WINDOW)).to_pandas()
    assert not customers.duplicated(["customer_id", "effective_at"]).any()
    assert not products.duplicated(["product_id", "effective_at"]).any()
    assert customers.groupby("email")["customer_id"].nunique().max() == 1
    assert customers["email"].str.fullmatch(r"[a-z0-9.]+@example\.(com|net|org)").all()
    assert set(customers["customer_id"]) == set(range(1, 501))
    assert set(products["product_id"]) == set(range(1, 101))
    assert customers.equals(customer_rows(catalog, WINDOW).to_pandas())
