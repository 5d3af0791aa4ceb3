"""Nodes that hide logs of real blocks: always found out, repaired where anybody can prove."""

import asyncio
import json
import random
from collections import Counter

import aiohttp
import polars as pl
import pytest

from indexer.fetch import RpcSource
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.rpc import RpcClient
from indexer.selection import Selection
from indexer.verify import Verifier, VerifyingSource
from indexer.witness import SecondLook
from tests.faults import PrunedReplica, RpcError
from tests.integration.harness import digest_of, index, query, raisonne, windows, write_blocks
from tests.node import ReplayNode
from tests.paths import needs_mainnet
from tests.quick import quick_and_slow
from tests.recording import quantity

pytestmark = needs_mainnet

REAL_BLOCKS = (4_369_999, 18_500_000)  # recorded with their whole headers, as 1 and 18 million are
SELECTION = Selection(ChainContext(1), tuple(PROTOCOLS.values()))


class HidesLogs:
    """Answers queries for logs without those of some blocks: all of them, or of one filter only.

    `blocks` maps a block to the number of topics of the filter that loses it, None for every one.
    Receipts and headers are true. Counts the logs that it hid by block.
    """

    def __init__(self, blocks):
        self.blocks = blocks
        self.hidden = Counter()

    def __call__(self, method, params, result):
        if method != "eth_getLogs" or not result:
            return result
        kept = [log for log in result if not self.hides(log, params[0])]
        self.hidden.update(quantity(log["blockNumber"]) for log in result if log not in kept)
        return kept

    def hides(self, log, criteria):
        number = quantity(log["blockNumber"])
        if number not in self.blocks:
            return False
        n_topics = self.blocks[number]
        return n_topics is None or n_topics == len(criteria["topics"])


def random_hiding(rng, blocks):
    """Any part of the blocks, each hidden from all filters or from one."""
    chosen = rng.sample(blocks, rng.randint(1, len(blocks)))
    return HidesLogs({block: rng.choice([None, None, 3, 4]) for block in chosen})


def refuse_receipts(method, params, result):
    if method == "eth_getBlockReceipts":
        raise RpcError(-32_601, "the method eth_getBlockReceipts does not exist/is not available")
    return result


@pytest.fixture(scope="module")
def node(recordings):
    """Ethereum as it was recorded; faults are put on and taken off by the tests."""
    with ReplayNode(1, recording=recordings[1]) as served:
        yield served


@pytest.fixture(scope="module")
def second(recordings):
    """Another endpoint of the same chain, always honest."""
    with ReplayNode(1, recording=recordings[1]) as served:
        yield served


@pytest.fixture
def hiding(node):
    """Puts faults on the first node for one test."""
    yield node.faults
    node.faults.clear()


def fetch(nodes, ranges, mode):
    """Evidence of ranges as the first node gives it, verified with the help of all."""

    async def run():
        async with aiohttp.ClientSession() as session:
            first = RpcClient([nodes[0].url], session, first_pause_s=0.001)
            everyone = RpcClient([each.url for each in nodes], session, first_pause_s=0.001)
            head = nodes[0].chain.head
            verifier = Verifier(everyone, SecondLook(everyone, SELECTION), SELECTION, mode)
            source = VerifyingSource(RpcSource(first, SELECTION, head), verifier)
            return [piece for blocks in ranges for piece in await source.fetch(blocks)]

    return asyncio.run(run())


def logs_of(evidence):
    return pl.concat([piece.logs for piece in evidence]).sort("block_number", "log_index")


def verdicts_of(evidence):
    rows = pl.concat([piece.proof.verdicts for piece in evidence])
    return dict(rows.select("block_number", "verdict").iter_rows())


# -- blocks of which everything is known: receipts prove


def windows_of_known(node, blocks, around):
    """Windows around blocks, without those in which another block is known in part only."""
    known = [n for n in node.chain.block_numbers() if n not in node.chain.complete]
    return [
        (first, last)
        for first, last in windows(blocks, before=around, after=around)
        if not any(first <= n < last for n in known)
    ]


@pytest.fixture(scope="module")
def whole(node):
    """Windows around blocks of which every log is known, and their logs."""
    blocks = [*REAL_BLOCKS, *random.Random(1).sample(sorted(node.chain.complete), 12)]
    ranges = windows_of_known(node, blocks, 1)
    return ranges, logs_of(fetch([node], ranges, "off"))


