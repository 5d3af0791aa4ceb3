"""Whole index runs against a node: resume, chunking, reorgs, refusals."""

import random

import pytest

import indexer.ahead as ahead_module
import indexer.commit as commit_module
from data.errors import UpstreamError
from data.store import Store
from indexer.commit import write
from indexer.errors import WrongChainError
from indexer.run import IndexOptions, index
from tests.faults import RangeCap, ResultCap
from tests.faults import RpcError as FaultError
from tests.indexer.samples import (
    ALICE,
    BOB,
    OPENSEA,
    ZERO,
    block_hash,
    make_match,
    make_order,
    make_transfer,
)
from tests.node import ReplayNode
from tests.quick import quick_and_slow

CHAIN = 77
FIRST, LAST = 1_000, 1_060
HEAD_OF_ALL = 10_000


def block_logs(block, *, fork=0):
    """A transfer and a sale in a block, and in some a pair of matched orders."""
    nft = (2, "0x" + "c0" * 20, block, 1)
    place = {"block": block, "fork": fork}
    logs = [
        make_transfer(block, index=0, **place),
        make_order(ALICE, BOB, [nft], [(0, ZERO, 0, 90, ALICE), (0, ZERO, 0, 10, OPENSEA)],
                   order=block, index=1, **place),
    ]  # fmt: skip
    if block % 3 == 0:
        both = {**place, "tx": block * 100 + 1, "tx_index": 1}
        logs += [
            make_order(BOB, ALICE, [(1, OPENSEA, 0, 50)], [(*nft, BOB)], order=2, index=2, **both),
            make_order(ALICE, ALICE, [nft], [(1, OPENSEA, 0, 50, ALICE)], order=3, index=3, **both),
            make_match([2, 3], index=4, **both),
        ]
    return logs


def history(last=LAST, *, fork_from=None, fork=1):
    """Logs of every second block; from `fork_from` on they are those of another fork."""
    logs = []
    for block in range(FIRST, last + 1, 2):
        is_forked = fork_from is not None and block >= fork_from
        logs += block_logs(block, fork=fork if is_forked else 0)
    return logs


def header(number, fork=0, parent_fork=0):
    return {
        "number": hex(number),
        "hash": block_hash(number, fork),
        "parentHash": block_hash(number - 1, parent_fork),
        "timestamp": hex(1_700_000_000 + 12 * number),
    }


def serve(*, fork_from=HEAD_OF_ALL, fork=1, head=LAST + 6, last=LAST, final=FIRST, **options):
    """A node whose every block from FIRST - 8 to the head is known, and forked from `fork_from`."""
    headers = [
        header(n, fork if n >= fork_from else 0, fork if n > fork_from else 0)
        for n in range(FIRST - 8, head + 1)
    ]
    logs = history(last, fork_from=fork_from, fork=fork)
    node = ReplayNode(CHAIN, logs, headers, head=head, **options)
    node.tags["finalized"] = final
    return node


