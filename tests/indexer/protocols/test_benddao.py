"""BendDAO: emitted on a node at the real addresses, and recorded on Ethereum."""

import json

import pytest

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.loans import loans_of, reference, told
from tests.indexer.protocols.settled import settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, make_log
from tests.paths import MAINNET, needs_mainnet

BOOK = "0x5f6ac80cdb9e87f3cfa6a90e5140b9a16a361d5c"
POOL = "0x70b97a0da65c15dfb0ffa02aee6fa36e507c2762"
ASSET = " address nftAsset, uint256 nftTokenId,"
HEAD = f"(address indexed user, uint256 indexed loanId,{ASSET}"
CREATED = (
    "LoanCreated(address indexed user, address indexed onBehalfOf, uint256 indexed loanId,"
    f"{ASSET} address reserve, uint256 amount, uint256 borrowIndex)"
)
UPDATED = f"LoanUpdated{HEAD} address reserve, uint256 added, uint256 taken, uint256 borrowIndex)"
REPAID = f"LoanRepaid{HEAD} address reserve, uint256 amount, uint256 borrowIndex)"
AUCTIONED = (
    f"LoanAuctioned{HEAD} uint256 amount, uint256 borrowIndex, address bidder, uint256 price,"
    " address previousBidder, uint256 previousPrice)"
)
REDEEMED = f"LoanRedeemed{HEAD} address reserve, uint256 amountTaken, uint256 borrowIndex)"
LIQUIDATED = f"LoanLiquidated{HEAD} address reserve, uint256 amount, uint256 borrowIndex)"
BORROW = (
    "Borrow(address user, address indexed reserve, uint256 amount, address nftAsset,"
    " uint256 nftTokenId, address indexed onBehalfOf, uint256 borrowRate, uint256 loanId,"
    " uint16 indexed referral)"
)
TAIL = " address indexed nftAsset, uint256 nftTokenId, address indexed borrower, uint256 loanId)"
REPAY = f"Repay(address user, address indexed reserve, uint256 amount,{TAIL}"
REDEEM = (
    f"Redeem(address user, address indexed reserve, uint256 borrowAmount, uint256 fineAmount,{TAIL}"
)
LIQUIDATE = (
    "Liquidate(address user, address indexed reserve, uint256 repayAmount, uint256 remainAmount,"
    f"{TAIL}"
)
AUCTION = (
    "Auction(address user, address indexed reserve, uint256 bidPrice, address indexed nftAsset,"
    " uint256 nftTokenId, address onBehalfOf, address indexed borrower, uint256 loanId)"
)
RAY = 10**27
TOKEN = (COLLECTION, 7)


def book(signature, *arguments):
    return log(signature, *arguments, at=BOOK)


