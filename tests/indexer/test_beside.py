"""What protocols need besides logs, asked of a real node on which transactions were acted out."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import polars as pl
import pytest

from contracts.rpc import Rpc
from data.errors import RetryableError, UpstreamError
from data.schema import TABLES
from data.store import Store
from indexer.abi import Event
from indexer.beside import Completer, CompletingSource
from indexer.fetch import RpcSource
from indexer.protocols.base import ChainContext, Protocol, Route
from indexer.rebuild import check
from indexer.rpc import RpcClient
from indexer.run import IndexOptions, index
from indexer.selection import Selection
from tests.emission.emit import act_out, node
from tests.emission.script import Pay, View, call, log, logs_of
from tests.indexer.protocols import test_looksrare as looksrare
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, BOB, CAROL, WETH
from tests.indexer.served import served

SHOP, ROUTER, OTHER = "0x" + "51" * 20, "0x" + "70" * 20, "0x" + "99" * 20
SOLD = "Sold(uint256 indexed id)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
VIEW = View(SHOP, bytes.fromhex("aabbccdd"), (7).to_bytes(32))
SCENARIO = [
    # 0: through a router, with payments in native coin and in tokens
    call(
        ROUTER,
        log(ERC20, BOB, ALICE, 30, at=WETH),
        call(SHOP, Pay(ALICE, 60), Pay(CAROL, 5), log(SOLD, 1), value=70, data=b"\x01\x02\x03\x04"),
        value=70,
        data=b"\xaa",
    ),
    # 1: nothing of the shop's
    call(OTHER, log(ERC20, BOB, ALICE, 40, at=WETH), Pay(BOB, 3), value=3),
]


@pytest.fixture(scope="module")
def rpc():
    with node(1) as running:
        list(act_out(running, SCENARIO, [VIEW]))
        yield running


def calls(events, _around):
    rows = events["Sold"].rows
    return rows.select(
        "chain_id", "block_number", "block_hash", "block_time",
        pl.col("address").alias("contract"),
        pl.lit(VIEW.selector).alias("input"),
    )  # fmt: skip


def shop(*needs):
    routes = [Route(Event.parse(SOLD), "1", frozenset({SHOP}))]
    return Protocol("shop", lambda _: routes, lambda *_: {}, needs=frozenset(needs), calls=calls)


def fetch(rpc, protocol, blocks=(0, 3)):
    """Evidence of the blocks and the completer that asked for it."""

    async def run():
        selection = Selection(ChainContext(1), (protocol,))
        async with aiohttp.ClientSession() as session:
            client = RpcClient([rpc.url], session, attempts=1, first_pause_s=0.01)
            completer = Completer(client, selection)
            source = CompletingSource(RpcSource(client, selection, head=2), completer)
            (evidence,) = await source.fetch(blocks)
            return evidence, completer

    return asyncio.run(run())


def test_protocol_without_needs_costs_no_request(rpc):
    evidence, _ = fetch(rpc, shop())
    assert evidence.logs.height == 1
    for frame in (evidence.transactions, evidence.value_traces, evidence.contract_reads):
        assert frame.is_empty()


def test_transactions_come_with_sender_value_and_call_data(rpc):
    evidence, _ = fetch(rpc, shop("input"))
    (row,) = evidence.transactions.rows(named=True)
    assert (row["to_address"], int(row["value_wei"]), row["input"]) == (ROUTER, 70, b"\xaa")
    assert row["block_number"] == 1


def test_receipts_bring_token_payments_of_own_transactions_only(rpc):
    evidence, _ = fetch(rpc, shop("receipt"))
    assert evidence.logs["address"].to_list() == [WETH, SHOP]
    assert evidence.logs["block_number"].to_list() == [1, 1]
    assert evidence.logs["block_time"].null_count() == 0


def test_traces_bring_money_that_moved_and_calls_of_the_contract(rpc):
    evidence, completer = fetch(rpc, shop("trace"))
    rows = evidence.value_traces.select(
        "trace_address", "from_address", "to_address", pl.col("value_wei").cast(pl.Int64), "input"
    ).rows()
    assert rows == [
        ("", "0x" + "5e" * 20, ROUTER, 70, None),
        ("1", ROUTER, SHOP, 70, b"\x01\x02\x03\x04"),
        ("1_0", SHOP, ALICE, 60, None),
        ("1_1", SHOP, CAROL, 5, None),
    ]
    assert completer.untraced == 0


def test_reads_bring_what_a_contract_answered_at_the_block(rpc):
    evidence, _ = fetch(rpc, shop("call"))
    (row,) = evidence.contract_reads.rows(named=True)
    assert (row["contract"], row["input"], row["output"]) == (SHOP, VIEW.selector, VIEW.output)
    assert row["error"] is None


class Refusing:
    """A client that refuses some methods in the words of a node."""

    def __init__(self, client, methods, words="the method does not exist"):
        self.client, self.methods, self.words = client, methods, words

    def __getattr__(self, name):
        return getattr(self.client, name)

    async def batch(self, requests, **options):
        from indexer.answers import classify

        if any(each.method in self.methods for each in requests):
            raise classify(self.words, "node")
        return await self.client.batch(requests, **options)


def complete_with(rpc, protocol, wrap, **options):
    async def run():
        selection = Selection(ChainContext(1), (protocol,))
        async with aiohttp.ClientSession() as session:
            client = RpcClient([rpc.url], session, attempts=1, first_pause_s=0.01)
            (evidence,) = await RpcSource(client, selection, head=2).fetch((0, 3))
            completer = Completer(wrap(client), selection)
            return await completer.complete(evidence, **options), completer

    return asyncio.run(run())


def test_node_that_cannot_trace_leaves_the_money_unknown_and_is_counted(rpc):
    methods = {"debug_traceTransaction", "trace_transaction"}
    evidence, completer = complete_with(rpc, shop("trace"), lambda c: Refusing(c, methods))
    assert evidence.value_traces.is_empty()
    assert completer.untraced == 1


def test_parity_traces_say_the_same_as_call_traces(rpc):
    by_calls, _ = fetch(rpc, shop("trace"))
    by_list, _ = complete_with(
        rpc, shop("trace"), lambda c: Refusing(c, {"debug_traceTransaction"})
    )
    columns = ["trace_address", "from_address", "to_address", "value_wei", "input"]
    assert by_list.value_traces.select(columns).equals(by_calls.value_traces.select(columns))


def test_transaction_that_moved_to_another_block_is_asked_again(rpc):
    class Elsewhere(Refusing):
        async def batch(self, requests, **options):
            answers = await self.client.batch(requests, **options)
            return [each.replace(b'"blockHash":"0x', b'"blockHash":"0xff') for each in answers]

    with pytest.raises(RetryableError, match="another block"):
        complete_with(rpc, shop("input"), lambda c: Elsewhere(c, ()))


class Forgetful(Refusing):
    """Knows no transaction by its hash; by its place, if `knows_places`."""

    def __init__(self, client, *, knows_places):
        super().__init__(client, ())
        self.knows_places = knows_places

    async def batch(self, requests, **options):
        answers = await self.client.batch(requests, **options)
        lost = {"eth_getTransactionByHash", "eth_getTransactionReceipt"}
        if not self.knows_places:
            lost.add("eth_getTransactionByBlockHashAndIndex")
        pairs = zip(requests, answers, strict=True)
        return [b"null" if each.method in lost else raw for each, raw in pairs]


def test_transaction_that_is_not_known_by_its_hash_is_asked_for_by_its_place(rpc):
    wrap = lambda client: Forgetful(client, knows_places=True)  # noqa: E731
    evidence, completer = complete_with(rpc, shop("input"), wrap)
    assert evidence.transactions["to_address"].to_list() == [ROUTER]
    assert completer.missing == 0


def test_what_a_node_does_not_have_is_waited_for_and_then_gone_without(rpc):
    wrap = lambda client: Forgetful(client, knows_places=False)  # noqa: E731
    with pytest.raises(RetryableError, match="although it has its logs"):
        complete_with(rpc, shop("input", "receipt"), wrap)
    wait = {"goes_without": True}
    evidence, completer = complete_with(rpc, shop("input", "receipt"), wrap, **wait)
    assert evidence.transactions.is_empty()
    assert evidence.logs["address"].to_list() == [SHOP]
    assert completer.missing == 2


def test_what_one_endpoint_has_dropped_another_one_is_asked_for(rpc):
    def forget(calls):
        replies = Rpc(rpc.url).batch([(each["method"], each["params"]) for each in calls])
        pairs = zip(calls, replies, strict=True)
        return [
            {"id": each["id"], "result": None if "getTransaction" in each["method"] else reply}
            for each, reply in pairs
        ]

    async def run(*others):
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(served(forget))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            selection = Selection(ChainContext(1), (shop("input", "receipt"),))
            client = RpcClient([url, *others], session, first_pause_s=0.01)
            (evidence,) = await RpcSource(client, selection, head=2).fetch((0, 3))
            completer = Completer(client, selection)
            evidence = await completer.complete(evidence, goes_without=True)
            return evidence.transactions.height, evidence.logs.height, completer.missing

    assert asyncio.run(run(rpc.url)) == (1, 2, 0)
    assert asyncio.run(run()) == (0, 1, 2), "alone it is gone without"


@pytest.mark.parametrize("need", ["input", "receipt", "trace", "call"])
def test_node_that_became_another_chains_is_not_believed_to_lack_anything(rpc, need):
    async def run():
        selection = Selection(ChainContext(1), (shop(need),))
        async with aiohttp.ClientSession() as session:
            client = RpcClient([rpc.url], session, attempts=1, first_pause_s=0.01)
            (evidence,) = await RpcSource(client, selection, head=2).fetch((0, 3))
            client.chain_id = 5
            client.pool.endpoints[0].serves_chain = True
            return await Completer(client, selection).complete(evidence, goes_without=True)

    with pytest.raises(UpstreamError, match="serves chain 1"):
        asyncio.run(run())


def test_index_run_stores_what_protocols_need_and_rebuild_changes_nothing(tmp_path):
    expected = settle_emitted("looksrare")
    url = str(tmp_path / "market.duckdb")
    with node(1) as running, Store.open(url) as store:
        list(act_out(running, looksrare.SCENARIO))
        index(store, IndexOptions((running.url,), state_dir=tmp_path))
        for name in ("settled_sales", "sale_payments"):
            place = ["block_number", "log_index", "item_index"]
            drop = [c for c in TABLES[name].column_names if "hash" in c or c.endswith("_id")]
            stored = store.read(name).drop(drop).sort(*place)
            wanted = expected[name].select(TABLES[name].column_names).drop(drop).sort(*place)
            assert stored.drop("block_time").equals(wanted.drop("block_time")), name
        paid = [each for t in looksrare.SCENARIO for _, each in logs_of(t)]
        n_paid = sum(each.signature == looksrare.ERC20 for each in paid)
        kept = store.query("SELECT count(*) FROM logs WHERE address = ?", [WETH]).item()
        assert kept == n_paid
        assert check(store, state_dir=tmp_path) == []
