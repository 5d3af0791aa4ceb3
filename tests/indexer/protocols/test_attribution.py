"""Economic sellers and buyers: acted out on a node, and recorded on Ethereum."""

from decimal import Decimal

import polars as pl
import pytest

from data.schema import conform
from indexer.attribution import attribute, routers
from indexer.protocols import select_protocols
from indexer.protocols.base import Around, Beside, ChainContext
from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.loans import loans_of, told
from tests.indexer.protocols.settled import assert_balanced, legs_of, settle
from tests.indexer.protocols.test_blend import BLEND, REPAY, taken
from tests.indexer.protocols.test_blur import V1, V2, matched, nft, order, packed, pool
from tests.indexer.protocols.test_looksrare import BID_2, NONCE
from tests.indexer.protocols.test_looksrare import V2 as LOOKSRARE_2
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, one
from tests.paths import needs_mainnet

POOL = "0x0000000000a39bb272e79075ade125fd351887ac"
GENIE, GEM = (
    "0x0a267cf51ef038fc00e71801f5a524aec06e4f07",
    "0x83c8f28c26bf6aaca652df1dbbe0e1b56f8baba2",
)
STRANGER = "0x" + "57" * 20
ERIN = "0x" + "e1" * 20


def repaid(lien):
    return log(REPAY, lien, COLLECTION, at=BLEND)


def listed(seller, buyer, token, price=100):
    """LooksRare 2: a listing in native coin, all of it to the seller."""
    arguments = (NONCE, buyer, buyer, 0, ZERO, COLLECTION, [token], [1])
    return call(
        LOOKSRARE_2,
        Pay(seller, price),
        nft(seller, buyer, token),
        log(BID_2, *arguments, [seller, ZERO], [price, 0, 0]),
        value=price,
    )


SCENARIO = [
    # 0: ALICE, in debt to CAROL, sells her locked token into a bid of BOB on Blur 1
    call(
        BLEND,
        repaid(1),
        call(
            V1,
            pool(BOB, BLEND, 1000),
            nft(BLEND, BOB, 7),
            matched(BOB, BLEND, order(BLEND, 7, 1000, POOL), order(BOB, 0, 1000, POOL)),
        ),
        pool(BLEND, CAROL, 700),
        pool(BLEND, ALICE, 300),
    ),
    # 1: the same on Blur 2
    call(
        BLEND,
        repaid(2),
        call(V2, nft(BLEND, BOB, 8), pool(BOB, BLEND, 1000), packed("", BOB, 8, 1, 1000)),
        pool(BLEND, CAROL, 700),
        pool(BLEND, ALICE, 300),
    ),
    # 2: what Blend pays on is not what it got for the token
    call(
        BLEND,
        repaid(3),
        call(V2, nft(BLEND, BOB, 9), pool(BOB, BLEND, 1000), packed("", BOB, 9, 1, 1000)),
        pool(BLEND, CAROL, 700),
        pool(BLEND, ALICE, 250),
    ),
    # 3: BOB buys of ALICE with a loan of CAROL, so that Blend gets the token
    call(
        BLEND,
        taken(4, CAROL, BOB, 600, token=10),
        call(V2, Pay(ALICE, 1000), nft(ALICE, BLEND, 10), packed("", ALICE, 10, 0, 1000)),
        value=1000,
    ),
    # 4: DAVE buys through one router, and 5: through two in a row
    call(GENIE, listed(ALICE, GENIE, 11), nft(GENIE, DAVE, 11), value=100),
    call(
        GENIE,
        call(GEM, listed(ALICE, GEM, 12), nft(GEM, GENIE, 12), value=100),
        nft(GENIE, DAVE, 12),
        value=100,
    ),
    # 6: a router keeps the token, and 7: hands it to two people, one after the other
    call(GENIE, listed(ALICE, GENIE, 13), value=100),
    call(
        GENIE,
        listed(ALICE, GENIE, 14),
        nft(GENIE, DAVE, 14),
        nft(DAVE, GENIE, 14),
        nft(GENIE, ERIN, 14),
        value=100,
    ),
    # 8: somebody unknown passes the token on
    call(STRANGER, listed(ALICE, STRANGER, 15), nft(STRANGER, DAVE, 15), value=100),
    # 9: DAVE sells through a router
    call(GENIE, nft(DAVE, GENIE, 16), listed(GENIE, BOB, 16), value=100),
    # 10: a router buys and sells the same token
    call(GENIE, listed(ALICE, GENIE, 17), listed(GENIE, BOB, 17, price=120), value=220),
    # 11: a router buys a token of several units twice, for two people, and 12: sells for two
    call(
        GENIE,
        listed(ALICE, GENIE, 18),
        nft(GENIE, DAVE, 18),
        listed(CAROL, GENIE, 18),
        nft(GENIE, ERIN, 18),
        value=200,
    ),
    call(
        GENIE,
        nft(DAVE, GENIE, 19),
        listed(GENIE, BOB, 19),
        nft(ERIN, GENIE, 19),
        listed(GENIE, CAROL, 19),
        value=200,
    ),
    # 13: DAVE sells through somebody unknown, and 14: a router had the token before it bought it
    call(STRANGER, nft(DAVE, STRANGER, 20), listed(STRANGER, BOB, 20), value=100),
    call(GENIE, nft(GENIE, ALICE, 21), listed(ALICE, GENIE, 21), value=100),
    # 15: somebody unknown buys one token to hand on, and one that goes to DAVE at once
    call(
        STRANGER,
        listed(ALICE, STRANGER, 22),
        nft(STRANGER, DAVE, 22),
        listed(CAROL, DAVE, 23),
        value=200,
    ),
]