def run(store, node, *blocks, **options):
    options = {"max_range": 20, "blocks": blocks or (f"{FIRST - 5}:",), **options}
    return index(store, IndexOptions((node.url,), **options))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Digest of one straight run over the history."""
    path = tmp_path_factory.mktemp("straight") / "market.duckdb"
    with serve() as node, Store.open(path) as store:
        summary = run(store, node)
        assert summary.logs == len(history())
        assert summary.links["sales"] == 31 + 10
        assert store.query("SELECT count(*) FROM sales WHERE residual_wei <> 0").item() == 0
        return store.digest()


@pytest.mark.parametrize(
    ("max_range", "final"),
    quick_and_slow(
        [(1, LAST - 20), (7, FIRST), (7, LAST + 6), (1_000, LAST - 20)],
        [(1, FIRST), (1, LAST + 6), (7, LAST - 20), (1_000, FIRST), (1_000, LAST + 6)],
    ),
)
def test_neither_chunks_nor_finality_change_the_tables(store, undisturbed, max_range, final):
    with serve(final=final) as node:
        run(store, node, max_range=max_range)
    assert store.digest() == undisturbed
    asked = store.query("SELECT verified_by, min(from_block), max(to_block) FROM ranges GROUP BY 1")
    spans = {kind: (first, last) for kind, first, last in asked.rows()}
    assert spans["header"] == (FIRST - 5, final + 1)
    assert final == LAST + 6 or spans["hash"] == (final + 1, LAST + 7)


def test_ranges_in_any_order_end_in_the_same_tables(store, undisturbed):
    starts = [*range(FIRST - 5, LAST + 1, 9)]
    random.Random(3).shuffle(starts)
    with serve() as node:
        for start in starts:
            run(store, node, f"{start}:+9")
    assert store.digest() == undisturbed


def test_second_run_asks_for_no_logs_again(store):
    with serve() as node:
        run(store, node)
        asked = node.calls["eth_getLogs"]
        summary = run(store, node)
        assert node.calls["eth_getLogs"] == asked
    assert (summary.blocks, summary.logs) == (0, 0)


def test_other_selection_is_indexed_for_itself(store, undisturbed):
    with serve() as node:
        only = run(store, node, protocols=("seaport",))
        assert store.query("SELECT count(*) FROM transfers").item() == 0
        assert only.links["sales"] == 41
        run(store, node)
    assert store.digest() == undisturbed


def test_address_narrows_to_what_that_contract_emits(store):
    with serve() as node:
        summary = run(store, node, addresses=("0x" + "c0" * 20,))
    assert set(summary.links) > {"sales"}
    assert store.query("SELECT count(*) FROM transfers").item() == 31
    assert store.query("SELECT count(*) FROM sales").item() == 0


def commit_every_range(monkeypatch):
    monkeypatch.setattr(ahead_module, "_BATCH_LOGS", 0)
    monkeypatch.setattr(commit_module, "MOST_S", -1.0)


@pytest.mark.parametrize("crash_at", [1, 2, 3])
def test_crash_at_a_commit_loses_and_doubles_nothing(store, undisturbed, monkeypatch, crash_at):
    writes = iter(range(1, 100))

    def crashing(transaction, tables):
        counts = write(transaction, tables)
        if next(writes) == crash_at:
            raise KeyboardInterrupt
        return counts

    with serve() as node:
        commit_every_range(monkeypatch)
        monkeypatch.setattr(commit_module, "write", crashing)
        with pytest.raises(KeyboardInterrupt):
            run(store, node, concurrency=1)
        assert store.query("SELECT count(*) FROM ranges").item() == crash_at - 1
        monkeypatch.undo()
        run(store, node)
    assert store.digest() == undisturbed


def test_error_of_the_node_keeps_what_was_written_before_it(store, undisturbed):
    """Though one transaction takes many ranges."""
    whole = FIRST + 15

    def refuse(method, params, result):
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) > whole:
            raise FaultError(-32601, "no such method any more")
        return result

    with serve(final=LAST + 6) as node:
        node.faults.append(refuse)
        with pytest.raises(UpstreamError):
            run(store, node, concurrency=1, max_range=5)
        assert store.query("SELECT max(to_block) FROM ranges").item() > FIRST + 5
        node.faults.clear()
        run(store, node)
    assert store.digest() == undisturbed


def test_many_ranges_share_a_transaction(store, monkeypatch):
    """A reader sees them all at once."""
    seen = []

    def looking(transaction, tables):
        seen.append(store.query("SELECT count(*) FROM ranges").item())
        return write(transaction, tables)

    monkeypatch.setattr(ahead_module, "_BATCH_LOGS", 0)
    monkeypatch.setattr(commit_module, "write", looking)
    monkeypatch.setattr(commit_module, "FIRST_S", 60.0)
    monkeypatch.setattr(commit_module, "MOST_S", 60.0)
    with serve(final=LAST + 6) as node:
        run(store, node, max_range=5)
    assert len(seen) > 3
    assert set(seen) == {0}


def test_caps_of_the_node_change_nothing_but_the_pieces(store, undisturbed):
    with serve(final=LAST + 6, faults=[RangeCap(6), ResultCap(7)]) as node:
        run(store, node)
    assert store.digest() == undisturbed
    assert store.query("SELECT max(to_block - from_block) FROM ranges").item() <= 6


# -- reorgs


def test_reorg_while_stopped_is_rolled_back_to_the_common_block(tmp_path, store):
    """With blocks that are final, and a sample verified; of other kinds see test_reorg."""
    fork_from = LAST - 9
    with serve() as node:
        run(store, node)
    with serve(fork_from=fork_from) as node:
        summary = run(store, node)
        with Store.open(tmp_path / "straight.duckdb") as straight:
            run(straight, node)
            expected = straight.digest()
    assert len(summary.rolled_back_from) == 1
    assert summary.rolled_back_from[0] <= fork_from
    assert store.digest() == expected
    hashes = store.query("SELECT count(*), count(DISTINCT block_number) FROM blocks").row(0)
    assert hashes[0] == hashes[1], "no block is stored twice"


def test_chain_that_only_grew_is_not_rolled_back(store):
    with serve(head=LAST) as node:
        run(store, node)
    with serve(last=LAST + 40, head=LAST + 40) as node:
        summary = run(store, node)
    assert summary.rolled_back_from == []
    assert store.query("SELECT max(block_number) FROM transfers").item() == LAST + 40


def test_reorg_between_two_ranges_of_one_run_is_found_by_the_parent_hash(store, monkeypatch):
    commits = []
    with serve(final=LAST) as old, serve(fork_from=LAST - 15, final=LAST) as new:

        def switching(transaction, tables):
            if len(commits) == 5:
                old.server.methods.chain = new.server.methods.chain
            commits.append(tables)
            return write(transaction, tables)

        commit_every_range(monkeypatch)
        monkeypatch.setattr(commit_module, "write", switching)
        # Ranges that were fetched before the switch, and one after it, do not fit together.
        monkeypatch.setattr(ahead_module, "_MOST_WAITING", 1)
        summary = run(store, old, concurrency=1, max_range=10)
        hashes = set(store.query("SELECT block_hash FROM logs")["block_hash"])
    assert hashes == {log["blockHash"] for log in history(fork_from=LAST - 15)}
    assert len(summary.rolled_back_from) == 1


# -- refusals


def test_wrong_chain_is_refused_before_anything_is_written(store):
    refused = pytest.raises(WrongChainError, match=r"serves chain 77.*--chain is ethereum")
    with serve() as node, refused as error:
        run(store, node, chain="ethereum")
    assert error.value.exit_code == 4
    assert store.query("SELECT count(*) FROM ranges").item() == 0
    with serve() as node:
        assert run(store, node, "1000:1001", chain="77").blocks == 1


def test_endpoints_of_different_chains_are_refused(store):
    with serve() as node, ReplayNode(78, history()) as other:
        options = IndexOptions((node.url, other.url), blocks=("1000:1001",))
        with pytest.raises(WrongChainError, match=r"serves chain 78.*another serves 77"):
            index(store, options)


def test_endpoint_that_is_down_is_left_out_and_all_down_is_an_error(store):
    dead = "http://127.0.0.1:9"
    with serve() as node:
        assert index(store, IndexOptions((dead, node.url), blocks=("1000:1001",))).blocks == 1
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9 did not answer"):
        index(store, IndexOptions((dead,)))


@pytest.mark.parametrize("verify", ["off", "full"])
def test_quick_endpoint_without_the_blocks_leaves_them_to_a_slow_one(store, tmp_path, verify):
    """A replica far behind, or one that dropped its history, gives null for them."""

    def has_no_block(method, params, result):
        is_block = method == "eth_getBlockByNumber" and params[0].startswith("0x")
        return None if is_block else result

    options = {"blocks": (f"{FIRST}:{LAST + 1}",), "verify": verify}
    with serve(delay_s=0.02) as slow, serve(faults=[has_no_block]) as quick:
        index(store, IndexOptions((quick.url, slow.url), **options))
        with Store.open(tmp_path / "alone.duckdb") as alone:
            index(alone, IndexOptions((slow.url,), **options))
            assert store.digest() == alone.digest()
        with (
            Store.open(tmp_path / "none.duckdb") as none,
            pytest.raises(UpstreamError, match="behind the tip"),
        ):
            index(none, IndexOptions((quick.url,), **options))


def test_block_that_is_too_much_by_itself_is_named(store):
    refused = pytest.raises(UpstreamError, match="block 1000 alone is too much")
    with serve(faults=[ResultCap(0)]) as node, refused:
        run(store, node, "1000:1001")
    assert store.query("SELECT count(*) FROM logs").item() == 0