def test_honest_node_is_proven_whole_by_real_blooms(node, whole):
    ranges, logs = whole
    evidence = fetch([node], ranges, "full")
    assert logs_of(evidence).equals(logs)
    assert set(verdicts_of(evidence).values()) == {"proven"}
    tested = pl.concat([piece.proof.verdicts for piece in evidence])
    reasked = tested.filter("is_reasked")["block_number"]
    # ERC-20 transfers set the bits of a token's transfer: only such blocks need their receipts.
    assert set(reasked) <= set(node.chain.block_numbers())
    assert tested.height > 2 * len(reasked)


@pytest.mark.parametrize("seed", range(2))
def test_hidden_logs_are_repaired_in_every_case(node, whole, hiding, seed):
    assert_repaired(node, *whole, hiding, seed)


@pytest.mark.slow
def test_hidden_logs_of_every_known_block_are_repaired_in_many_cases(node, hiding):
    ranges = windows_of_known(node, node.chain.complete, 3)
    logs = logs_of(fetch([node], ranges, "off"))
    for seed in range(40):
        assert_repaired(node, ranges, logs, hiding, seed)
        hiding.clear()


def assert_repaired(node, ranges, logs, hiding, seed):
    rng = random.Random(seed)
    liar = random_hiding(rng, sorted(set(logs["block_number"])))
    hiding.append(liar)
    evidence = fetch([node], ranges, "full")
    assert logs_of(evidence).equals(logs)
    verdicts = verdicts_of(evidence)
    assert liar.hidden.total() > 0
    assert {verdicts[block] for block in liar.hidden} == {"repaired"}
    assert set(verdicts.values()) == {"repaired", "proven"}


def test_node_that_answers_every_range_with_nothing_is_repaired(node, whole, hiding):
    ranges, logs = whole
    hiding.append(lambda method, _, result: [] if method == "eth_getLogs" else result)
    assert logs_of(fetch([node], ranges, "full")).equals(logs)


def test_without_verification_the_same_lie_loses_rows(node, whole, hiding):
    """The fault is real: what the tests above repair is lost when nobody looks."""
    ranges, logs = whole
    hiding.append(HidesLogs(dict.fromkeys(logs["block_number"])))
    assert logs_of(fetch([node], ranges, "off")).is_empty()


# -- blocks of which some logs may be unknown, so that there are no receipts


@pytest.fixture(scope="module")
def partial(node):
    """Windows around blocks of which some logs were recorded, and the logs of these windows."""
    known = [n for n in node.chain.block_numbers() if n not in node.chain.complete]
    ranges = windows(random.Random(5).sample(known, 24))
    return ranges, logs_of(fetch([node], ranges, "off"))


@pytest.mark.parametrize("seed", quick_and_slow([0], [1]))
def test_another_endpoint_repairs_what_receipts_cannot(node, second, partial, hiding, seed):
    ranges, logs = partial
    liar = random_hiding(random.Random(seed), sorted(set(logs["block_number"])))
    hiding.append(liar)
    evidence = fetch([node, second], ranges, "full")
    assert logs_of(evidence).equals(logs)
    assert {verdicts_of(evidence)[block] for block in liar.hidden} == {"repaired"}


def test_alone_and_without_receipts_every_hidden_block_is_listed(node, partial, hiding):
    ranges, logs = partial
    liar = random_hiding(random.Random(9), sorted(set(logs["block_number"])))
    hiding.extend([liar, refuse_receipts])
    verdicts = verdicts_of(fetch([node], ranges, "full"))
    assert liar.hidden.total() > 0
    assert {verdicts[block] for block in liar.hidden} == {"unproven"}


# -- the command


@pytest.fixture
def stores(tmp_path):
    return tmp_path / "calm.duckdb", tmp_path / "lied.duckdb"


def some_whole_blocks(node, count):
    return random.Random(3).sample(sorted(node.chain.complete), count)


