"""The figures of the market page, against polars over the rows that were drawn."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from dashboard import theme
from dashboard.queries import market
from dashboard.queries.scope import Scope, scope
from data.store import Store
from tests.dashboard.conftest import figures, metric
from tests.dashboard.market import CHAIN, DAYS, START, USD_PER_ETH

END = START + timedelta(days=DAYS)


def within(sales: pl.DataFrame, days: int) -> pl.DataFrame:
    return sales.filter(pl.col("block_time") > END - timedelta(days=days))


def totals(store_path, **changes: str) -> dict:
    asked = {"window": "30d", "ccy": "ETH", "wash": "flag"} | changes
    with Store.open(store_path, read_only=True) as store:
        return market.market_totals(store, scope(CHAIN, END, **asked))


def test_cards_equal_an_independent_computation(open_page, market_store, sales):
    app = open_page(market_store, "market")
    mine = within(sales, 30)
    clean = mine.filter(~pl.col("is_wash"))
    assert metric(app, "Clean volume").value == theme.money(clean["price_eth"].sum(), "ETH")
    assert metric(app, "Clean volume").delta == f"raw {theme.money(mine['price_eth'].sum(), 'ETH')}"
    assert metric(app, "Sales").value == f"{clean.height:,}"
    assert metric(app, "Median price").value == theme.money(clean["price_eth"].median(), "ETH")
    assert metric(app, "Buyers").value == str(clean["buyer"].n_unique())
    assert metric(app, "Sellers").value == str(clean["seller"].n_unique())
    flagged = mine.filter("is_wash")["price_eth"].sum()
    assert metric(app, "Wash share").value == theme.percent(flagged / mine["price_eth"].sum())


def test_floor_card_shows_the_last_day_of_the_signal(open_page, market_store, market_rows):
    floors = market_rows[1].frame("floors").sort("day")
    card = metric(open_page(market_store, "market"), "Realised floor")
    assert card.value == theme.money(floors["realised_floor_eth"][-1], "ETH")


@pytest.mark.parametrize("window", ["7d", "30d", "all"])
def test_wash_switch_moves_volume_by_exactly_the_flagged_sum(market_store, sales, window):
    figures = {wash: totals(market_store, window=window, wash=wash) for wash in
               ("hide", "flag", "show")}  # fmt: skip
    days = {"7d": 7, "30d": 30, "all": 10_000}[window]
    flagged = within(sales, days).filter("is_wash")["price_eth"].sum()
    assert flagged > 0
    assert figures["show"]["volume"] - figures["hide"]["volume"] == pytest.approx(flagged)
    assert figures["flag"]["volume"] == figures["hide"]["volume"]
    assert figures["show"]["volume"] == figures["show"]["raw_volume"]


@pytest.mark.parametrize("wash", ["hide", "flag", "show"])
def test_both_volumes_are_on_the_screen(open_page, market_store, sales, wash):
    app = open_page(market_store, "market", wash=wash)
    mine = within(sales, 30)
    clean = theme.money(mine.filter(~pl.col("is_wash"))["price_eth"].sum(), "ETH")
    raw = theme.money(mine["price_eth"].sum(), "ETH")
    card = app.metric[0]
    assert {card.value, card.delta.split(" ", 1)[1]} == {clean, raw}
    assert card.value == (raw if wash == "show" else clean)


def test_hidden_sales_are_not_drawn_and_flagged_ones_are_apart(open_page, market_store):
    def names(wash: str) -> list[str]:
        app = open_page(market_store, "market", wash=wash)
        return [trace["name"] for trace in figures(app)[0]["data"]]

    assert any(name.startswith("Flagged sale") for name in names("flag"))
    assert not any(name.startswith("Flagged sale") for name in names("hide"))


def test_price_axis_is_logarithmic_and_names_its_unit(open_page, market_store):
    axis = figures(open_page(market_store, "market"))[0]["layout"]["yaxis"]
    assert axis["type"] == "log"
    assert axis["tickformat"] == "~g"
    assert "ETH" in axis["title"]["text"]


def test_dollars_are_the_value_at_block_time(open_page, market_store, sales):
    app = open_page(market_store, "market", ccy="USD", window="all")
    clean = sales.filter(~pl.col("is_wash"))["price_eth"].sum() * USD_PER_ETH
    assert metric(app, "Clean volume").value == theme.money(clean, "USD")
    assert "USD" in figures(app)[0]["layout"]["yaxis"]["title"]["text"]


def test_changes_are_shown_only_where_the_index_reaches_back(open_page, market_store):
    assert "%" in metric(open_page(market_store, "market", window="7d"), "Sales").delta
    assert not metric(open_page(market_store, "market", window="90d"), "Sales").delta


def test_last_day_that_is_not_over_is_hatched(market_store):
    from dashboard.charts.volume import daily_volume

    with Store.open(market_store, read_only=True) as store:
        days = market.daily_volume(store, scope(CHAIN, END, "all", "ETH", "flag"))
    last = days["day"][-1]
    figure = daily_volume(days, "ETH", last, theme.LIGHT)
    shapes = figure.data[0].marker.pattern.shape
    assert shapes[-1] == "/"
    assert set(shapes[:-1]) == {""}


@pytest.mark.parametrize("group", ["style", "artist", "collection", "marketplace"])
def test_leaders_add_up_to_the_market(market_store, group):
    with Store.open(market_store, read_only=True) as store:
        whole = scope(CHAIN, END, "all", "ETH", "flag")
        rows = market.leaders(store, whole, group)
        volume = market.market_totals(store, whole)["volume"]
    assert rows["volume"].sum() == pytest.approx(volume)
    weekly = rows["weekly"].list.sum()
    assert weekly.to_list() == pytest.approx(rows["volume"].to_list())
    assert rows["weekly"].list.len().n_unique() == 1


def test_window_without_sales_names_the_command(open_page, market_store, tmp_path):
    quiet = tmp_path / "quiet.duckdb"
    with Store.open(quiet) as store:
        store.append(
            "blocks",
            pl.DataFrame(
                {"chain_id": [1], "block_number": [9], "block_hash": ["0x9"], "block_time": [END]}
            ),
        )
    app = open_page(quiet, "market")
    assert not app.exception
    assert any("raisonne index" in code.value for code in app.code)


def test_density_keeps_every_sale_and_stays_under_the_limit(market_store):
    with Store.open(market_store, read_only=True) as store:
        whole = Scope(CHAIN, START - timedelta(days=1), END, "ETH", "flag")
        cells, extremes = market.sale_density(store, whole)
        drawn = market.drawn_sales(store, whole)
        dots = market.sale_dots(store, whole)
    assert cells["sales"].sum() == drawn == dots.height
    low, high = dots["unit_price"].quantile(0.01), dots["unit_price"].quantile(0.99)
    outside = (extremes["unit_price"] <= low * 1.2) | (extremes["unit_price"] >= high / 1.2)
    assert outside.all()


def test_many_sales_are_binned_instead_of_cut(open_page, market_store, monkeypatch):
    """The page says how many sales it binned; nothing is silently dropped."""
    monkeypatch.setattr("dashboard.queries.scope.MAX_DOTS", 100)
    app = open_page.fresh(market_store, "market", window="all")
    assert figures(app)[0]["data"][0]["type"] == "heatmap"
    assert any("sales are binned" in caption.value for caption in app.caption)


def royalty_table(app):
    found = [each for each in app.dataframe if "royalty" in each.proto.alt]
    return found[0].value if found else None


def test_royalties_that_rest_on_no_known_terms_are_not_evaluated(open_page, market_store, sales):
    shown = royalty_table(open_page(market_store, "market", window="all"))
    rows = {(row["marketplace"], row["month"].month): row for _, row in shown.iterrows()}
    march = sales.filter(pl.col("block_time").dt.month() == 3)
    paid, volume = sum(march["royalty_wei"]), sum(march["price_wei"])
    known, unknown = rows["raisonne", 3], rows["elsewhere", 3]
    assert (known["owed_rate"], known["owed_wei"]) == (theme.percent(paid / volume), str(paid))
    assert known["currency"] == "ETH"
    assert (unknown["owed_rate"], unknown["owed_wei"], unknown["gap_wei"]) == ("not evaluated",) * 3
    assert unknown["effective_rate"] == theme.percent(paid / volume)


def test_royalties_of_months_outside_the_window_are_not_shown(open_page, market_store):
    shown = royalty_table(open_page(market_store, "market", window="7d"))
    assert {month.month for month in shown["month"]} == {4}
    whole = royalty_table(open_page(market_store, "market", window="all"))
    assert {month.month for month in whole["month"]} == {3, 4}


def test_store_without_royalty_rates_shows_no_table_of_them(open_page, market_store, tmp_path):
    bare = tmp_path / "bare.duckdb"
    bare.write_bytes(market_store.read_bytes())
    with Store.open(bare) as store:
        store.replace("royalty_rates", store.read("royalty_rates").clear())
        with store.run("test"):
            pass
    app = open_page(bare, "market")
    assert not app.exception
    assert royalty_table(app) is None
