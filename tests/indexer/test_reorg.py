"""Reorganisations of every kind: the tables end as those of a run on the last chain alone."""

import json
from pathlib import Path

import pytest

from data.store import Store
from indexer.errors import DeepReorgError
from indexer.fetch import WINDOW
from indexer.link import rebuild_links
from indexer.run import IndexOptions, index
from tests.faults import ChainChange, MissingHeight, RpcError
from tests.forks import fork
from tests.indexer.samples import ALICE, BOB, OPENSEA, ZERO, make_match, make_order, make_transfer
from tests.node import ReplayNode
from tests.quick import quick_and_slow
from tests.recording import Recording
from tests.replay import ReplayChain

CHAIN = 77
FIRST, HEAD = 1_000, 1_300
DEPTH = 30  # blocks that can change on a chain without a rule of its own


def block_logs(block):
    """A transfer, a sale and a pair of matched orders; every token occurs in several blocks."""
    nft = (2, "0x" + "c0" * 20, block % 50, 1)
    pair = {"block": block, "tx": block * 100 + 1, "tx_index": 1}
    return [
        make_transfer(block % 50, block=block, index=0),
        make_order(ALICE, BOB, [nft], [(0, ZERO, 0, 90, ALICE), (0, ZERO, 0, 10, OPENSEA)],
                   order=block, block=block, index=1),
        make_order(BOB, ALICE, [(1, OPENSEA, 0, 50)], [(*nft, BOB)], order=2, index=2, **pair),
        make_order(ALICE, ALICE, [nft], [(1, OPENSEA, 0, 50, ALICE)], order=3, index=3, **pair),
        make_match([2, 3], index=4, **pair),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def origin():
    """A chain with logs in every fifth block, and in each of the last ten."""
    blocks = sorted({*range(FIRST, HEAD, 5), *range(HEAD - 9, HEAD + 1)})
    logs = [log for block in blocks for log in block_logs(block)]
    return ReplayChain(Recording(CHAIN, logs, []), head=HEAD)


def serve(chain, **options):
    node = ReplayNode(CHAIN, **options)
    node.server.methods.chain = chain
    node.tags["finalized"] = node.tags["safe"] = None
    return node


def run(store, node, **options):
    options = {"blocks": (f"{FIRST}:",), "verify": "off", **options}
    return index(store, IndexOptions((node.url,), **options))


def undisturbed(chain, folder: Path):
    """Digests of a store that only ever saw this state of the chain."""
    with serve(chain) as node, Store.open(folder / "undisturbed.duckdb") as store:
        run(store, node)
        return store.digest()


def assert_links_fit(store):
    """The link tables are what a rebuild makes of the facts."""
    before = store.digest()
    rebuild_links(store)
    assert store.digest() == before


@pytest.mark.parametrize(
    ("depth", "logs"),
    quick_and_slow([(1, "dropped"), (DEPTH + 1, "dropped"), (WINDOW, "moved")], [(7, "moved")]),
)
def test_reorg_while_stopped_ends_in_the_tables_of_the_new_chain(
    tmp_path, store, origin, depth, logs
):
    forked = fork(origin, HEAD + 1 - depth, logs=logs)
    with serve(origin) as node:
        run(store, node)
        node.chain = forked
        summary = run(store, node)
    assert summary.rolled_back_from == [HEAD + 1 - depth]
    assert store.digest() == undisturbed(forked, tmp_path)
    numbers = store.query("SELECT count(*), count(DISTINCT block_number) FROM blocks").row(0)
    assert numbers[0] == numbers[1], "no block is stored twice"


def test_reorg_deeper_than_the_window_changes_nothing_and_says_what_to_run(store, origin):
    with serve(origin) as node:
        run(store, node)
        before = store.digest()
        node.chain = fork(origin, HEAD - WINDOW)
        with pytest.raises(DeepReorgError) as refused:
            run(store, node)
    assert refused.value.exit_code == 5
    assert "raisonne index --store" in str(refused.value)
    assert "market-new.duckdb" in str(refused.value)
    assert store.digest() == before


def test_second_reorg_as_deep_as_the_window_is_survived_too(tmp_path, store, origin):
    once = fork(origin, HEAD + 1 - WINDOW)
    twice = fork(once, HEAD + 1 - WINDOW, salt=2, logs="moved")
    with serve(origin) as node:
        run(store, node)
        for chain in (once, twice):
            node.chain = chain
            assert len(run(store, node).rolled_back_from) == 1
    assert store.digest() == undisturbed(twice, tmp_path)


def test_reorg_to_a_shorter_chain_leaves_nothing_of_the_longer(tmp_path, store, origin):
    shorter = fork(origin, HEAD - 6, logs="moved", head=HEAD - 3)
    with serve(origin) as node:
        run(store, node)
        node.chain = shorter
        summary = run(store, node)
    assert summary.rolled_back_from == [HEAD - 6]
    assert store.query("SELECT max(block_number) FROM logs").item() <= HEAD - 3
    assert store.digest() == undisturbed(shorter, tmp_path)


def test_transaction_mined_again_elsewhere_is_there_once_and_in_its_new_place(store, origin):
    with serve(origin) as node:
        run(store, node)
        node.chain = fork(origin, HEAD - 4, logs="moved", blocks_later=2)
        run(store, node)
        moved = "SELECT tx_hash, count(DISTINCT block_number) n FROM logs GROUP BY 1 HAVING n > 1"
        assert store.query(moved).is_empty()
        first = make_transfer(0, block=HEAD - 4)["transactionHash"]
        place = "SELECT DISTINCT block_number FROM transfers WHERE tx_hash = ?"
        assert store.query(place, [first]).rows() == [(HEAD - 2,)]


@pytest.mark.parametrize(
    ("after", "depth"),
    quick_and_slow([(4, 2), (10, DEPTH + 5)], [(1, 9), (7, DEPTH + 5)]),
)
def test_reorg_in_flight_mixes_no_forks(tmp_path, store, origin, after, depth):
    forked = fork(origin, HEAD + 1 - depth, logs="moved")
    change = ChainChange(states=[(after, forked)])
    with serve(origin, faults=[change]) as node:
        run(store, node, max_range=40, concurrency=2)
    assert change.fired == 1
    assert store.digest() == undisturbed(forked, tmp_path)


def test_two_reorgs_in_flight(tmp_path, store, origin):
    once = fork(origin, HEAD - 8, logs="moved")
    twice = fork(once, HEAD - 5, salt=2, logs="dropped")
    change = ChainChange(states=[(5, once), (9, twice)])
    with serve(origin, faults=[change]) as node:
        run(store, node)
    assert change.fired == 2
    assert store.digest() == undisturbed(twice, tmp_path)


def test_links_are_rolled_back_with_the_facts(store, origin, monkeypatch):
    """Also when the run ends right after the rollback, as in a crash."""
    with serve(origin) as node:
        run(store, node)
        node.chain = fork(origin, HEAD - 20, logs="dropped")
        monkeypatch.setattr("indexer.job.Job.work", _crash)
        with pytest.raises(KeyboardInterrupt):
            run(store, node)
    assert store.query("SELECT max(block_number) FROM sales").item() < HEAD - 20
    assert_links_fit(store)


async def _crash(*_args, **_options):
    raise KeyboardInterrupt


def test_reorg_takes_the_rows_of_every_selection(tmp_path, store, origin):
    forked = fork(origin, HEAD - 9, logs="moved")
    with serve(origin) as node:
        run(store, node)
        run(store, node, protocols=("seaport",))
        node.chain = forked
        run(store, node, protocols=("seaport",))
        assert store.query("SELECT max(block_number) FROM transfers").item() < HEAD - 9
        run(store, node)
    assert store.digest() == undisturbed(forked, tmp_path)


# -- a node that is behind is no reorg


@pytest.mark.parametrize("behind", [40, WINDOW + 20])
def test_node_that_lags_proves_no_reorg(store, origin, behind):
    with serve(origin) as node:
        run(store, node)
        before = store.digest()
        node.chain = _cut(origin, HEAD - behind)
        summary = run(store, node)
    assert summary.rolled_back_from == []
    assert store.digest() == before


def test_chain_that_started_anew_is_refused_though_its_head_is_far_below(store, origin):
    with serve(origin) as node:
        run(store, node)
        before = store.digest()
        node.chain = fork(origin, FIRST - 5, head=FIRST + 10)
        with pytest.raises(DeepReorgError, match="another chain"):
            run(store, node)
    assert store.digest() == before


def _cut(chain, head):
    shorter = fork(chain, chain.head + 1)
    shorter.head = head
    return shorter


# -- the settle audit


def ranges_by(store):
    rows = store.query("SELECT verified_by, count(*) FROM ranges GROUP BY 1").rows()
    return dict(rows)


def test_logs_that_were_missing_after_a_reorg_are_found_when_the_block_is_final(
    tmp_path, store, origin
):
    hidden = {HEAD - 9, HEAD - 4}
    with serve(_cut(origin, HEAD - 1)) as node:
        node.faults.append(MissingHeight(heights=frozenset(hidden)))
        run(store, node)
        assert store.query(f"SELECT * FROM logs WHERE block_number = {HEAD - 4}").is_empty()
        node.faults.clear()
        node.server.methods.chain = origin
        node.tags["finalized"] = HEAD
        summary = run(store, node)
    assert set(summary.repaired_blocks) == hidden
    assert store.digest() == undisturbed(origin, tmp_path)
    assert_links_fit(store)


def test_blocks_are_read_again_once_and_only_when_final(store, origin):
    with serve(origin) as node:
        run(store, node)
        assert ranges_by(store)["hash"] == 2  # blocks HEAD - 29 to HEAD, in pieces of 16
        asked = node.calls["eth_getLogs"]
        run(store, node)
        assert node.calls["eth_getLogs"] == asked
        node.tags["finalized"] = HEAD
        before = store.digest()
        summary = run(store, node)
        assert summary.repaired_blocks == []
        assert "hash" not in ranges_by(store)
        assert node.calls["eth_getLogs"] > asked
        asked = node.calls["eth_getLogs"]
        run(store, node)
        assert node.calls["eth_getLogs"] == asked
    assert store.digest() == before


def test_second_answer_that_lacks_logs_is_not_believed_alone(store, origin):
    with serve(origin) as node:
        run(store, node)
        before = store.digest()
        node.faults.append(_HiddenFromRanges(HEAD - 4))
        node.tags["finalized"] = HEAD
        run(store, node)
        assert store.digest() == before
        assert ranges_by(store)["hash"] == 2
        node.faults.clear()
        run(store, node)
        assert "hash" not in ranges_by(store)
    assert store.digest() == before


def test_log_that_two_later_answers_lack_is_taken_out(tmp_path, store, origin):
    """It was never in the block: a node told it while reorganising."""
    with serve(origin) as node:
        node.faults.append(_Invented(HEAD - 4))
        run(store, node)
        wrong = store.digest()
        node.faults.clear()
        node.tags["finalized"] = HEAD
        summary = run(store, node)
    assert summary.repaired_blocks == [HEAD - 4]
    assert store.digest() != wrong
    assert store.digest() == undisturbed(origin, tmp_path)


def test_repair_leaves_other_selections_to_ask_again(tmp_path, store, origin):
    with serve(origin) as node:
        node.faults.append(MissingHeight(heights=frozenset({HEAD - 4})))
        run(store, node)
        run(store, node, protocols=("seaport",))
        node.faults.clear()
        node.tags["finalized"] = HEAD
        run(store, node, protocols=("seaport",))
        assert store.query(
            f"SELECT count(*) FROM transfers WHERE block_number = {HEAD - 4}"
        ).item() == 0  # fmt: skip
        run(store, node)
    assert store.digest() == undisturbed(origin, tmp_path)


def test_second_reading_without_an_answer_costs_nothing_but_the_reading(store, origin):
    def refuse_ranges(method, params, result):
        if method == "eth_getLogs" and "blockHash" not in params[0]:
            raise RpcError(-32601, "this node serves no ranges")
        return result

    with serve(origin) as node:
        run(store, node)
        before = store.digest()
        node.faults.append(refuse_ranges)
        node.tags["finalized"] = HEAD
        assert run(store, node).repaired_blocks == []
        assert ranges_by(store)["hash"] == 2
    assert store.digest() == before


class _HiddenFromRanges:
    """Leaves the logs of a block out of answers to ranges, not out of those by hash."""

    def __init__(self, block):
        self.block = hex(block)

    def __call__(self, method, params, result):
        if method == "eth_getLogs" and "blockHash" not in params[0]:
            return [log for log in result if log["blockNumber"] != self.block]
        return result


class _Invented:
    """Adds a copy of the first log of an answer, under a log index that its block does not have."""

    def __init__(self, block):
        self.block = hex(block)

    def __call__(self, method, params, result):
        if method != "eth_getLogs":
            return result
        own = [log for log in result if log["blockNumber"] == self.block]
        if not own:
            return result
        copy = json.loads(json.dumps(own[0]))
        return [*result, {**copy, "logIndex": hex(90 + len(copy["topics"]))}]


# -- retention


def test_headers_far_below_the_head_are_dropped_unless_something_needs_them(store, origin):
    chain = _cut(origin, HEAD)
    with serve(chain) as node:
        run(store, node, blocks=(f"{FIRST}:{FIRST + 1}", f"{HEAD - 10}:"))
        grown = fork(origin, HEAD + 1, head=HEAD + 2 * WINDOW)
        node.chain = grown
        node.tags["finalized"] = HEAD + 2 * WINDOW
        run(store, node, blocks=(f"{FIRST}:{FIRST + 1}", f"{HEAD - 10}:"), max_range=64)
    kept = set(store.query("SELECT block_number FROM blocks")["block_number"])
    window = set(range(HEAD + WINDOW + 1, HEAD + 2 * WINDOW + 1))
    assert kept >= window
    with_logs = set(store.query("SELECT block_number FROM logs")["block_number"])
    ends = set(store.query("SELECT to_block - 1 AS last FROM ranges")["last"])
    assert {n for n in kept if n <= HEAD} == {n for n in with_logs | ends if n <= HEAD}
