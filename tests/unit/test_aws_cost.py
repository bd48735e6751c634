"""The cost page says what sizes and prices say, and the budgets leave room for it."""

import dataclasses
from typing import get_args

import pytest

from environments.aws.observability import USUAL_USD
from environments.aws.sizes import SIZES, SizeName
from policy import prices
from scripts import aws_cost


def test_the_page_is_up_to_date():
    assert aws_cost.main(["--check"]) == 0, "run: python -m scripts.aws_cost"


def test_a_changed_size_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SIZES, "small", dataclasses.replace(SIZES["small"], broker_gb=21))
    assert aws_cost.main(["--check"]) == 1


def test_a_changed_price_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prices, "NAT", dataclasses.replace(prices.NAT, usd=0.05))
    assert aws_cost.main(["--check"]) == 1


@pytest.mark.parametrize("size", get_args(SizeName))
def test_a_budget_warns_of_more_than_the_usual_and_not_of_the_usual(size: SizeName):
    usual = aws_cost.total(size)
    assert 0.6 * USUAL_USD[size] < usual < 0.8 * USUAL_USD[size]


def test_every_price_has_a_date_and_a_source():
    for name, price in aws_cost._prices():
        assert price.usd > 0, name
        assert price.seen == "not seen" or "20" in price.seen, name
        assert len(price.source) > 10, name
