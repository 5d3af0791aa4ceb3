"""The pages on a market that was really traded and indexed."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from dashboard import theme
from data.store import Store
from tests.dashboard.conftest import PAGES, figures, metric

pytestmark = pytest.mark.chain


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_on_the_demo_market(open_page, demo_store, page):
    app = open_page(demo_store.path, page)
    assert not app.exception
    assert app.title[0].value == page.capitalize()
    if page in ("market", "styles", "signal", "provenance", "data"):
        assert all(figure["alt"] for figure in figures(app))
        assert figures(app)


def test_cards_equal_an_independent_computation(open_page, demo_store):
    with Store.open(demo_store.path, read_only=True) as store:
        sales = store.read("sales").join(
            store.read("wash_flags").select("sale_id", "is_wash"), on="sale_id", how="left"
        )
        newest = store.query(
            "SELECT max(t) FROM (SELECT max(block_time) t FROM blocks"
            " UNION ALL SELECT max(block_time) FROM transfers)"
        ).item()
    recent = sales.filter(pl.col("block_time") > newest - timedelta(days=7))
    clean = recent.filter(~pl.col("is_wash"))
    app = open_page(demo_store.path, "market", window="7d")
    assert recent.height > clean.height > 20
    assert metric(app, "Sales").value == f"{clean.height:,}"
    assert metric(app, "Clean volume").value == theme.money(clean["price_eth"].sum(), "ETH")
    assert metric(app, "Buyers").value == str(clean["buyer"].n_unique())


def test_every_sale_of_the_demo_market_balances(open_page, demo_store):
    app = open_page(demo_store.path, "data")
    with Store.open(demo_store.path, read_only=True) as store:
        sales = store.query("SELECT count(*) FROM sales").item()
    assert metric(app, "Sales that balance").value == f"{sales:,}"
    assert metric(app, "Gaps").value == "0"
