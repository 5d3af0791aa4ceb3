"""Verification of single ranges: what is proven, re-asked, repaired, left open."""

import asyncio
import random

import aiohttp
import polars as pl
import pytest

from data.errors import UpstreamError, UsageError
from indexer.errors import GapError
from indexer.fetch import RpcSource
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.roots import EMPTY_ROOT
from indexer.rpc import RpcClient
from indexer.selection import Selection
from indexer.verify import Tally, Verifier, VerifyingSource, parse_mode, require_complete
from indexer.witness import SecondLook, matches
from tests.faults import (
    EmptyAnswer,
    MissingBlockFields,
    MissingHeight,
    NullHeader,
    PrunedReplica,
    SilentCut,
    StaleBloom,
    WrongBloom,
    ZeroBloom,
)
from tests.faults import RpcError as NodeError
from tests.faults.answers import EMPTY_BLOOM
from tests.indexer.samples import ALICE, BOB, TRANSFER_SINGLE, frame_of, make_log, make_transfer
from tests.node import ReplayNode

CHAIN = 77
START, END, HEAD = 1_000, 1_040, 5_000
BLOCKS = (1_003, 1_004, 1_011, 1_012, 1_025, 1_039)
ERC20_TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
# Same topic0 as a token's transfer: blooms cannot tell them apart.
NOISE = [make_log(ERC20_TRANSFER, ALICE, BOB, 5, block=block) for block in (1_007, 1_030)]
LOGS = [
    *NOISE,
    *(make_transfer(block, block=block) for block in BLOCKS),
    *(make_transfer(7, block=block, index=1, tx=9_000_000 + block, tx_index=1) for block in BLOCKS),
    make_log(TRANSFER_SINGLE, ALICE, ALICE, BOB, 1, 1, block=1_020),
]
WANTED = sorted({*BLOCKS, 1_020})
SELECTION = Selection(ChainContext(CHAIN), tuple(PROTOCOLS.values()))


def node(*faults, **options):
    return ReplayNode(CHAIN, LOGS, head=HEAD, is_whole=True, faults=faults, **options)


def in_one_piece(client, selection=SELECTION):
    """A source that asks for each range as a whole, as it does once it knows its endpoint."""
    for endpoint in client.pool.endpoints:
        endpoint.width_of(selection.digest).width = 10_000
    return RpcSource(client, selection, HEAD)


def verified(*nodes, mode="full", start=START, end=END, seed=0, selection=SELECTION):
    """Evidence of one range, fetched from the first node and verified with all of them."""

    async def run():
        async with aiohttp.ClientSession() as session:
            first = RpcClient([nodes[0].url], session, first_pause_s=0.001)
            everyone = RpcClient([each.url for each in nodes], session, first_pause_s=0.001)
            second_look = SecondLook(everyone, selection)
            source = VerifyingSource(
                in_one_piece(first, selection),
                Verifier(everyone, second_look, selection, mode, seed),
                attempts=3,
                first_pause_s=0.001,
            )
            (evidence,) = await source.fetch((start, end))
            return evidence

    return asyncio.run(run())


def verdicts(evidence):
    return dict(evidence.proof.verdicts.select("block_number", "verdict").iter_rows())


def blocks_of(evidence):
    return evidence.logs["block_number"].unique().sort().to_list()


@pytest.fixture(scope="module")
def honest():
    with node() as served:
        return verified(served, mode="off")


def test_off_asks_for_nothing_more(honest):
    with node() as served:
        verified(served, mode="off")
        assert served.calls["eth_getBlockByNumber"] == 1
    assert honest.proof.mode == "off"
    assert honest.proof.verdicts.is_empty()
    assert blocks_of(honest) == WANTED


def test_full_proves_every_silent_block_of_an_honest_node(honest):
    with node() as served:
        evidence = verified(served)
        assert served.calls["eth_getBlockReceipts"] == 2
    assert evidence.logs.equals(honest.logs)
    assert evidence.proof.mode == "full"
    found = verdicts(evidence)
    # No block has logs of every filter, so all are silent for one.
    assert sorted(found) == list(range(START, END))
    assert set(found.values()) == {"proven"}
    reasked = evidence.proof.verdicts.filter("is_reasked")["block_number"]
    assert reasked.to_list() == [1_007, 1_030], "blooms with a foreign Transfer"
    assert evidence.n_requests == honest.n_requests + (END - START - 1) + 2