@pytest.fixture(scope="module")
def emitted():
    return settle_emitted("attribution")


def sale_of(emitted, tx):
    return one(emitted["settled_sales"].filter(tx=tx))


@pytest.mark.parametrize("tx", [0, 1])
def test_borrower_who_sells_a_locked_token_is_the_seller(emitted, tx):
    sale = sale_of(emitted, tx)
    assert told(sale, "protocol", "seller", "buyer", "price_wei") == ("blur", ALICE, BOB, 1000)
    assert legs_of(emitted, sale) == [(ALICE, "seller", 300), (CAROL, "lender", 700)]
    assert told(sale, "proceeds_wei", "other_wei", "residual_wei") == (300, 700, 0)
    assert BLEND in (sale["maker"], sale["taker"])
    (loan,) = loans_of(emitted, "blend", tx)
    assert told(loan, "event", "borrower", "lender", "token_id", "amount_wei") == (
        "repay", ALICE, CAROL, str(7 + tx), 700,
    )  # fmt: skip


def test_payments_that_miss_the_price_leave_its_legs_as_they_were(emitted):
    sale = sale_of(emitted, 2)
    assert (sale["seller"], sale["buyer"]) == (ALICE, BOB)
    assert legs_of(emitted, sale) == [(BLEND, "seller", 1000)]
    assert told(sale, "proceeds_wei", "other_wei", "residual_wei") == (1000, 0, 0)


def test_borrower_who_buys_with_a_loan_is_the_buyer(emitted):
    sale = sale_of(emitted, 3)
    assert told(sale, "seller", "buyer", "price_wei") == (ALICE, BOB, 1000)
    assert BLEND in (sale["maker"], sale["taker"])
    assert emitted["settled_sales"].filter(tx=3).height == 1


@pytest.mark.parametrize(("tx", "router"), [(4, GENIE), (5, GEM)])
def test_buyer_behind_routers_is_the_last_receiver(emitted, tx, router):
    sale = sale_of(emitted, tx)
    assert told(sale, "seller", "buyer", "aggregator", "taker") == (ALICE, DAVE, router, router)


@pytest.mark.parametrize("tx", [6, 7])
def test_router_without_a_single_receiver_stays_the_buyer(emitted, tx):
    assert told(sale_of(emitted, tx), "buyer", "aggregator") == (GENIE, None)


def test_unknown_contract_that_passes_a_token_on_stays_the_buyer(emitted):
    # LooksRare needs no transactions: that this one was sent to the contract is not known.
    assert told(sale_of(emitted, 8), "buyer", "aggregator") == (STRANGER, None)


def test_seller_behind_a_router_is_who_sent_it_the_token(emitted):
    sale = sale_of(emitted, 9)
    assert told(sale, "seller", "buyer", "aggregator", "maker") == (DAVE, BOB, GENIE, GENIE)
    assert legs_of(emitted, sale) == [(GENIE, "seller", 100)]


def test_router_that_buys_and_sells_a_token_hides_nobody(emitted):
    sales = emitted["settled_sales"].filter(tx=10).sort("log_index")
    found = sales.select("seller", "buyer", "aggregator").rows()
    assert found == [(ALICE, GENIE, None), (GENIE, BOB, None)]


def test_units_of_a_token_are_followed_from_one_sale_to_the_next(emitted):
    bought = emitted["settled_sales"].filter(tx=11).sort("log_index")
    assert bought.select("seller", "buyer", "aggregator").rows() == [
        (ALICE, DAVE, GENIE), (CAROL, ERIN, GENIE),
    ]  # fmt: skip
    sold = emitted["settled_sales"].filter(tx=12).sort("log_index")
    assert sold.select("seller", "buyer", "aggregator").rows() == [
        (DAVE, BOB, GENIE), (ERIN, CAROL, GENIE),
    ]  # fmt: skip


