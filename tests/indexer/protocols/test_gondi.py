"""Gondi: emitted on a node at the real addresses."""

import pytest

from indexer.link import rebuild_links
from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.loans import loans_of, told
from tests.indexer.protocols.settled import settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, make_log

GONDI = "0xf41b389e0c1950dc0b16c9498eae77131cc08a56"
HYPERLIQUID = "0x6ad675624ec8320e5806858cd5db101a0b927fd9"
LOAN = (
    "(address,uint256,address,address,uint256,uint256,uint256,"
    "(uint256,uint256,uint256,address,uint256,uint256,uint256)[],uint256)"
)
EMITTED = f"LoanEmitted(uint256 loanId, uint256[] offerId, {LOAN} loan, uint256 fee)"
REFINANCED = f"LoanRefinanced(uint256 id, uint256 old, uint256 new, {LOAN} loan, uint256 fee)"
FROM_OFFERS = (
    f"LoanRefinancedFromNewOffers(uint256 loanId, uint256 new, {LOAN} loan, uint256[] offerIds,"
    " uint256 totalFee)"
)
REPAID = "LoanRepaid(uint256 loanId, uint256 totalRepayment, uint256 fee)"
SENT = "LoanSentToLiquidator(uint256 loanId, address liquidator)"
LIQUIDATED = "LoanLiquidated(uint256 loanId)"
FORECLOSED = "LoanForeclosed(uint256 loanId)"
START, DAY = 1_700_000_000, 86_400


def tranche(lender, lent, apr, *, first=1, floor=0, accrued=0, start=START):
    return (first, floor, lent, lender, accrued, start, apr)


def loan(*tranches, principal=None, token=7):
    total = sum(each[2] for each in tranches) if principal is None else principal
    return (ALICE, token, COLLECTION, WETH, total, START, 30 * DAY, list(tranches), 5)


ONE = loan(tranche(BOB, 1000, 1200))
TWO = loan(
    tranche(BOB, 1000, 1200, accrued=3),
    tranche(CAROL, 3000, 2000, first=2, floor=1000, start=START + DAY),
)

SCENARIO = [
    # 0: one lender; 1: a second tranche, and so a new number; 2: new offers; 3: repaid
    call(GONDI, log(EMITTED, 1, [4, 5], ONE, 9)),
    call(GONDI, log(REFINANCED, 11, 1, 2, TWO, 0)),
    call(GONDI, log(FROM_OFFERS, 2, 3, ONE, [8], 1)),
    call(GONDI, log(REPAID, 3, 1100, 6)),
    # 4, 5: another loan goes to auction, and is liquidated
    call(GONDI, log(EMITTED, 4, [], loan(tranche(BOB, 10, 1), token=8), 0), log(SENT, 4, DAVE)),
    call(GONDI, log(LIQUIDATED, 4)),
    # 6: and one goes to its only lender
    call(GONDI, log(EMITTED, 5, [], loan(tranche(BOB, 10, 1), token=9), 0), log(FORECLOSED, 5)),
]


def uid(number):
    return f"gondi:{GONDI}:{number}"


@pytest.fixture(scope="module")
def emitted():
    return settle_emitted("gondi")


def test_loan_of_one_lender_has_its_terms(emitted):
    (row,) = loans_of(emitted, "gondi", 0)
    assert told(
        row, "loan_uid", "event", "borrower", "lender", "collection", "token_id", "currency"
    ) == (uid(1), "open", ALICE, BOB, COLLECTION, "7", WETH)
    assert told(row, "principal_wei", "apr_bps", "duration_s", "parent_loan_uid") == (
        1000, 1200.0, 30 * DAY, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tx", "old", "new", "lender", "apr"), [(1, 1, 2, None, 1800.0), (2, 2, 3, BOB, 1200.0)]
)
def test_refinancing_replaces_the_loan_by_another(emitted, tx, old, new, lender, apr):
    rows = sorted(loans_of(emitted, "gondi", tx), key=lambda row: row["item_index"])
    assert [told(row, "loan_uid", "event", "parent_loan_uid") for row in rows] == [
        (uid(old), "replace", None),
        (uid(new), "open", uid(old)),
    ]
    assert told(rows[1], "lender", "apr_bps") == (lender, apr)


def test_tranches_tell_every_lender(emitted):
    rows = emitted["loan_tranches"].filter(tx=1).sort("item_index").rows(named=True)
    names = (
        "loan_uid", "tranche_loan_uid", "lender", "floor_wei", "principal_wei", "accrued_wei",
        "apr_bps",
    )  # fmt: skip
    assert [told(row, *names) for row in rows] == [
        (uid(2), uid(1), BOB, 0, 1000, 3, 1200.0),
        (uid(2), uid(2), CAROL, 1000, 3000, 0, 2000.0),
    ]


def test_each_way_to_end_is_told(emitted):
    ends = {
        told(row, "loan_uid", "event", "amount_wei")
        for row in loans_of(emitted, "gondi")
        if row["event"] not in ("open", "replace")
    }
    assert ends == {
        (uid(3), "repay", 1100),
        (uid(4), "auction_start", None),
        (uid(4), "liquidate", None),
        (uid(5), "claim", None),
    }


def test_loans_end_in_their_states_with_their_lineage(store, emitted):
    for name in ("loan_events", "loan_tranches"):
        store.append(name, emitted[name].drop("tx"))
    rebuild_links(store)
    found = {
        row["loan_uid"]: (row["state"], row["parent_loan_uid"])
        for row in store.read("loans").rows(named=True)
    }
    assert found == {
        uid(1): ("refinanced", None),
        uid(2): ("refinanced", uid(1)),
        uid(3): ("repaid", uid(2)),
        uid(4): ("liquidated", None),
        uid(5): ("defaulted", None),
    }


def test_emitters_are_told_apart_by_chain():
    made = make_log(REPAID, 3, 1100, 6, address=HYPERLIQUID)
    assert loans_of(settle(made), "gondi") == []
    (row,) = loans_of(settle(made, chain_id=999), "gondi")
    assert row["loan_uid"] == f"gondi:{HYPERLIQUID}:3"


def test_impossible_amounts_are_quarantined_and_a_loan_without_tranches_has_no_rate():
    hostile = loan(tranche(BOB, 2**256 - 1, 1200), principal=5)
    tables = settle(
        make_log(EMITTED, 1, [], hostile, 0, address=GONDI, index=0),
        make_log(EMITTED, 2, [], loan(principal=5), 0, address=GONDI, index=1),
        make_log(EMITTED, 3, [], loan(tranche(BOB, 0, 9)), 0, address=GONDI, index=2),
    )
    rows = loans_of(tables, "gondi")
    assert [told(row, "loan_uid", "lender", "apr_bps") for row in rows] == [
        (uid(2), None, None), (uid(3), BOB, None),
    ]  # fmt: skip
    assert tables["quarantine"].height == 1
