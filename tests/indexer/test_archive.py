"""Royalties that contracts answer at the block of a sale, asked of a real node."""

import subprocess
import sys

import pytest

from data.errors import UpstreamError
from indexer import archive
from indexer.rebuild import check, rebuild
from indexer.relink import find_touched, relink
from indexer.run import IndexOptions, index
from tests.emission.emit import _send, node
from tests.emission.script import View, call, compile_transaction, log
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, ORDER_FULFILLED, SEAPORT_1_5, ZERO

ART, MUTE = "0x" + "c1" * 20, "0x" + "c2" * 20
SELECTOR = bytes.fromhex("2a55205a")
PRICE = 1_000
REVERT = "0x5f5ffd"
MANIFOLD = "DefaultRoyaltiesUpdated(address[] receivers, uint256[] basisPoints)"


def sold(*, collection=ART, token=1, royalty=0, order=1):
    """A sale of ALICE to BOB; what is not royalty goes to ALICE."""
    money = [(0, ZERO, 0, PRICE - royalty, ALICE)] + [(0, ZERO, 0, royalty, CAROL)] * bool(royalty)
    goods = [(2, collection, token, 1)]
    digest = order.to_bytes(32)
    return log(ORDER_FULFILLED, digest, ALICE, ZERO, BOB, goods, money, at=SEAPORT_1_5)


@pytest.fixture(scope="module")
def chain():
    """Sales in blocks 1, 3 and 5, while the first contract asks for 50, 70 and 90."""
    blocks = (
        [sold(), sold(collection=MUTE, order=2)],
        [sold(order=3, royalty=70), sold(order=4, token=2)],
        [sold(order=5), log(MANIFOLD, [DAVE], [100], at=ART), sold(order=6)],
    )
    with node(1) as rpc:
        rpc.call("anvil_setCode", [MUTE, REVERT])
        for logs, amount in zip(blocks, (50, 70, 90), strict=True):
            output = bytes(12) + bytes.fromhex(CAROL[2:]) + amount.to_bytes(32)
            transaction = call(SEAPORT_1_5, *logs)
            codes = compile_transaction(transaction, [View(ART, SELECTOR, output)])
            for address, code in codes.items():
                rpc.call("anvil_setCode", [address, "0x" + code.hex()])
            _send(rpc, transaction)
            # anvil puts new code into the state of the last block, which is to be an empty one.
            rpc.call("evm_mine")
            rpc.call("evm_mine")
        yield rpc


def load(store, chain, **options):
    return index(store, IndexOptions(rpc_urls=(chain.url,), verify="off", **options))


def ledger(store):
    """Recipient, owed, paid, status and source of each sale, in the order of the chain."""
    rows = store.query(
        "SELECT recipient, owed_wei::BIGINT, paid_wei::BIGINT, status, owed_source"
        " FROM royalty_ledger JOIN sales USING (chain_id, sale_id) ORDER BY block_number, log_index"
    )
    return rows.rows()


OWED = [
    (CAROL, 50, 0, "zero", "erc2981"),
    (CAROL, 70, 70, "full", "erc2981"),
    (CAROL, 70, 0, "zero", "erc2981"),
    (CAROL, 90, 0, "zero", "erc2981"),
    (DAVE, 10, 0, "zero", "manifold DefaultRoyaltiesUpdated"),
]


def test_contracts_are_asked_at_the_block_of_each_sale_once(chain, store):
    summary = load(store, chain, archive_url=chain.url)
    assert (summary.royalty_reads.asked, summary.royalty_reads.refused) == (5, 1)
    assert ledger(store) == OWED
    refusal = store.read("contract_reads").filter(contract=MUTE).row(0, named=True)
    assert (refusal["output"], refusal["error"]) == (None, "reverted")
    again = load(store, chain, archive_url=chain.url)
    assert again.royalty_reads.asked == 0


def test_without_an_archive_what_was_owed_is_unknown(chain, store):
    assert load(store, chain).royalty_reads is None
    assert [row[:4] for row in ledger(store)] == [
        (CAROL, None, 70, "unknown"),
        (DAVE, 10, 0, "zero"),
    ]
    # A later run over the same blocks asks.
    assert load(store, chain, archive_url=chain.url).royalty_reads.asked == 5
    assert ledger(store) == OWED


def test_ledger_follows_from_the_stored_answers_without_a_network(chain, store):
    load(store, chain, archive_url=chain.url)
    assert check(store) == []
    assert rebuild(store).changed == ()
    assert ledger(store) == OWED


def test_stopped_pass_keeps_its_answers_and_goes_on(chain, store, monkeypatch):
    monkeypatch.setattr(archive, "_CALLS_AT_ONCE", 2)
    ask, asked = archive._ask, []

    async def stop_at_the_third(client, calls):
        if len(asked) == 2:
            message = "gone"
            raise UpstreamError(message)
        asked.append(calls)
        return await ask(client, calls)

    monkeypatch.setattr(archive, "_ask", stop_at_the_third)
    with pytest.raises(UpstreamError):
        load(store, chain, archive_url=chain.url)
    assert ledger(store)[:3] == OWED[:3]
    monkeypatch.setattr(archive, "_ask", ask)
    assert load(store, chain, archive_url=chain.url).royalty_reads.asked == 1
    assert ledger(store) == OWED


def test_answers_of_a_block_go_with_it(chain, store):
    load(store, chain, archive_url=chain.url)
    with store.transaction() as transaction:
        touched = find_touched(transaction, 1, 3)
        transaction.delete_from_block(1, 3)
        relink(transaction, touched)
    assert ledger(store) == OWED[:1]
    assert set(store.read("contract_reads")["block_number"]) == {1}


def test_archive_of_another_chain_is_refused(chain, store):
    with node(5) as other, pytest.raises(UpstreamError, match="chain 5"):
        load(store, chain, archive_url=other.url)
    assert store.read("contract_reads").is_empty()


def test_command_says_how_many_were_asked(chain, tmp_path):
    command = [sys.executable, "raisonne.py", "index", "--rpc-url", chain.url, "--archive-url",
               chain.url, "--store", str(tmp_path / "m.duckdb"), "--verify", "off"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "royalties: 5 contracts asked, 1 refused" in done.stdout
    assert "royalties" in done.stderr
