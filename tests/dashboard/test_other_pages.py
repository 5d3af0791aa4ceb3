"""Provenance, studio, signal, forecast and data: what each must say."""

from __future__ import annotations

import ast
from pathlib import Path

import polars as pl
import pytest

from dashboard.definitions import DEFINITIONS
from dashboard.queries import forecasts, health, provenance, wash
from dashboard.queries.scope import RULES, THE_BEGINNING, Scope
from data.schema import TABLES
from data.store import Store
from tests.dashboard.conftest import ROOT, figures, metric
from tests.dashboard.market import ARTWORK, CHAIN, HOSTILE_NAME, START, wallet

END = START.replace(year=START.year + 1)
EVERYTHING = Scope(CHAIN, THE_BEGINNING, END, "ETH", "flag")


def key(token: str) -> str:
    return f"{CHAIN}:{ARTWORK}:{token}"


def subheaders(app) -> list[str]:
    return [header.value for header in app.subheader]


# Provenance


def test_without_a_root_the_most_traded_work_is_shown(open_page, market_store, sales):
    app = open_page(market_store, "provenance")
    most = sales.group_by("token_id").len()["len"].max()
    assert metric(app, "Sales").value == str(most)
    assert any("most traded" in caption.value for caption in app.caption)


@pytest.mark.parametrize("root", ["12", "31337:0xabc:1", "x:y:z", f"31337:{ARTWORK}:1:2", "<b>"])
def test_malformed_root_shows_what_a_good_one_looks_like(open_page, market_store, root):
    app = open_page(market_store, "provenance", root=root)
    assert not app.exception
    assert any("This is no work" in text for text in subheaders(app))
    assert any("chain:address:token" in text.value for text in app.markdown)


@pytest.mark.parametrize("root", [key("999999"), f"1:{ARTWORK}:1"])
def test_unknown_root_is_told_from_a_malformed_one(open_page, market_store, root):
    app = open_page(market_store, "provenance", root=root)
    assert not app.exception
    assert any("not indexed" in text for text in subheaders(app))


def test_root_of_the_url_is_shown_whatever_its_case(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("1").upper().replace("0X", "0x"))
    assert not app.exception
    assert any(code.value == key("1") for code in app.code)


def test_choosing_a_work_puts_it_into_the_root(open_page, market_store):
    app = open_page.fresh(market_store, "provenance")
    pick = next(box for box in app.selectbox if box.key == "pick_work")
    pick.select(pick.options[2]).run()
    assert app.session_state["root"] == app.session_state["pick_work"]
    assert any(code.value == app.session_state["root"] for code in app.code)


def test_holdings_follow_one_another_and_end_with_the_owner(market_store, market_rows):
    tokens = market_rows[1].frame("tokens")
    with Store.open(market_store, read_only=True) as store:
        for token in ("3", "5", "8"):
            rows = provenance.holdings(store, CHAIN, ARTWORK, token)
            assert rows["until"][:-1].to_list() == rows["since"][1:].to_list()
            assert rows["until"][-1] is None
            owner = tokens.filter(pl.col("token_id") == token)["owner"].item()
            assert rows["owner"][-1] in (owner, wallet("vault"))


def test_vault_is_hatched_and_named(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("5"))
    bars = [trace for trace in figures(app)[0]["data"] if trace["type"] == "bar"]
    assert {bar["name"]: bar["marker"]["pattern"]["shape"] for bar in bars} == {
        "Holding": "",
        "In a vault (fractions)": "/",
    }


def test_graph_links_origin_holders_and_parents(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("5"))
    node = next(box for box in app.selectbox if box.label == "Node")
    kinds = {option.split(":")[0] for option in node.options}
    assert {"Work", "Creator", "Vault", "Model, data, process"} <= kinds
    assert "Declared parent or child" in kinds
    chart = app.get("echarts_chart")
    assert len(chart) == 1
    assert "Graph of" in chart[0].proto.alt


def test_hostile_name_is_escaped_in_the_heading(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("1"))
    heading = app.subheader[0].value
    assert heading.replace("\\", "") == HOSTILE_NAME
    assert "\\<b\\>" in heading


def test_events_hold_every_transfer_and_sale_of_the_work(market_store, market_rows):
    market = market_rows[1]
    with Store.open(market_store, read_only=True) as store:
        events = provenance.events(store, CHAIN, ARTWORK, "5")["event"].to_list()
    for table, names in (("sales", {"sale"}), ("transfers", {"mint", "transfer", "burn"})):
        rows = market.frame(table).filter(pl.col("token_id") == "5").height
        assert sum(event in names for event in events) == rows
    assert {"vault opened", "parent declared", "lineage minted", "royalty set"} <= set(events)


