"""Blend: emitted on a node at the real address, and recorded on Ethereum."""

from decimal import Decimal

import pytest

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.loans import loans_of, reference, told
from tests.indexer.protocols.settled import assert_balanced, legs_of, settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, make_log, one
from tests.paths import needs_mainnet

BLEND = "0x29469395eaf6f95920e59f858042f0e28d98a20b"
POOL = "0x0000000000a39bb272e79075ade125fd351887ac"
ROUTER, FEES, ERIN = "0x" + "70" * 20, "0x" + "fe" * 20, "0x" + "e1" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
TAKEN = (
    "LoanOfferTaken(bytes32 offerHash, uint256 lienId, address collection, address lender,"
    " address borrower, uint256 loanAmount, uint256 rate, uint256 tokenId, uint256 duration)"
)
REFINANCE = (
    "Refinance(uint256 lienId, address collection, address lender, uint256 amount, uint256 rate,"
    " uint256 duration)"
)
REPAY = "Repay(uint256 lienId, address collection)"
START = "StartAuction(uint256 lienId, address collection)"
SEIZE = "Seize(uint256 lienId, address collection)"
LOCKED = "BuyLocked(uint256 lienId, address collection, address buyer, address seller, uint256 id)"
HASH = b"\x01" * 32


def taken(lien, lender, borrower, amount, token=7):
    return log(TAKEN, HASH, lien, COLLECTION, lender, borrower, amount, 1500, token, 9000)


def paid(sender, receiver, amount):
    return log(ERC20, sender, receiver, amount, at=POOL)


def moved(sender, receiver, token=7):
    return log(NFT, sender, receiver, token, at=COLLECTION)


SCENARIO = [
    # 0: ALICE borrows of BOB
    call(BLEND, taken(1, BOB, ALICE, 1000), moved(ALICE, BLEND), paid(BOB, ALICE, 1000)),
    # 1: CAROL takes the lien over by an offer; 2: DAVE in an auction, without one
    call(
        BLEND,
        taken(1, CAROL, ALICE, 1010),
        log(REFINANCE, 1, COLLECTION, CAROL, 1010, 1500, 9000),
        paid(CAROL, BOB, 1010),
    ),
    call(BLEND, log(REFINANCE, 1, COLLECTION, DAVE, 1020, 2500, 9000), paid(DAVE, CAROL, 1020)),
    # 3: repaid by ALICE, who then pays somebody else
    call(
        ROUTER,
        call(
            BLEND,
            log(REPAY, 1, COLLECTION),
            moved(BLEND, ALICE),
            paid(ALICE, DAVE, 1030),
        ),
        paid(ALICE, ERIN, 5),
    ),
    # 4: an auction, and 5: the token seized
    call(BLEND, log(START, 2, COLLECTION)),
    call(BLEND, moved(BLEND, BOB, 8), log(SEIZE, 2, COLLECTION)),
    # 6: ERIN buys the locked token of ALICE, with a deposit, a fee, the debt to BOB and the rest
    call(
        BLEND,
        paid(ZERO, ERIN, 5000),
        paid(ERIN, FEES, 20),
        log(REPAY, 3, COLLECTION),
        log(LOCKED, 3, COLLECTION, ERIN, ALICE, 9),
        moved(BLEND, ERIN, 9),
        paid(ERIN, BOB, 600),
        paid(ERIN, ALICE, 380),
    ),
    # 7: ERIN buys it with a new loan of CAROL that is less than the debt
    call(
        BLEND,
        log(REPAY, 4, COLLECTION),
        log(LOCKED, 4, COLLECTION, ERIN, ALICE, 9),
        taken(5, CAROL, ERIN, 500, token=9),
        paid(CAROL, BOB, 500),
        paid(ERIN, BOB, 100),
        paid(ERIN, ALICE, 300),
    ),
    # 8: and with one that is more than the price
    call(
        BLEND,
        log(REPAY, 6, COLLECTION),
        log(LOCKED, 6, COLLECTION, ERIN, ALICE, 9),
        taken(7, CAROL, ERIN, 1000, token=9),
        paid(CAROL, BOB, 600),
        paid(CAROL, ALICE, 300),
        paid(CAROL, ERIN, 100),
    ),
]


@pytest.fixture(scope="module")
def emitted():
    return settle_emitted("blend")