@pytest.mark.parametrize("seed", range(12))
def test_hidden_logs_are_brought_back_from_receipts(honest, seed):
    hidden = frozenset(random.Random(seed).sample(WANTED, seed % len(WANTED) + 1))
    with node(MissingHeight(heights=hidden)) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)
    found = verdicts(evidence)
    assert {block for block, verdict in found.items() if verdict == "repaired"} == hidden
    assert hidden <= set(evidence.blocks["block_number"]), "their headers are kept"


def test_one_filter_that_is_answered_with_nothing_is_found_out(honest):
    """The other filters answer, so that most blocks are not silent as a whole."""

    class OneFilter(EmptyAnswer):
        def __call__(self, method, params, result):
            is_it = method == "eth_getLogs" and len(params[0]["topics"]) == 4
            return super().__call__(method, params, result) if is_it else result

    with node(OneFilter()) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)


def test_answer_cut_short_is_completed_even_within_its_last_block(honest):
    """The block at the cut keeps some of its logs, so no bloom can tell; the other lies do."""
    with node(SilentCut(max_logs=5)) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)
    assert verdicts(evidence)[BLOCKS[2]] == "repaired"


def test_another_endpoint_decides_where_there_is_one(honest):
    with node(EmptyAnswer()) as liar, node() as other:
        evidence = verified(liar, other)
        assert other.calls["eth_getBlockReceipts"] == liar.calls["eth_getBlockReceipts"] == 0
    assert evidence.logs.equals(honest.logs)
    found = verdicts(evidence)
    assert {block for block, verdict in found.items() if verdict == "repaired"} == set(WANTED)
    assert {found[1_007], found[1_030]} == {"agreed"}


def test_receipts_decide_where_the_other_endpoint_is_down(honest):
    with node(EmptyAnswer()) as liar, node() as other:
        other.faults.append(fail)
        evidence = verified(liar, other)
    assert evidence.logs.equals(honest.logs)
    assert "agreed" not in verdicts(evidence).values()


def fail(method, params, result):
    from tests.faults import RpcError

    raise RpcError(-32_000, "internal error of this node")


def test_pruned_node_alone_leaves_its_old_blocks_unproven(honest):
    with node(PrunedReplica(turns=(True,), first_kept=1_020)) as pruned:
        evidence = verified(pruned)
    assert blocks_of(evidence) == [1_020, 1_025, 1_039]
    found = verdicts(evidence)
    unproven = [block for block, verdict in found.items() if verdict == "unproven"]
    assert unproven == [1_003, 1_004, 1_007, 1_011, 1_012]
    assert not evidence.proof.verdicts.filter(pl.col("verdict") == "gap").height


def test_pruned_node_beside_another_is_completed(honest):
    with node(PrunedReplica(turns=(True,), first_kept=1_020)) as pruned, node() as archive:
        evidence = verified(pruned, archive)
    assert evidence.logs.equals(honest.logs)


def test_node_that_hides_logs_from_ranges_alone_is_found_out_without_receipts(honest):
    class RangesOnly(EmptyAnswer):
        def __call__(self, method, params, result):
            by_hash = method == "eth_getLogs" and "blockHash" in params[0]
            return result if by_hash else super().__call__(method, params, result)

    no_receipts = lambda m, p, r: fail(m, p, r) if m == "eth_getBlockReceipts" else r  # noqa: E731
    with node(RangesOnly(), no_receipts) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)


# -- blooms that lie


@pytest.mark.parametrize("lie", [ZeroBloom, StaleBloom, WrongBloom])
def test_hidden_logs_are_found_whatever_the_bloom_says(honest, lie):
    for hidden in (frozenset(WANTED), frozenset(WANTED[::2])):
        with node(lie(), MissingHeight(heights=hidden)) as served:
            evidence = verified(served)
        assert evidence.logs.equals(honest.logs), hidden


