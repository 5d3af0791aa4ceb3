"""What `raisonne status` tells: lag, gaps, quarantine, balance."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from data.store import Store
from indexer.plan import ask_head
from indexer.status import Head, read_status, status_lines
from tests.indexer.samples import make_transfer
from tests.indexer.test_cli import call  # noqa: F401 - a fixture
from tests.indexer.test_run import CHAIN, FIRST, LAST, run, serve
from tests.node import ReplayNode

TIP_TIME = datetime.fromtimestamp(1_700_000_000 + 12 * (FIRST + 29), UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two ranges with a gap of ten blocks between them, and a third of another selection."""
    path = tmp_path_factory.mktemp("status") / "market.duckdb"
    with serve() as node, Store.open(path) as opened:
        run(opened, node, f"{FIRST}:{FIRST + 10}")
        run(opened, node, f"{FIRST + 20}:{FIRST + 30}")
        run(opened, node, f"{FIRST + 2}:{FIRST + 5}", protocols=("erc721",))
        yield opened


def only_chain(status):
    (chain,) = status["chains"]
    return chain


def test_gaps_lie_between_the_ranges(store):
    chain = only_chain(read_status(store))
    assert chain["ranges"] == [f"{FIRST}:{FIRST + 10}", f"{FIRST + 20}:{FIRST + 30}"]
    assert chain["gaps"] == [f"{FIRST + 10}:{FIRST + 20}"]
    assert chain["blocks"] == 20


def test_each_selection_has_its_own_ranges(store):
    selections = only_chain(read_status(store))["selections"]
    assert sorted(each["blocks"] for each in selections) == [3, 20]
    small = next(each for each in selections if each["blocks"] == 3)
    assert (small["ranges"], small["gaps"]) == ([f"{FIRST + 2}:{FIRST + 5}"], [])


def test_lag_is_counted_from_the_head_that_was_asked(store):
    head = Head(CHAIN, FIRST + 36, TIP_TIME + timedelta(seconds=84))
    chain = only_chain(read_status(store, head=head))
    assert (chain["head"], chain["head_from"]) == (FIRST + 36, "endpoint")
    assert (chain["behind"], chain["lag_s"]) == (7, 84.0)


def test_without_an_endpoint_the_head_is_of_the_last_run_and_seconds_are_unknown(store):
    chain = only_chain(read_status(store, head=Head(5, 10**9, TIP_TIME)))
    assert (chain["head"], chain["head_from"]) == (LAST + 6, "last run")
    assert (chain["behind"], chain["lag_s"], chain["age_s"]) == (
        LAST + 6 + 1 - FIRST - 30,
        None,
        None,
    )


def test_age_is_the_time_since_the_newest_block(store):
    chain = only_chain(read_status(store, now=TIP_TIME + timedelta(days=2, hours=3)))
    assert chain["age_s"] == 2 * 86_400 + 3 * 3_600
    assert only_chain(read_status(store, now=TIP_TIME - timedelta(days=1)))["age_s"] == 0


def test_head_of_a_node_is_asked_without_its_logs():
    with serve() as node:
        head = ask_head([node.url])
        assert node.calls["eth_getLogs"] == 0
    seconds = 1_700_000_000 + 12 * (LAST + 6)
    assert head == Head(CHAIN, LAST + 6, datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))


def test_lines_tell_lag_gaps_and_age(store):
    head = Head(CHAIN, FIRST + 36, TIP_TIME + timedelta(seconds=84))
    now = TIP_TIME + timedelta(days=2, hours=3)
    lines = "\n".join(status_lines(read_status(store, head=head, now=now, with_digest=True)))
    assert "7 blocks and 1 min 24 s behind head" in lines
    assert f"not indexed in between: {FIRST + 10}:{FIRST + 20}" in lines
    assert "2 d 3 h ago" in lines
    assert "0.0% without a known residual" in lines
    assert f"{store.digest()['transfers']}  transfers" in lines


def test_one_selection_without_gaps_has_no_lines_about_them(tmp_path):
    with serve() as node, Store.open(tmp_path / "s.duckdb") as opened:
        run(opened, node, f"{FIRST}:{FIRST + 10}")
        lines = "\n".join(status_lines(read_status(opened)))
    assert "in between" not in lines
    assert "selection" not in lines


def test_empty_store_says_how_to_fill_it(tmp_path):
    with Store.open(tmp_path / "s.duckdb") as opened:
        status = read_status(opened)
    assert status["chains"] == []
    assert list(status_lines(status)) == ["the store is empty; fill it with: raisonne index"]


def test_unknown_residuals_and_quarantine_are_counted(tmp_path):
    odd = make_transfer(1, block=FIRST)
    odd["topics"][1] = "0x" + "ff" * 32
    with ReplayNode(CHAIN, [odd]) as node, Store.open(tmp_path / "s.duckdb") as opened:
        run(opened, node, f"{FIRST}:{FIRST + 1}")
        with opened.transaction() as transaction:
            transaction.execute(
                "INSERT INTO sales (chain_id, protocol, residual_wei) VALUES"
                " (77, 'a', NULL), (77, 'a', 0), (77, 'a', 0), (77, 'a', 5), (77, 'b', 0)"
            )
        status = read_status(opened)
    shares = [(row["protocol"], row["n"], row["residual_nonzero"], row["residual_null_share"])
              for row in status["sales"]]  # fmt: skip
    assert shares == [("a", 4, 1, 0.25), ("b", 1, 0, 0.0)]
    assert status["quarantine"] == [
        {"protocol": "erc721", "event": "Transfer", "reason": "from: not a clean address",
         "rows": 1}
    ]  # fmt: skip


def test_command_asks_the_node_only_where_one_is_named(call, monkeypatch):  # noqa: F811
    with serve() as node:
        call("index", "--rpc-url", node.url, "--blocks", f"{FIRST}:{FIRST + 10}")
        before = node.calls.total()
        monkeypatch.setenv("ETH_RPC_URL", node.url)
        code, out, _ = call("status", "--json")
        assert (code, node.calls.total()) == (0, before)
        assert json.loads(out)["chains"][0]["lag_s"] is None
        code, out, _ = call("status", "--rpc-url", node.url, "--digest", "--json")
    status = json.loads(out)
    assert (code, status["chains"][0]["lag_s"]) == (0, 12.0 * (LAST + 6 - FIRST - 9))
    assert len(status["digest"]["sales"]) == 64