def test_repaired_store_is_that_of_an_honest_node(node, stores, hiding):
    calm, lied = stores
    blocks = some_whole_blocks(node, 6)
    named = write_blocks(calm.parent / "blocks.txt", windows_of_known(node, blocks, 2))
    index(calm, node, named, "--verify", "off")
    hiding.append(HidesLogs(dict.fromkeys(blocks)))
    done = index(lied, node, named, "--verify", "full", "--json")
    assert digest_of(lied) == digest_of(calm)
    assert query(lied, "SELECT count(*) FROM transfers").item() > 10
    verified = json.loads(done.out)["verified"]
    assert verified["repaired"] == len(hiding[0].hidden) > 3
    audit = raisonne("audit", "--store", lied, "--strict", "--json", cwd=lied.parent)
    assert audit.code == 0, audit.err
    (certificate,) = json.loads(audit.out)["certificates"]
    assert certificate["blocks_repaired"] == verified["repaired"]
    assert certificate["blocks_tested"] == certificate["blocks_covered"]
    assert (certificate["gaps"], certificate["unproven"]) == (0, 0)
    hiding.clear()
    deep = raisonne(
        "audit", "--deep", "--rpc-url", node.url, "--store", lied, "--json", cwd=lied.parent
    )
    assert deep.code == 0, deep.err
    found = json.loads(deep.out)["deep"]
    assert found["roots_recomputed"] == found["blocks"] > 3
    assert (found["logs_missing"], found["logs_wrong"]) == (0, 0)


def test_real_headers_and_receipts_are_recomputed_down_to_the_block_hash(node, stores):
    store, _ = stores
    named = write_blocks(
        store.parent / "blocks.txt", [(n, n + 1) for n in (18_000_000, 18_500_000)]
    )
    index(store, node, named, "--verify", "full")
    deep = raisonne(
        "audit", "--deep", "--strict", "--rpc-url", node.url, "--store", store, "--json",
        cwd=store.parent,
    )  # fmt: skip
    assert deep.code == 0, deep.err
    found = json.loads(deep.out)["deep"]
    assert found["headers_recomputed"] == found["roots_recomputed"] == found["blocks"] == 2
    assert found["logs_checked"] > 20


def test_lie_that_nobody_can_repair_is_a_gap_and_exits_with_five(node, stores, hiding):
    calm, lied = stores
    blocks = some_whole_blocks(node, 4)
    named = write_blocks(calm.parent / "blocks.txt", windows_of_known(node, blocks, 1))
    index(calm, node, named, "--verify", "off")
    wanted = set(query(calm, "SELECT DISTINCT block_number FROM logs")["block_number"])

    def add_gas(method, params, result):
        if method != "eth_getBlockReceipts" or not result:
            return result
        return [{**row, "cumulativeGasUsed": hex(7)} for row in result]

    hiding.extend([HidesLogs(dict.fromkeys(blocks)), add_gas])
    done = raisonne(
        "index", "--rpc-url", node.url, "--blocks", named, "--store", lied, "--verify", "full",
        cwd=lied.parent,
    )  # fmt: skip
    assert done.code == 5
    assert "hold logs" in done.err
    audit = raisonne("audit", "--store", lied, "--json", cwd=lied.parent)
    assert audit.code == 5
    (certificate,) = json.loads(audit.out)["certificates"]
    gaps = {one["from_block"] for one in certificate["findings"] if one["verdict"] == "gap"}
    assert gaps == wanted & set(blocks)
    hiding.clear()
    index(lied, node, named, "--verify", "full")
    assert digest_of(lied) == digest_of(calm), "the gaps were asked for again"
    assert raisonne("audit", "--store", lied, cwd=lied.parent).code == 0


def test_pruned_node_beside_an_archive_costs_nothing(node, second, stores, hiding):
    calm, lied = stores
    numbers = node.chain.block_numbers()
    named = write_blocks(calm.parent / "blocks.txt", windows(numbers[200:600:20]))
    index(calm, node, named, "--verify", "off")
    hiding.append(PrunedReplica(turns=(True,), first_kept=numbers[-1] + 1))
    done = raisonne(
        "index", "--rpc-url", node.url, "--rpc-url", second.url, "--blocks", named,
        "--store", lied, "--verify", "full", "--strict", cwd=lied.parent,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert digest_of(lied) == digest_of(calm)


def test_pruned_node_alone_is_refused_if_strict(node, stores, hiding):
    _, lied = stores
    numbers = node.chain.block_numbers()
    named = write_blocks(lied.parent / "blocks.txt", windows(numbers[300:306]))
    hiding.append(PrunedReplica(turns=(True,), first_kept=numbers[-1] + 1))
    asked = "index", "--rpc-url", node.url, "--blocks", named, "--store", lied, "--verify", "full"
    done = raisonne(*asked, "--strict", cwd=lied.parent)
    assert done.code == 5
    assert "may hold logs" in done.err
    assert query(lied, "SELECT count(*) FROM completeness_findings").item() > 0
    assert raisonne("audit", "--store", lied, cwd=lied.parent).code == 0
    assert raisonne("audit", "--strict", "--store", lied, cwd=lied.parent).code == 5