def test_who_had_the_token_of_a_router_before_its_purchase_did_not_buy(emitted):
    assert told(sale_of(emitted, 14), "seller", "buyer", "aggregator") == (ALICE, GENIE, None)


def test_every_sale_still_balances(emitted):
    assert_balanced(emitted)


def sent_to(emitted, tx, contract):
    """Parties of the sales of a transaction that is known to have been sent to a contract."""
    tables = {name: frame.filter(tx=tx).drop("tx") for name, frame in emitted.items()}
    sent = tables["settled_sales"].head(1).select("block_hash", "tx_hash")
    sent = sent.with_columns(pl.lit(contract).alias("to_address"))
    around = Around(ChainContext(1), Beside(transactions=conform("transactions", sent)))
    found = attribute(tables, around)["settled_sales"].sort("log_index")
    return found.select("seller", "buyer", "aggregator").rows()


def test_contract_that_was_called_and_passes_the_token_on_is_the_router(emitted):
    assert sent_to(emitted, 8, STRANGER) == [(ALICE, DAVE, STRANGER)]
    assert sent_to(emitted, 13, STRANGER) == [(DAVE, BOB, STRANGER)]


def test_contract_shown_to_be_a_router_is_so_in_every_sale_of_the_transaction(emitted):
    assert sent_to(emitted, 15, STRANGER) == [(ALICE, DAVE, STRANGER), (CAROL, DAVE, STRANGER)]


def test_contract_that_was_called_is_no_router_where_it_is_no_party(emitted):
    assert sent_to(emitted, 8, ERIN) == [(ALICE, STRANGER, None)]
    assert sent_to(emitted, 13, ERIN) == [(STRANGER, BOB, None)]


@pytest.mark.parametrize("contract", [BLEND, V2])
def test_marketplaces_and_lending_contracts_that_were_called_are_no_routers(emitted, contract):
    assert sent_to(emitted, 3, contract) == [(ALICE, BOB, None)]
    assert sent_to(emitted, 1, contract) == [(ALICE, BOB, None)]


def test_transaction_sent_to_a_router_names_it_as_aggregator(emitted):
    sale = emitted["settled_sales"].filter(tx=8).drop("tx")
    sent = sale.select("block_hash", "tx_hash", pl.lit(GEM).alias("to_address"))
    around = Around(ChainContext(1), Beside(transactions=conform("transactions", sent)))
    found = attribute({"settled_sales": sale}, around)["settled_sales"]
    assert found["aggregator"].to_list() == [GEM]


def test_other_chains_have_no_routers():
    assert len(routers(1)) == 50
    assert routers(10) == frozenset()


def test_blur_brings_along_the_loans_that_its_sellers_repay():
    assert "blend" in {protocol.name for protocol in select_protocols(("blur",))}


def test_tables_without_sales_are_left_alone():
    assert settle()["settled_sales"].is_empty()


# --- recorded on Ethereum

REAL = {
    # tx: (protocol, token, seller, buyer, aggregator)
    "0x0439813b5306d113e7453455804fa804250fabfdf06e7490811a389035e4d3f1": (
        # A down payment: an adapter buys and pledges the token for who owes the loan.
        "benddao_marketplace",
        "22001",
        "0x5ccde10c85b260cd805b932ed6c047498a7136ec",
        "0x81007bec2b2c6b211372aa4f2cd340b7713c528b",
        None,
    ),
    "0x42ee5e6f578029e72cd5e7c25a757c21791fb543e4f27568248e05a99e67bd68": (
        # Reservoir's router buys for the account that signed the transaction.
        "looksrare",
        "3540",
        "0x5b99a3270f89447647d0a06478f6ee7e71bd91e9",
        "0x8bf2b39e52fbeb2c7b9275b3762db29682e950d7",
        "0x9ebfb53fa8526906738856848a27cb11b0285c3f",
    ),
}


@needs_mainnet
def test_recorded_sales_have_their_economic_parties():
    tables = settle_real(*REAL)
    names = ("protocol", "token_id", "seller", "buyer", "aggregator")
    found = {row["tx_hash"]: told(row, *names) for row in tables["settled_sales"].rows(named=True)}
    assert found == REAL
    assert set(tables["settled_sales"]["residual_wei"]) == {Decimal(0)}
    signer = mainnet().transactions[list(REAL)[1]]["from_address"]
    assert found[list(REAL)[1]][3] == signer