def test_offer_taken_opens_a_loan(emitted):
    (row,) = loans_of(emitted, "blend", 0)
    assert row["loan_uid"] == f"blend:{BLEND}:1"
    assert told(row, "event", "borrower", "lender", "token_id", "principal_wei", "apr_bps") == (
        "open", ALICE, BOB, "7", 1000, 1500.0,
    )  # fmt: skip
    assert told(row, "currency", "duration_s") == (POOL, None)


def test_offer_taken_for_a_refinance_opens_nothing(emitted):
    (row,) = loans_of(emitted, "blend", 1)
    assert told(row, "event", "borrower", "lender", "token_id", "principal_wei") == (
        "refinance", ALICE, CAROL, "7", 1010,
    )  # fmt: skip
    (row,) = loans_of(emitted, "blend", 2)
    assert told(row, "event", "borrower", "lender", "principal_wei") == (
        "refinance", None, DAVE, 1020,
    )  # fmt: skip


def test_repayment_is_the_transfer_right_behind_it(emitted):
    (row,) = loans_of(emitted, "blend", 3)
    assert told(row, "event", "borrower", "lender", "token_id", "amount_wei", "remainder_wei") == (
        "repay", ALICE, DAVE, "7", 1030, None,
    )  # fmt: skip


def test_auction_and_seizure_are_no_sales(emitted):
    (started,) = loans_of(emitted, "blend", 4)
    (seized,) = loans_of(emitted, "blend", 5)
    assert started["event"] == "auction_start"
    assert told(seized, "event", "lender", "token_id") == ("seize", BOB, "8")
    assert set(emitted["settled_sales"]["tx"]) == {6, 7, 8}


def test_locked_token_is_sold_for_fees_debt_and_rest(emitted):
    sale = one(emitted["settled_sales"].filter(tx=6))
    assert told(sale, "protocol", "seller", "buyer", "token_id", "currency", "price_wei") == (
        "blend", ALICE, ERIN, "9", POOL, 1000,
    )  # fmt: skip
    assert legs_of(emitted, sale) == [
        (FEES, "unknown", 20), (BOB, "lender", 600), (ALICE, "seller", 380),
    ]  # fmt: skip
    assert told(sale, "proceeds_wei", "other_wei", "residual_wei") == (380, 620, 0)
    (row,) = loans_of(emitted, "blend", 6)
    assert told(row, "event", "borrower", "lender", "amount_wei", "remainder_wei") == (
        "repay", ALICE, BOB, 600, 380,
    )  # fmt: skip


@pytest.mark.parametrize("tx", [7, 8])
def test_sale_with_a_new_loan_counts_what_went_to_old_lender_and_seller(emitted, tx):
    sale = one(emitted["settled_sales"].filter(tx=tx))
    assert legs_of(emitted, sale) == [(BOB, "lender", 600), (ALICE, "seller", 300)]
    assert told(sale, "buyer", "price_wei", "residual_wei") == (ERIN, 900, 0)
    repaid, opened = loans_of(emitted, "blend", tx)
    assert told(repaid, "event", "borrower", "amount_wei") == ("repay", ALICE, 600)
    assert told(opened, "event", "borrower", "lender") == ("open", ERIN, CAROL)


def test_every_emitted_sale_balances(emitted):
    assert_balanced(emitted)


def test_without_the_pools_transfers_a_sale_has_no_price_and_a_repayment_no_amount():
    tables = settle(
        make_log(REPAY, 3, COLLECTION, address=BLEND, index=0),
        make_log(LOCKED, 3, COLLECTION, ERIN, ALICE, 9, address=BLEND, index=1),
    )
    sale = one(tables["settled_sales"])
    assert told(sale, "price_wei", "residual_wei", "residual_reason") == (
        None, None, "no payment was seen",
    )  # fmt: skip
    (row,) = loans_of(tables, "blend")
    assert told(row, "event", "amount_wei", "lender", "borrower") == ("repay", None, None, ALICE)


def test_other_contracts_and_impossible_amounts_make_no_loan():
    tables = settle(
        make_log(REPAY, 3, COLLECTION, address=DAVE, index=0),
        make_log(
            TAKEN, HASH, 1, COLLECTION, BOB, ALICE, 2**256 - 1, 0, 7, 0, address=BLEND, index=1
        ),
    )
    assert loans_of(tables, "blend") == []
    assert tables["quarantine"]["reason"].to_list() == ["loanAmount: amount above 38 digits"]


