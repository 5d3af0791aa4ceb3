"""What `raisonne explain` says about a transaction, and what it must not say."""

import io
import json

import pytest
from rich.console import Console

from data.errors import NotFoundError, UsageError
from data.store import Store
from indexer.explain import explain
from indexer.explain_text import currency_symbol, print_explanation
from indexer.legs import Payment, PaymentFinder, read_payments, reason_for_class
from tests.indexer.samples import (
    ALICE,
    BOB,
    CAROL,
    COLLECTION,
    DAVE,
    OPENSEA,
    TRANSFER_BATCH,
    WETH,
    ZERO,
    frame_of,
    make_log,
    make_match,
    make_order,
    make_transfer,
    tx_hash,
)
from tests.indexer.test_run import run
from tests.node import ReplayNode

CHAIN = 1
NFT, OTHER = (2, COLLECTION, 7, 1), (2, COLLECTION, 8, 1)


def bundle():
    """Two tokens for 101 wei: 91 to the seller and 10 to OpenSea."""
    legs = [(0, ZERO, 0, 91, ALICE), (0, ZERO, 0, 10, OPENSEA)]
    return make_order(ALICE, BOB, [NFT, OTHER], legs, block=100, index=0)


def matched():
    """A bid of 100 WETH units, matched with the seller's order that pays a royalty of 5."""
    place = {"block": 101, "tx": 2}
    return [
        make_order(BOB, ALICE, [(1, WETH, 0, 100)], [(*NFT, BOB), (1, WETH, 0, 3, OPENSEA)],
                   order=1, index=0, **place),
        make_order(ALICE, ALICE, [NFT], [(1, WETH, 0, 5, CAROL), (1, WETH, 0, 92, ALICE)],
                   order=2, index=1, **place),
        make_match([1, 2], index=2, **place),
        make_transfer(7, sender=ALICE, receiver=BOB, index=3, **place),
    ]  # fmt: skip


def lone_bid():
    """A bid of 50 with a fee of 5 named; the rest goes to whoever fills it."""
    consideration = [(*OTHER, BOB), (1, WETH, 0, 5, OPENSEA)]
    return make_order(BOB, DAVE, [(1, WETH, 0, 50)], consideration, block=102, index=0)


def odd():
    dirty = make_transfer(1, block=103, index=0)
    dirty["topics"][1] = "0x" + "ff" * 32
    uneven = make_log(TRANSFER_BATCH, ALICE, ALICE, BOB, [1, 2], [3], block=103, index=1)
    return [dirty, uneven]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    logs = [bundle(), *matched(), lone_bid(), *odd()]
    with (
        ReplayNode(CHAIN, logs, head=120) as node,
        Store.open(tmp_path_factory.mktemp("explain") / "market.duckdb") as opened,
    ):
        run(opened, node, "90:")
        yield opened


def explained(store, block, tx=None):
    (found,) = explain(store, tx_hash(block * 100 if tx is None else tx))
    return found


def text_of(found):
    out = io.StringIO()
    print_explanation(found, Console(file=out, width=120))
    return out.getvalue()


def test_matched_orders_are_one_sale_whose_legs_name_log_and_rule(store):
    found = explained(store, 101, tx=2)
    assert [log.event for log in found.logs] == [
        "OrderFulfilled", "OrderFulfilled", "OrdersMatched", "Transfer"
    ]  # fmt: skip
    assert found.logs[0].file == "indexer/protocols/seaport.py"
    assert found.logs[0].emitter == "seaport 1.5"
    (sale,) = found.sales
    assert sale.row["trade_kind"] == "match"
    assert sale.price_words == "equals offer[0] of OrderFulfilled, log 0"
    legs = {leg.recipient_class: leg for leg in sale.legs}
    assert {name: (int(leg.amount_wei), leg.source_words) for name, leg in legs.items()} == {
        "platform": (3, "consideration[1] of OrderFulfilled, log 0"),
        "creator": (5, "consideration[0] of OrderFulfilled, log 1"),
        "seller": (92, "consideration[1] of OrderFulfilled, log 1"),
    }
    assert legs["platform"].why.startswith("is a known fee wallet: opensea")
    assert legs["seller"].why == "equals the seller"
    assert "neither seller nor known fee wallet" in legs["creator"].why
    assert found.logs[1].became == ("legs of the sale in log 0",)
    assert found.logs[2].became == ()
    assert found.logs[3].became == ("transfers",)


