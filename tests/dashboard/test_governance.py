"""What share holders decided, and the disputes about a work: what the pages say of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.queries import governance
from data.store import Store
from tests.dashboard.conftest import figures
from tests.dashboard.market import ARTWORK, CHAIN, DAYS, START

NOW = START + timedelta(days=DAYS)


def key(token: str) -> str:
    return f"{CHAIN}:{ARTWORK}:{token}"


def test_rounds_are_counted_by_how_they_ended(open_page, market_store):
    app = open_page(market_store, "studio")
    assert "Share holders accepted a work in 1 of 4 rounds" in [
        each.value for each in app.subheader
    ]
    [figure] = [each for each in figures(app) if "rounds of vetting" in each["alt"]]
    bars = {
        trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in figure["data"]
    }
    assert bars["For the accepted work"] == pytest.approx({1: 60})
    assert bars["For the leader, not accepted"] == pytest.approx({2: 0, 3: 20, 4: 50})
    assert bars["For the others"] == pytest.approx({1: 40, 2: 0, 3: 20, 4: 30})
    assert bars["Not counted yet"] == {5: 0}


@pytest.mark.parametrize(
    ("after_days", "phase"),
    [(0, "submitting"), (8, "voting"), (11, "revealing"), (13, "to be counted")],
)
def test_an_open_round_is_in_the_phase_of_the_newest_block(market_store, after_days, phase):
    with Store.open(market_store, read_only=True) as store:
        now = START + timedelta(days=DAYS - 8 + after_days)
        found = governance.rounds(store, CHAIN, now)
    assert found["round"].to_list() == [5, 4, 3, 2, 1]
    assert found["outcome"].to_list() == [phase, "none of them", "tied", "no quorum", "accepted"]
    assert found["minted_as"].to_list() == [None, None, None, None, key("1")]
    assert found["for_share"].to_list() == [None, 0.625, 0.5, None, 0.6]


def test_budgets_are_told_in_their_units(open_page, market_store):
    app = open_page(market_store, "studio")
    [table] = [
        frame.value for frame in app.dataframe if list(frame.value.columns)[:2] == ["epoch", "kind"]
    ]
    rows = {row["kind"]: row for row in table.to_dict("records")}
    assert (rows["Computing"]["spent"], rows["Computing"]["left"]) == ("0.447 ETH", "1.55 ETH")
    assert rows["Computing"]["used"] == pytest.approx(0.2235)
    assert (rows["Images"]["spent"], rows["Images"]["left"]) == ("48", "9,952")
    assert rows["Kind 77"]["spent"] == "0 ETH"


def test_drops_of_the_studio_are_told_from_those_of_others(open_page, market_store):
    app = open_page(market_store, "studio")
    assert "Drops sold 3 of 8 works" in [each.value for each in app.subheader]
    with Store.open(market_store, read_only=True) as store:
        found = governance.drops(store, CHAIN)
    assert found["by"].to_list()[1] == "the studio"
    assert found["by"].to_list()[0].startswith("0x")
    assert found["sold_share"].to_list() == [0.5, 0.25]


def test_a_disputed_work_says_so_and_upheld_disputes_come_first(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("2"))
    [error], [warning] = app.error, app.warning
    assert error.value.startswith("**Tainted.** A dispute was upheld about its model: asset `0x")
    assert "open about a work that it descends from, 2 steps up" in warning.value


def test_an_undisputed_work_says_nothing_of_disputes(open_page, market_store):
    app = open_page(market_store, "provenance", root=key("3"))
    assert not app.error
    assert not app.warning


def test_a_chain_whose_studio_did_nothing_shows_no_decisions(open_page, market_store, tmp_path):
    path = tmp_path / "quiet.duckdb"
    path.write_bytes(market_store.read_bytes())
    with Store.open(path) as store:
        for name in ("vetting_rounds", "budgets", "drops"):
            store.replace(name, store.read(name).clear())
        with store.run("test"):
            pass
    app = open_page(path, "studio")
    assert not app.exception
    assert not [each for each in app.subheader if "ound" in each.value or "Drops" in each.value]