# --- recorded on Ethereum

KINDS = (
    "blend_loan_offer_taken", "blend_refinance", "blend_repay", "blend_start_auction",
    "blend_buy_locked",
)  # fmt: skip
REAL = (
    "0x0301871f26851f93dccc9b309238b58666f475a7f2b072b6fd26f42090073360",
    "0x31074f87f785ea42eceb7be639c2dc8979a9527755c5b93fa97c85e9a53a24f9",
    "0x36af323e58993d94eb49de9fad87eb2e2eab525a041d4662a675ae0959e43f7f",
    "0x59b8231495356669b73ab05fea332bed9329ea0dd5909edf14cd242178fb1541",
    "0x5d258adec381b6a1348cae0da652b4b07ebd2b921ff6635be480888228c7616e",
    "0x92a4974be77d5007ceef9f3d3004a5d27fc4a5f8ed96613b48d8f20ef594d88d",
    "0x98178970505668385fab1ab79311141f64db2a967d355150a9327065cbaf9448",
    "0xa1bf4b513644ec85177c26bc3232754f355a9d1094694cfc181bc3b4c9e065fa",
    "0xc620686804eea7eb6521583505ac6bb75771c480f390757e04367a2f64ff96d1",
    "0xd1c036c40e7d57f96b203280f0a8a7c71254bd9303d525dea557f80f8c9e8a52",
    "0xe26fa72dd604fc7c722fd000d34f79619af4ed3abbb3334de24fd5e309422b0f",
    "0xef9db71d82aba9811f49617b5d4f926b67a0a0ddc6d3d4afe369261efd10f332",
    "0xf5fb9e5dbe5129d729d4fd56e1c2672e50ebe914624ae42dbd7847b79837ffa8",
)
SOLD = "0xe26fa72dd604fc7c722fd000d34f79619af4ed3abbb3334de24fd5e309422b0f"


@needs_mainnet
def test_recorded_loans_agree_with_the_reference_row_by_row():
    expected = reference(*KINDS)
    assert {tx for tx, _ in expected} == set(REAL)
    tables = settle_real(*REAL)
    found = {(row["tx_hash"], row["log_index"]): row for row in loans_of(tables, "blend")}
    sales = {(row["tx_hash"], row["log_index"]) for row in tables["settled_sales"].rows(named=True)}
    refinanced = {
        (tx, index + 1) for (tx, index), says in expected.items()
        if says["kind"] == "blend_loan_offer_taken"
    }  # fmt: skip
    without_row = 0
    for (tx, index), says in expected.items():
        if says["kind"] == "blend_loan_offer_taken" and (tx, index + 1) in expected:
            # An offer that refinances is told by the refinance behind it.
            assert (tx, index) not in found
            without_row += 1
            continue
        if says["kind"] == "blend_buy_locked":
            assert (tx, index) in sales
            continue
        row = found.pop((tx, index))
        assert row["loan_uid"] == f"blend:{BLEND}:{says['lienId']}"
        assert row["collection"] == says["token"]
        if "principal" in says:
            assert told(row, "lender", "principal_wei", "apr_bps") == (
                says["lender"], int(says["principal"]), int(says["rateBps"]),
            )  # fmt: skip
            if (tx, index) in refinanced or "borrower" in says:
                whole = expected.get((tx, index - 1), says)
                assert told(row, "borrower", "token_id") == (whole["borrower"], whole["tokenId"])
    assert (len(expected), without_row, found) == (18, 4, {})


@needs_mainnet
def test_recorded_sale_of_a_locked_token_has_its_legs_from_the_pool():
    tables = settle_real(SOLD)
    sale = one(tables["settled_sales"])
    seller, lender = (
        "0x29f7ec2bef88eaf2370096d3559e9fae8984622c",
        "0x4a814644dd4d9b868cfd564f07f1100de19d87a1",
    )
    assert told(sale, "seller", "buyer", "token_id", "price_wei", "residual_wei") == (
        seller, "0xb855c4ebb5b6eb3f2033aecc4e543e27bc39465d", "8086", 49 * 10**17, 0,
    )  # fmt: skip
    assert legs_of(tables, sale) == [
        (lender, "lender", 99 * 10**16), (seller, "seller", 391 * 10**16),
    ]  # fmt: skip
    (row,) = loans_of(tables, "blend")
    assert row["amount_wei"] == Decimal(99 * 10**16)