@pytest.mark.parametrize("lie", [ZeroBloom, StaleBloom, WrongBloom])
def test_nothing_is_proven_by_a_bloom_that_lies(lie):
    no_receipts = lambda m, p, r: fail(m, p, r) if m == "eth_getBlockReceipts" else r  # noqa: E731
    with node(lie(), no_receipts) as served:
        evidence = verified(served)
    found = verdicts(evidence)
    with_receipts = {int(log["blockNumber"], 16) for log in LOGS}
    assert {found[block] for block in with_receipts} == {"unproven"}
    # The receipts root of nothing leaves no room for logs, whatever the bloom says.
    assert {verdict for block, verdict in found.items() if block not in with_receipts} == {"proven"}


def test_nothing_is_proven_by_a_receipts_root_that_is_always_the_empty_one(honest):
    """So it is on chains that do not have receipts tries and name a constant (inferred)."""

    def constant(method, params, result):
        is_block = method == "eth_getBlockByNumber"
        return {**result, "receiptsRoot": EMPTY_ROOT} if is_block else result

    with node(constant, MissingHeight(heights=frozenset({1_011}))) as served:
        alone = verified(served)
        assert set(verdicts(alone).values()) == {"unproven"}
        with node() as other:
            together = verified(served, other)
    assert alone.logs.equals(honest.logs), "what the receipts show is taken all the same"
    assert together.logs.equals(honest.logs)


def test_filter_answered_with_nothing_is_found_out_though_another_one_brings_a_log_of_its_own():
    """On Ethereum one filter names contracts whose transfers another filter asks for as well."""
    selection = Selection(ChainContext(1), tuple(PROTOCOLS.values()))
    (named,) = [each["address"] for each in selection.log_filters if "address" in each]
    logs = [make_transfer(place, block=1_010, index=place) for place in range(2)]
    logs.append(make_transfer(2, block=1_010, index=2, address=named[0]))
    matched = [frame_of(logs).filter(matches(each)).height for each in selection.log_filters]
    assert sorted(matched) == [0, 1, 3]

    def hides(method, params, result):
        is_hidden = method == "eth_getLogs" and "address" not in params[0]
        return [] if is_hidden and "blockHash" not in params[0] else result

    with ReplayNode(1, logs, head=HEAD, is_whole=True, faults=[hides]) as served:
        evidence = verified(served, selection=selection)
    assert evidence.logs["log_index"].to_list() == [0, 1, 2]
    assert verdicts(evidence)[1_010] == "repaired"


def test_endpoint_that_has_none_of_the_blocks_is_asked_once_about_each(honest):
    """A replica that was pruned, or is far behind, holds nobody up."""

    def lacks(method, params, result):
        if method == "eth_getLogs" and "blockHash" in params[0]:
            raise NodeError(-32000, "unknown block")
        return result

    with node() as served, node(lacks) as pruned:
        evidence = verified(served, pruned)
        asked = pruned.calls["eth_getLogs"]
    assert evidence.logs.equals(honest.logs)
    assert set(verdicts(evidence).values()) == {"proven"}, "by receipts"
    assert asked == evidence.proof.verdicts["is_reasked"].sum() * len(SELECTION.log_filters)


def test_lie_found_late_in_a_range_undoes_what_was_proven_before():
    """Blocks are tested 400 at a time; the first parts hold nothing that gives the bloom away."""
    logs = [make_transfer(block, block=block) for block in (2_100, 2_101, 2_900)]

    def shift(method, params, result):
        if method != "eth_getBlockByNumber" or result["logsBloom"] == EMPTY_BLOOM:
            return result
        return {**result, "logsBloom": "0x" + result["logsBloom"][4:] + "00"}

    hidden = MissingHeight(heights=frozenset({2_100, 2_101}))
    with ReplayNode(CHAIN, logs, head=HEAD, is_whole=True, faults=[shift, hidden]) as served:
        evidence = verified(served, start=2_000, end=3_000)
    assert blocks_of(evidence) == [2_100, 2_101, 2_900]


OTHERS = [1_050, 1_053]