SCENARIO = [
    # 0: DAVE borrows for ALICE
    call(
        POOL,
        book(CREATED, DAVE, ALICE, 9, *TOKEN, WETH, 1000, RAY),
        log(BORROW, DAVE, WETH, 1000, *TOKEN, ALICE, 3 * RAY // 10, 9, 0),
    ),
    # 1: more is lent
    call(
        POOL,
        book(UPDATED, ALICE, 9, *TOKEN, WETH, 500, 0, RAY),
        log(BORROW, ALICE, WETH, 500, *TOKEN, ALICE, RAY // 4, 9, 0),
    ),
    # 2: a part is repaid
    call(
        POOL,
        book(UPDATED, BOB, 9, *TOKEN, WETH, 0, 200, RAY),
        log(REPAY, BOB, WETH, 200, *TOKEN, ALICE, 9),
    ),
    # 3: two bids
    call(
        POOL,
        book(AUCTIONED, CAROL, 9, *TOKEN, 1300, RAY, CAROL, 1400, ZERO, 0),
        log(AUCTION, CAROL, WETH, 1400, *TOKEN, CAROL, ALICE, 9),
        book(AUCTIONED, DAVE, 9, *TOKEN, 1300, RAY, DAVE, 1500, CAROL, 1400),
        log(AUCTION, DAVE, WETH, 1500, *TOKEN, DAVE, ALICE, 9),
    ),
    # 4: redeemed and repaid at once
    call(
        POOL,
        book(REDEEMED, ALICE, 9, *TOKEN, WETH, 700, RAY),
        log(REDEEM, ALICE, WETH, 700, 70, *TOKEN, ALICE, 9),
        book(REPAID, ALICE, 9, *TOKEN, WETH, 610, RAY),
        log(REPAY, ALICE, WETH, 610, *TOKEN, ALICE, 9),
    ),
    # 5: another loan is liquidated
    call(
        POOL,
        book(LIQUIDATED, DAVE, 8, *TOKEN, WETH, 1300, RAY),
        log(LIQUIDATE, DAVE, WETH, 1300, 200, *TOKEN, BOB, 8),
    ),
]


@pytest.fixture(scope="module")
def emitted():
    return settle_emitted("benddao")


def test_opening_names_borrower_principal_and_the_rate_of_the_pool(emitted):
    (row,) = loans_of(emitted, "benddao", 0)
    assert row["loan_uid"] == f"benddao:{BOOK}:9"
    assert told(row, "event", "borrower", "account", "lender", "token_id", "currency") == (
        "open", ALICE, DAVE, None, "7", WETH,
    )  # fmt: skip
    assert told(row, "principal_wei", "apr_bps") == (1000, 3000.0)


def test_more_lent_and_a_part_repaid_leave_the_loan_open(emitted):
    (more,) = loans_of(emitted, "benddao", 1)
    assert told(more, "event", "borrower", "amount_wei", "apr_bps") == ("borrow", ALICE, 500, 2500)
    (less,) = loans_of(emitted, "benddao", 2)
    assert told(less, "event", "borrower", "account", "amount_wei") == (
        "partial_repay", ALICE, BOB, 200,
    )  # fmt: skip


def test_first_bid_starts_the_auction_and_the_next_does_not(emitted):
    bids = loans_of(emitted, "benddao", 3)
    assert [told(row, "event", "borrower", "account", "amount_wei") for row in bids] == [
        ("auction_start", ALICE, CAROL, 1400),
        ("bid", ALICE, DAVE, 1500),
    ]


def test_redemption_and_repayment_are_two_events_with_amounts_of_their_own(emitted):
    rows = loans_of(emitted, "benddao", 4)
    assert [told(row, "event", "borrower", "amount_wei") for row in rows] == [
        ("redeem", ALICE, 700),
        ("repay", ALICE, 610),
    ]


def test_liquidation_tells_debt_and_what_was_left_and_is_no_sale(emitted):
    (row,) = loans_of(emitted, "benddao", 5)
    assert told(row, "event", "borrower", "account", "amount_wei", "remainder_wei") == (
        "liquidate", BOB, DAVE, 1300, 200,
    )  # fmt: skip
    assert emitted["settled_sales"].is_empty()


def test_the_book_alone_leaves_unknown_what_only_the_pool_says():
    tables = settle(
        make_log(CREATED, DAVE, ALICE, 9, *TOKEN, WETH, 1000, RAY, address=BOOK, index=0),
        make_log(LIQUIDATED, DAVE, 9, *TOKEN, WETH, 1300, RAY, address=BOOK, index=1),
    )
    opened, ended = loans_of(tables, "benddao")
    assert told(opened, "borrower", "apr_bps") == (ALICE, None)
    assert told(ended, "borrower", "remainder_wei") == (None, None)


def test_the_pool_alone_closes_no_loan():
    tables = settle(make_log(REPAY, BOB, WETH, 200, *TOKEN, ALICE, 9, address=POOL))
    assert loans_of(tables, "benddao") == []


def test_other_contracts_and_impossible_amounts_make_no_loan():
    tables = settle(
        make_log(REPAID, ALICE, 9, *TOKEN, WETH, 610, RAY, address=DAVE, index=0),
        make_log(REPAID, ALICE, 9, *TOKEN, WETH, 2**256 - 1, RAY, address=BOOK, index=1),
    )
    assert loans_of(tables, "benddao") == []
    assert tables["quarantine"]["reason"].to_list() == ["amount: amount above 38 digits"]


# --- recorded on Ethereum

# Of a liquidation the pool names its caller, here the contract that wraps ether; the book the
# bidder, who also got the token.
OTHER_ACCOUNTS = {"395": "0x8b04a096b16d6dbcd6eb06ca95548c0da23092c8"}
REAL = (
    "0x0439813b5306d113e7453455804fa804250fabfdf06e7490811a389035e4d3f1",
    "0xbe78726deb3efb4ea062517fe23cdc11312bea4fda8a5903693f9030fd8b472e",
    "0xceda102d0726ac9f8497655d04673f6fa594df66f95e9396d1959accc9ba15cf",
)
KINDS = {
    "bend_borrow": ("open", "onBehalfOf", "principal"),
    "bend_repay": ("repay", "borrower", "value"),
    "bend_redeem": ("redeem", "borrower", "borrowAmount"),
    "bend_liquidate": ("liquidate", "borrower", "repay"),
}


@needs_mainnet
def test_recorded_loans_agree_with_the_reference_row_by_row():
    expected = reference(*KINDS)
    tables = settle_real(*REAL)
    found = {
        (row["tx_hash"], row["event"], row["loan_uid"].split(":")[2]): row
        for row in loans_of(tables, "benddao")
    }
    # The reference reads the pool, these rows the book: alike but for the log index.
    assert len(found) == len(expected) == 5
    for (tx, _), says in expected.items():
        event, borrower, amount = KINDS[says["kind"]]
        row = found[tx, event, says["loanId"]]
        column = "principal_wei" if event == "open" else "amount_wei"
        assert told(row, "borrower", "account", "currency", "collection", "token_id", column) == (
            says[borrower],
            OTHER_ACCOUNTS.get(says["loanId"], says["user"]),
            says["reserve"], says["token"], says["tokenId"],
            int(says[amount]),
        )  # fmt: skip
    assert told(found[next(tx for tx, _ in expected if tx[:6] == "0xbe78"), "liquidate", "395"],
                "remainder_wei") == (7_926_457_751_060_414_564,)  # fmt: skip


ACTIONS = {"redeem": "Repay", "repay": "Repay", "open": "Create", "liquidate": "Liquidate"}


@needs_mainnet
def test_recorded_loans_are_the_loan_actions_that_rss3_expects():
    # RSS3 tells no cost of a loan action, only the token and who owes (or gets the rest).
    lines = (MAINNET / "expected_actions_rss3.jsonl").read_text().splitlines()
    actions = [row for row in map(json.loads, lines) if row["type"] == "ExchangeLoan"]
    actions = [row for row in actions if row["platform"] == "BendDAO"]
    expected = sorted(
        (
            row["transactionHash"],
            row["action"].removeprefix("ActionExchangeLoan"),
            row["to"],
            row["token"]["address"],
            row["token"]["id"],
        )
        for row in actions
    )
    tables = settle_real(*{row[0] for row in expected})
    found = sorted(
        (row["tx_hash"], ACTIONS[row["event"]], row["borrower"], row["collection"], row["token_id"])
        for row in loans_of(tables, "benddao")
    )
    assert len(expected) == 4
    assert found == expected