# Studio


def test_studio_counts_what_became_of_the_works(open_page, market_store, market_rows):
    market = market_rows[1]
    works, tokens = market.frame("works"), market.frame("tokens")
    minted = works.join(tokens, left_on="work_id", right_on="manifest")
    sold = minted.join(market.frame("sales"), on="token_id", how="semi")
    app = open_page(market_store, "studio")
    assert metric(app, "Works made").value == str(works.height)
    assert metric(app, "Minted").value == str(minted.height)
    assert metric(app, "Sold").value == str(sold.height)
    assert 0 < minted.height < works.height


def test_studio_shows_reasons_pictures_and_the_command_to_check(open_page, market_store):
    app = open_page(market_store, "studio")
    text = " ".join(element.value for element in app.markdown)
    assert "rings sold 9 a week with a steady price" in text.replace("\\", "")
    assert len(app.get("image")) == 13
    commands = app.code[0].value
    assert "raisonne verify 0x" in commands
    assert "raisonne generate --store" in commands


def test_missing_picture_is_said_and_does_not_break_the_page(open_page, market_store, tmp_path):
    store_path = tmp_path / "moved.duckdb"
    store_path.write_bytes(market_store.read_bytes())
    with Store.open(store_path) as store:
        store.replace("works", store.read("works").with_columns(image_path=pl.lit("/gone.png")))
        with store.run("test"):
            pass
    app = open_page(store_path, "studio")
    assert not app.exception
    assert not app.get("image")
    assert any("file not here" in element.value for element in app.markdown)


# Signal


def test_rules_count_what_they_flag_and_say_what_they_cannot_see(market_store, sales):
    with Store.open(market_store, read_only=True) as store:
        rules = wash.wash_rules(store, EVERYTHING)
    assert rules["rule"].to_list() == list(RULES)
    found = dict(rules.select("rule", "sales").iter_rows())
    expected = sales.filter(pl.col("rules").str.contains("back_and_forth")).height
    assert found["back_and_forth"] == expected > 0
    blind = rules.filter(pl.col("rule") == "flashloan")
    assert blind["not_evaluated"].item() == sales.height


def test_rule_without_its_input_is_not_drawn_as_zero(open_page, market_store):
    bars = figures(open_page(market_store, "signal"))[0]["data"][0]
    words = dict(zip(bars["y"], bars["text"], strict=True))
    assert words["Flash loan"] == "not evaluated"
    assert words["Buyer is seller"] == "0"


def test_every_flag_names_its_rules_and_counter_trades(market_store, sales):
    with Store.open(market_store, read_only=True) as store:
        flagged = wash.flagged_sales(store, EVERYTHING)
        assert flagged.height == sales["is_wash"].sum()
        assert (flagged["rules"].str.len_chars() > 0).all()
        row = flagged.row(0, named=True)
        ids = [row["sale_id"], *row["counter_sale_ids"].split(",")]
        assert wash.sales_by_id(store, CHAIN, ids, "ETH").height == len(ids)


def test_breadth_is_distinct_buyers_per_clean_sale(market_store, sales):
    with Store.open(market_store, read_only=True) as store:
        artists = wash.artist_breadth(store, EVERYTHING, 5)
    clean = sales.filter(~pl.col("is_wash"))
    for row in artists.iter_rows(named=True):
        mine = clean.filter(pl.col("creator") == row["creator"])
        assert row["n"] == mine.height >= 5
        assert row["breadth"] == pytest.approx(mine["buyer"].n_unique() / mine.height)


def test_store_without_flags_asks_for_the_analysis(open_page, market_store, tmp_path):
    store_path = tmp_path / "unflagged.duckdb"
    store_path.write_bytes(market_store.read_bytes())
    with Store.open(store_path) as store:
        store.replace("wash_flags", TABLES["wash_flags"].empty())
        with store.run("test"):
            pass
    app = open_page(store_path, "signal")
    assert any("raisonne analyze all" in code.value for code in app.code)
    market = open_page(store_path, "market")
    assert any("wash rules have not looked" in warning.value for warning in market.warning)


# Forecast