def test_share_of_a_bundle_is_told_as_a_share_of_its_leg(store):
    sales = explained(store, 100).sales
    words = [[(int(leg.amount_wei), leg.source_words) for leg in sale.legs] for sale in sales]
    assert words == [
        [(46, "1/2 of consideration[0] of OrderFulfilled, log 0"),
         (5, "1/2 of consideration[1] of OrderFulfilled, log 0")],
        [(45, "1/2 of consideration[0] of OrderFulfilled, log 0"),
         (5, "1/2 of consideration[1] of OrderFulfilled, log 0")],
    ]  # fmt: skip
    assert sales[0].price_words == "the shares of the bundle's legs, added up"


def test_rest_of_a_bid_is_told_from_what_it_offered(store):
    (sale,) = explained(store, 102).sales
    rest = next(leg for leg in sale.legs if leg.recipient == DAVE)
    assert int(rest.amount_wei) == 45
    assert rest.source_words == "rest of offer[0] of OrderFulfilled, log 0, after named legs"
    assert rest.source_log == 0


def test_logs_that_were_set_aside_say_why(store):
    found = explained(store, 103)
    assert [log.fault for log in found.logs] == ["from: not a clean address", ""]
    assert [row["reason"] for row in found.quarantine] == [
        "from: not a clean address", "ids and values differ in number"
    ]  # fmt: skip
    assert found.sales == ()
    text = text_of(found)
    assert "What was set aside" in text
    assert "ids and values differ in number" in text
    assert "What was paid" not in text


def test_text_shows_the_equation_in_wei_and_in_ether(store):
    text = text_of(explained(store, 101, tx=2))
    lines = [" ".join(line.strip("│ \n").split()) for line in text.splitlines()]
    assert "buyer paid 100 wei 0.0000000000000001 WETH" in lines
    assert "− royalty 5 wei 0.000000000000000005 WETH" in lines
    assert "= residual 0 wei balances exactly" in lines
    assert any("owed unknown, no terms are indexed" in line for line in lines)
    assert "not evaluated; run: raisonne analyze wash" in text


def test_beginning_of_a_hash_and_a_sale_id_name_the_transaction(store):
    whole = explained(store, 103)
    (by_prefix,) = explain(store, whole.tx_hash.upper().replace("0X", "0x"))
    assert by_prefix.tx_hash == whole.tx_hash
    sold = explained(store, 101, tx=2)
    (by_sale,) = explain(store, sold.sales[0].row["sale_id"])
    assert by_sale.tx_hash == sold.tx_hash


def test_unknown_transaction_says_what_is_indexed(store):
    with pytest.raises(NotFoundError, match="chain 1 within 90:121") as raised:
        explain(store, "0x" + "12" * 32)
    assert raised.value.exit_code == 3
    with pytest.raises(NotFoundError, match="no sale has the id"):
        explain(store, "1:0xab:3:0")


@pytest.mark.parametrize("name", ["0x12", "hello", "0x" + "g" * 64, "0x" + "1" * 65, ""])
def test_what_is_no_hash_is_refused(store, name):
    with pytest.raises(UsageError, match="is no transaction hash"):
        explain(store, name)


def test_beginning_of_several_hashes_is_refused_with_their_names(store):
    with pytest.raises(UsageError, match="4 stored transactions begin with 0x000000"):
        explain(store, "0x000000")


def test_json_keeps_amounts_as_text_and_bytes_as_hex(store):
    found = json.loads(json.dumps(explained(store, 101, tx=2).as_json()))
    assert found["sales"][0]["row"]["price_wei"] == "100"
    assert found["sales"][0]["legs"][0]["amount_wei"] == "3"
    quarantined = explained(store, 103).as_json()["quarantine"]
    assert quarantined[1]["data"].startswith("0x")


def test_foreign_text_cannot_drive_the_terminal(store):
    found = explained(store, 103)
    found.quarantine[0]["reason"] = "\x1b[2J[bold]gone"
    text = text_of(found)
    assert "\x1b" not in text
    assert "[bold]gone" in text


def test_transaction_mined_again_is_explained_once_per_block(tmp_path):
    with Store.open(tmp_path / "twice.duckdb") as twice:
        for block in (105, 106):
            twice.append("logs", frame_of([make_transfer(1, block=block, index=0, tx=5)]))
        found = explain(twice, tx_hash(5))
    assert [each.place["block_number"] for each in found] == [105, 106]