def test_bloom_found_out_in_one_range_is_not_believed_in_the_next():
    async def run(served):
        async with aiohttp.ClientSession() as session:
            client = RpcClient([served.url], session, first_pause_s=0.001)
            verifier = Verifier(client, SecondLook(client, SELECTION), SELECTION, "full")
            source = VerifyingSource(in_one_piece(client), verifier)
            before = await source.fetch((1_050, 1_060))
            await source.fetch((START, END))
            return before, await source.fetch((1_050, 1_060))

    # Logs of an event that nobody asked for, so that nothing in this range gives the lie away.
    other = [make_log("Other(uint256 indexed one)", 1, block=block) for block in OTHERS]

    def shift(method, params, result):
        if method != "eth_getBlockByNumber" or result["logsBloom"] == EMPTY_BLOOM:
            return result
        return {**result, "logsBloom": "0x" + result["logsBloom"][4:] + "00"}

    with ReplayNode(CHAIN, LOGS + other, head=HEAD, is_whole=True, faults=[shift]) as served:
        ((before,), (after,)) = asyncio.run(run(served))
    assert set(verdicts(before).values()) == {"proven"}
    assert not before.proof.verdicts["is_reasked"].any(), "foreign blooms, not yet found out"
    assert after.proof.verdicts.filter("is_reasked")["block_number"].to_list() == OTHERS


def test_header_without_receipts_root_proves_nothing_by_receipts(honest):
    faults = MissingBlockFields(fields=("receiptsRoot",)), MissingHeight(heights=frozenset({1_003}))
    with node(*faults) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs), "what the receipts show is taken"
    assert verdicts(evidence)[1_003] == "unproven"


# -- receipts that lie


class ChangedReceipts:
    def __init__(self, change):
        self.change = change

    def __call__(self, method, params, result):
        return self.change(result) if method == "eth_getBlockReceipts" and result else result


def test_receipts_that_contradict_the_header_make_a_gap():
    more_gas = ChangedReceipts(lambda rows: [{**row, "cumulativeGasUsed": "0x7"} for row in rows])
    with node(more_gas, MissingHeight(heights=frozenset({1_011}))) as served:
        evidence = verified(served)
    gaps = evidence.proof.verdicts.filter(pl.col("verdict") == "gap")
    assert gaps["block_number"].to_list() == [1_011]
    assert gaps["n_logs_hidden"].to_list() == [2]
    assert 1_011 not in blocks_of(evidence)
    # The other suspects show no hidden logs, but nothing is proven of them either.
    assert verdicts(evidence)[1_007] == "unproven"


def test_receipts_of_unknown_kind_give_logs_but_no_proof(honest):
    deposits = ChangedReceipts(lambda rows: [{**row, "type": "0x7e"} for row in rows])
    with node(deposits, MissingHeight(heights=frozenset({1_011}))) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)
    assert verdicts(evidence)[1_011] == "unproven"
    reasons = evidence.proof.verdicts.filter(pl.col("block_number") == 1_011)["reason"]
    assert "type 0x7e" in reasons.item()


def test_altered_logs_of_a_suspect_answer_are_replaced_by_the_proven_ones(honest):
    def alter(method, params, result):
        if method != "eth_getLogs":
            return result
        return [
            {**log, "address": "0x" + "ad" * 20} if log["blockNumber"] == hex(1_025) else log
            for log in result
        ]

    with node(alter, MissingHeight(heights=frozenset({1_003}))) as served:
        evidence = verified(served)
    assert evidence.logs.equals(honest.logs)
    assert verdicts(evidence)[1_025] == "repaired"


# -- sample


def test_sample_tests_one_block_in_a_hundred_of_an_empty_range_at_least_one():
    with node() as served:
        for length, expected in ((10, 1), (100, 1), (250, 2), (1_000, 10)):
            evidence = verified(served, mode="sample", start=2_000, end=2_000 + length)
            assert evidence.proof.verdicts.height == expected
            assert set(verdicts(evidence).values()) == {"proven"}


def test_sample_depends_on_the_seed_alone():
    with node() as served:
        samples = [
            tuple(verdicts(verified(served, mode="sample", start=2_000, end=2_500, seed=seed)))
            for seed in (1, 1, 2)
        ]
    assert samples[0] == samples[1] != samples[2]