@pytest.mark.parametrize("series", ["rings/clean_sales", "waves/median_price_eth"])
def test_fan_has_history_median_and_three_nested_bands(open_page, market_store, series):
    app = open_page(market_store, "forecast", series=series)
    assert not app.exception
    names = [trace["name"] for trace in figures(app)[0]["data"]]
    assert names == ["95 % band", "80 % band", "50 % band", "Median forecast", "Complete weeks"]
    with Store.open(market_store, read_only=True) as store:
        rows = forecasts.forecast(store, CHAIN, series)
    for low, high in (("lo_95", "lo_80"), ("lo_80", "lo_50"), ("lo_50", "median"),
                      ("median", "hi_50"), ("hi_50", "hi_80"), ("hi_80", "hi_95")):  # fmt: skip
        assert (rows[low] <= rows[high]).all()
    assert (rows["lo_95"] > 0).all()


def test_price_forecast_is_drawn_on_a_log_axis(open_page, market_store):
    app = open_page(market_store, "forecast", series="waves/median_price_eth")
    assert figures(app)[0]["layout"]["yaxis"]["type"] == "log"


def test_forecast_that_loses_to_naive_says_so(open_page, market_store):
    app = open_page(market_store, "forecast", series="mosaic/clean_sales")
    assert any("does not beat seasonal naive" in warning.value for warning in app.warning)
    good = open_page(market_store, "forecast", series="rings/clean_sales")
    assert not good.warning


def test_store_without_forecasts_names_the_command(open_page, market_store, tmp_path):
    store_path = tmp_path / "unforecast.duckdb"
    store_path.write_bytes(market_store.read_bytes())
    with Store.open(store_path) as store:
        for table in ("forecasts", "briefs", "works", "styles"):
            store.replace(table, TABLES[table].empty())
        with store.run("test"):
            pass
    for page, command in (("forecast", "raisonne forecast"), ("studio", "raisonne brief"),
                          ("styles", "raisonne analyze all")):  # fmt: skip
        app = open_page(store_path, page)
        assert not app.exception
        assert any(command in code.value for code in app.code)


# Data


def test_gap_between_ranges_is_counted(open_page, market_store):
    app = open_page(market_store, "data")
    assert metric(app, "Gaps").value == "20"
    with Store.open(market_store, read_only=True) as store:
        spans = health.coverage(store)
    assert spans["from_block"].to_list() == [0, 420]


def test_balance_and_row_counts_are_those_of_the_store(open_page, market_store, sales):
    app = open_page(market_store, "data")
    assert metric(app, "Sales that balance").value == str(sales.height)
    with Store.open(market_store, read_only=True) as store:
        counts = dict(health.row_counts(store).select("table", "rows").iter_rows())
        assert counts == {name: store.read(name).height for name in TABLES}


def test_digest_is_made_on_request_and_is_that_of_the_store(open_page, market_store):
    app = open_page.fresh(market_store, "data")
    next(button for button in app.button if button.key == "digest").click().run()
    assert not app.exception
    shown = next(table.value for table in app.dataframe if "sha256" in table.value.columns)
    with Store.open(market_store, read_only=True) as store:
        assert dict(zip(shown["table"], shown["sha256"], strict=True)) == store.digest()


def test_every_metric_on_a_page_has_a_definition():
    defined = {definition.name for definition in DEFINITIONS}
    used: set[str] = set()
    for folder in ("views", "parts"):
        for path in (ROOT / "dashboard" / folder).glob("*.py"):
            used |= _metric_names(path)
    assert len(used) > 20
    assert used <= defined
    assert defined <= used | {"Buyer concentration", "Momentum", "Residual"}


def _metric_names(path: Path) -> set[str]:
    """First arguments of Metric(…) and the strings of the metrics of Block(…)."""
    names: set[str] = set()
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id == "Metric":
            names |= {leaf.value for leaf in ast.walk(call.args[0])
                      if isinstance(leaf, ast.Constant) and leaf.value != "show"}  # fmt: skip
        elif call.func.id == "Block" and len(call.args) == 5:
            names |= {leaf.value for leaf in ast.walk(call.args[4])
                      if isinstance(leaf, ast.Constant)}  # fmt: skip
    return names


def test_dictionary_lists_the_columns_of_the_chosen_table(open_page, market_store):
    app = open_page(market_store, "data", table="sales")
    frame = next(
        table.value for table in app.dataframe if list(table.value.columns)[:1] == ["Column"]
    )
    assert frame["Column"].tolist() == TABLES["sales"].column_names
