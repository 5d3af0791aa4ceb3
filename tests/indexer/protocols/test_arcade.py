"""Arcade: emitted on a node at the real addresses, with what `getLoan` answers there."""

import pytest
from eth_abi import encode

from indexer.link import rebuild_links
from indexer.protocols.arcade import ANSWERS, PROTOCOL, read_terms
from tests.emission.emit import GENESIS_TIME, STEP_S
from tests.emission.script import View, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.loans import loans_of, told
from tests.indexer.protocols.settled import settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, make_log

V2 = "0x81b2f8fc75bab64a6b144aa6d2faa127b4fa7fd9"
V3 = "0x89bc08ba00f135d608bc335f6b33d7a9abcc98af"
STARTED = "LoanStarted(uint256 loanId, address lender, address borrower)"
ROLLED = "LoanRolledOver(uint256 oldLoanId, uint256 newLoanId)"
REPAID = "LoanRepaid(uint256 loanId)"
CLAIMED = "LoanClaimed(uint256 loanId)"
FORCED = "ForceRepay(uint256 loanId)"
TERMS_2 = "(uint32,uint32,uint24,uint160,uint256,address,uint256,address)"
DAY, PERCENT = 86_400, 10**20
GET_LOAN = bytes.fromhex("504006ca")

SCENARIO = [
    # 0: opened, and 1: rolled over into another
    call(V2, log(STARTED, 1, BOB, ALICE)),
    call(V2, log(REPAID, 1), log(STARTED, 2, CAROL, ALICE), log(ROLLED, 1, 2)),
    # 2: that one is repaid
    call(V2, log(REPAID, 2)),
    # 3: opened, and 4: repaid by force
    call(V3, log(STARTED, 1, BOB, ALICE)),
    call(V3, log(FORCED, 1)),
    # 5: another is claimed
    call(V3, log(CLAIMED, 9)),
]


def starts_at(tx):
    return GENESIS_TIME + STEP_S * (tx + 1)


def answer_2(tx, *, term=30 * DAY, instalments=0, rate=10 * PERCENT, principal=1000):
    terms = (term, 2**32 - 1, instalments, rate, principal, COLLECTION, 7, WETH)
    return encode(
        ["uint8", "uint24", "uint160", TERMS_2, "uint256", "uint256", "uint256"],
        [1, 0, starts_at(tx), terms, 1000, 0, 0],
    )  # fmt: skip


def answer_3(tx):
    terms = (5 * PERCENT, 2000, COLLECTION, 30 * DAY, 8, WETH, 2**96 - 1, b"\0" * 32)
    return encode(
        ["uint8", "uint160", "(uint256,uint256,address,uint96,uint256,address,uint96,bytes32)",
         "(uint16,uint16,uint16)"],
        [1, starts_at(tx), terms, (0, 0, 0)],
    )  # fmt: skip


# A view answers alike at any block: of the first loan of each contract.
VIEWS = [View(V2, GET_LOAN, answer_2(0)), View(V3, GET_LOAN, answer_3(3))]


@pytest.fixture(scope="module")
def emitted():
    return settle_emitted("arcade")


@pytest.mark.parametrize(
    ("tx", "contract", "version", "token", "principal", "repayment"),
    [(0, V2, "2", "7", 1000, 1100), (3, V3, "3", "8", 2000, 2100)],
)
def test_terms_come_from_the_contract(emitted, tx, contract, version, token, principal, repayment):
    (row,) = loans_of(emitted, "arcade", tx)
    assert (row["loan_uid"], row["version"]) == (f"arcade:{contract}:1", version)
    assert told(row, "event", "borrower", "lender", "collection", "token_id", "currency") == (
        "open", ALICE, BOB, COLLECTION, token, WETH,
    )  # fmt: skip
    assert told(row, "principal_wei", "repayment_wei", "duration_s") == (
        principal, repayment, 30 * DAY,
    )  # fmt: skip


def test_rollover_replaces_a_loan_and_repays_none(emitted):
    opened, replaced = loans_of(emitted, "arcade", 1)
    assert told(opened, "loan_uid", "event", "lender", "parent_loan_uid") == (
        f"arcade:{V2}:2", "open", CAROL, f"arcade:{V2}:1",
    )  # fmt: skip
    assert told(replaced, "loan_uid", "event") == (f"arcade:{V2}:1", "replace")


def test_answer_of_another_time_is_not_believed(emitted):
    opened = loans_of(emitted, "arcade", 1)[0]
    assert told(opened, "collection", "principal_wei", "duration_s") == (None, None, None)


def test_each_way_to_end_is_told(emitted):
    ends = [loans_of(emitted, "arcade", tx)[0] for tx in (2, 4, 5)]
    assert [told(row, "loan_uid", "event", "amount_wei") for row in ends] == [
        (f"arcade:{V2}:2", "repay", None),
        (f"arcade:{V3}:1", "repay", None),
        (f"arcade:{V3}:9", "claim", None),
    ]


def test_loans_end_in_their_states(store, emitted):
    store.append("loan_events", emitted["loan_events"].drop("tx"))
    rebuild_links(store)
    loans = {row["loan_uid"]: row for row in store.read("loans").rows(named=True)}
    assert {uid: row["state"] for uid, row in loans.items()} == {
        f"arcade:{V2}:1": "refinanced",
        f"arcade:{V2}:2": "repaid",
        f"arcade:{V3}:1": "repaid",
        f"arcade:{V3}:9": "defaulted",
    }
    # 10 % in 30 days; nobody knows what was repaid.
    assert loans[f"arcade:{V2}:1"]["apr_bps"] == pytest.approx(1000 * 365 / 30)
    assert loans[f"arcade:{V3}:1"]["repaid_wei"] is None


@pytest.mark.parametrize(
    "output",
    [
        answer_2(0)[:-32],
        answer_2(0, term=60),
        answer_2(0, term=2**32 - 1),
        answer_2(0, principal=2**256 - 1),
        answer_2(0)[: 8 * 32] + b"\xff" * 32 + answer_2(0)[9 * 32 :],
        b"",
    ],
    ids=["short", "too short a term", "too long a term", "absurd", "no address", "nothing"],
)
def test_impossible_answers_leave_the_terms_unknown(output):
    time = loans_of(settle_emitted("arcade"), "arcade", 0)[0]["block_time"]
    assert read_terms(answer_2(0), ANSWERS["2"], time)["principal_wei"] == 1000
    assert set(read_terms(output, ANSWERS["2"], time).values()) == {None}


def test_loan_in_instalments_has_no_fixed_repayment():
    time = loans_of(settle_emitted("arcade"), "arcade", 0)[0]["block_time"]
    terms = read_terms(answer_2(0, instalments=4), ANSWERS["2"], time)
    assert (terms["principal_wei"], terms["repayment_wei"]) == (1000, None)


def test_without_reads_a_loan_has_its_parties_only():
    (row,) = loans_of(settle(make_log(STARTED, 1, BOB, ALICE, address=V2)), "arcade")
    assert told(row, "event", "borrower", "lender", "collection", "quantity") == (
        "open", ALICE, BOB, None, None,
    )  # fmt: skip


def test_other_contracts_are_not_listened_to():
    assert loans_of(settle(make_log(STARTED, 1, BOB, ALICE, address=DAVE)), "arcade") == []


def test_no_call_is_made_for_what_is_no_opening():
    assert PROTOCOL.calls is not None
    assert PROTOCOL.calls({}, None).is_empty()