def test_sample_finds_a_lie_as_often_as_it_looks():
    """A fifth of 200 blocks is hidden and two are tested: 1 - 160/200 * 159/199 of the seeds."""
    hidden, n_seeds = set(range(2_000, 2_200, 5)), 250
    with node() as served:
        tested = [set(verdicts(each)) for each in many_samples(served, n_seeds)]
    assert {len(blocks) for blocks in tested} == {2}
    n_found = sum(not blocks.isdisjoint(hidden) for blocks in tested)
    expected = 1 - (160 * 159) / (200 * 199)
    spread = (expected * (1 - expected) / n_seeds) ** 0.5
    assert abs(n_found / n_seeds - expected) < 4 * spread


def many_samples(served, n_seeds):
    async def run():
        async with aiohttp.ClientSession() as session:
            client = RpcClient([served.url], session, first_pause_s=0.001)
            look = SecondLook(client, SELECTION)
            (evidence,) = await in_one_piece(client).fetch((2_000, 2_200))
            return [
                await Verifier(client, look, SELECTION, "sample", seed).verify(evidence)
                for seed in range(n_seeds)
            ]

    return asyncio.run(run())


def test_one_lie_in_the_sample_has_every_block_looked_at():
    logs = [make_transfer(block, block=block) for block in range(2_000, 2_100, 2)]
    found = {}
    with ReplayNode(CHAIN, logs, head=HEAD, is_whole=True, faults=[EmptyAnswer()]) as served:
        for seed in range(6):
            evidence = verified(served, mode="sample", start=2_000, end=2_100, seed=seed)
            found[evidence.logs.height] = evidence.proof
    assert set(found) == {0, 50}, "either the one tested block holds a log, or it does not"
    assert found[0].mode == "sample"
    assert found[50].mode == "full"
    assert found[50].verdicts.height == 100


def test_sample_leaves_answers_with_logs_alone():
    only = Selection(ChainContext(CHAIN), (PROTOCOLS["erc721"],))

    async def run(served):
        async with aiohttp.ClientSession() as session:
            client = RpcClient([served.url], session)
            verifier = Verifier(client, SecondLook(client, only), only, "sample")
            source = VerifyingSource(in_one_piece(client, only), verifier)
            return await source.fetch((START, END))

    with node() as served:
        (evidence,) = asyncio.run(run(served))
        assert served.calls["eth_getBlockByNumber"] == 1
    assert evidence.proof.verdicts.is_empty()


# -- headers that contradict


def test_null_header_is_asked_again_and_then_refused():
    with node(NullHeader(numbers=frozenset({1_010}), times=1)) as served:
        assert verified(served).logs.height == 13
    refused = pytest.raises(UpstreamError, match=r"0x3f2 is null.*behind the tip.*5 attempts")
    with node(NullHeader(numbers=frozenset({1_010}))) as served, refused:
        verified(served)


def test_header_of_another_fork_is_refused():
    def fork(method, params, result):
        if method == "eth_getBlockByNumber" and result["number"] == hex(1_010):
            return {**result, "hash": "0x" + "f0" * 32}
        return result

    with node(fork) as served, pytest.raises(UpstreamError, match="of another fork"):
        verified(served)


# -- parts


def test_filter_on_rows_follows_geth():
    frame = frame_of(LOGS)
    transfers = [each for each in SELECTION.log_filters if len(each["topics"]) == 4]
    found = frame.filter(matches(transfers[0]))
    assert found["topic3"].null_count() == 0
    assert found.height == 13
    assert frame.filter(matches({"address": ALICE})).is_empty()
    assert frame.filter(matches({"topics": [None, None, None]})).height == frame.height


def test_what_is_open_is_refused_by_name():
    require_complete([], 3, strict=False)
    with pytest.raises(GapError, match=r"3 blocks may hold.*eth_getBlockReceipts"):
        require_complete([], 3, strict=True)
    with pytest.raises(GapError, match=r"7 blocks hold logs.*: 1, 2, 3, 4, 5, \.\.\.; run"):
        require_complete(range(1, 8), 0, strict=False)


def test_tally_counts_every_verdict():
    with node(MissingHeight(heights=frozenset({1_003}))) as served:
        tally = Tally()
        tally.count([verified(served)])
    assert (tally.tested, tally.repaired, tally.unproven, tally.gaps) == (40, 1, 0, [])
    assert tally.proven == 39


def test_mode_must_be_known():
    assert parse_mode("full") == "full"
    with pytest.raises(UsageError, match=r"'total'.*off, sample or full"):
        parse_mode("total")