def test_sale_without_links_yet_is_explained_from_its_facts(store, tmp_path):
    with Store.open(tmp_path / "unlinked.duckdb") as unlinked:
        for name in ("logs", "settled_sales", "sale_payments", "transfers"):
            unlinked.append(name, store.read(name))
        (sale,) = explained(unlinked, 101, tx=2).sales
        text = text_of(explained(unlinked, 101, tx=2))
    assert sale.row["is_primary"] is None
    assert [int(leg.amount_wei) for leg in sale.legs] == [3, 5, 92]
    assert "balances exactly" in text


# --- legs by themselves


def leg(kind, recipient, amount=1, **more):
    return {"recipient_class": kind, "recipient": recipient, "amount_wei": amount,
            "currency": ZERO, "source": "consideration", "log_index": 4, **more}  # fmt: skip


SALE = {"seller": ALICE, "buyer": BOB, "maker": ALICE, "log_index": 4, "bundle_size": 1}


@pytest.mark.parametrize(
    ("given", "classes", "says"),
    [
        (leg("seller", ALICE), ["seller"], "equals the seller, who signed the order"),
        (leg("platform", OPENSEA), ["platform"], "opensea fee collector since Seaport 1.1"),
        (leg("platform", DAVE), ["platform"], "events or rules make it the fee"),
        (leg("unknown", None), ["unknown"], "does not name who got it"),
        (leg("unknown", BOB), ["unknown"], "goes back to the buyer"),
        (leg("unknown", DAVE), ["unknown"], "no leg pays the seller"),
        (leg("unknown", DAVE), ["unknown", "seller"], "beyond the named legs"),
        (leg("refund", BOB), ["refund"], "outside the price"),
        (
            leg("creator", CAROL, source="fee_event"),
            ["creator"],
            "names it as what the creator got",
        ),
        (leg("creator", CAROL, source="trace"), ["creator"], "rules make it the royalty"),
        (leg("referrer", CAROL), ["referrer"], "classed by the protocol as referrer"),
    ],
)
def test_every_class_has_its_reason(given, classes, says):
    assert says in reason_for_class(given, SALE, classes)


def test_own_market_names_the_role_of_a_leg():
    sale = {**SALE, "protocol": "raisonne"}
    given = leg("creator", CAROL, source="fee_event")
    assert "names its role: 1, creator" in reason_for_class(given, sale, ["creator"])


def test_leg_that_no_event_names_is_found_among_transfers_traces_and_numbers():
    finder = PaymentFinder(
        [],
        moved=[
            Payment(3, "ERC-20 Transfer", "value", ALICE, WETH, 7),
            Payment(0, "", "", BOB, ZERO, 9, call="0_1"),
        ],
        numbers=[Payment(5, "TakerBid", "feeAmounts[2]", "", "", 4)],
    )
    moved = leg("seller", ALICE, 7, currency=WETH, source="transfer_log")
    assert finder.find(moved, 1) == (3, "value of ERC-20 Transfer, log 3")
    traced = leg("seller", BOB, 9, source="trace")
    assert finder.find(traced, 1) == (None, "native coin sent by call 0_1 (trace)")
    named = leg("platform", None, 4, source="fee_event")
    assert finder.find(named, 1) == (5, "feeAmounts[2] of TakerBid, log 5")
    assert finder.find({**named, "source": "consideration"}, 1)[0] is None


def test_equal_payments_are_given_out_once_each_and_the_nearest_behind_first():
    payments = [Payment(index, "Paid", "amount", ALICE, ZERO, 1) for index in (2, 5, 9)]
    finder = PaymentFinder(payments)
    found = [finder.find(leg("seller", ALICE), 1)[0] for _ in range(4)]
    assert found == [5, 9, 2, None]


def test_amount_that_no_argument_holds_has_no_source():
    finder = PaymentFinder([Payment(5, "Paid", "amount", ALICE, ZERO, 7)])
    nothing = (None, "no single argument of a stored log holds this amount")
    assert finder.find(leg("seller", ALICE, 8), 1) == nothing
    assert finder.find(leg("seller", BOB, 7), 1) == nothing
    assert finder.find(leg("seller", ALICE, 7, currency=WETH), 1) == nothing


def test_tokens_of_an_order_are_no_payments():
    item = {"itemType": 2, "token": COLLECTION, "identifier": "1", "amount": 1, "recipient": BOB}
    assert read_payments("OrderFulfilled", 1, {"consideration": [item], "ids": ["1"]}) == ([], [])


def test_currency_without_known_decimals_has_no_symbol():
    assert currency_symbol(1, ZERO) == "ETH"
    assert currency_symbol(137, ZERO) == "native coin"
    assert currency_symbol(1, WETH) == "WETH"
    assert currency_symbol(1, COLLECTION) == ""
    assert currency_symbol(8_453, WETH) == ""
