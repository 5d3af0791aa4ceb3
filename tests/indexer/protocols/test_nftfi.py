"""NFTfi: emitted on a node at the real addresses, and recorded on Ethereum."""

from datetime import datetime

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.loans import loans_of, reference, told
from tests.indexer.protocols.settled import settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, make_log
from tests.paths import needs_mainnet

V1 = "0x88341d1a8f672d2780c8dc725902aae72f143b0c"
V2 = "0xf896527c49b44aab3cf22ae356fa3af8e331f280"
V2_1 = "0x8252df1d8b29057d1afe3062bf5a64d503152bc8"
V2_3 = "0xd0a40eb7fd94ee97102ba8e9342243a2b2e22207"
V3 = "0x9f10d706d789e4c76a1a6434cd1a9841c875c0a6"
CLOSED = (
    " uint256 loanPrincipalAmount, uint256 nftCollateralId, uint256 loanMaturityDate,"
    " uint256 loanLiquidationDate, address nftCollateralContract)"
)
STARTED_1 = (
    "LoanStarted(uint256 loanId, address borrower, address lender, uint256 principal,"
    " uint256 maximum, uint256 tokenId, uint256 start, uint256 duration, uint256 rate,"
    " address collection, address currency, bool isProRated)"
)
REPAID_1 = (
    "LoanRepaid(uint256 loanId, address borrower, address lender, uint256 principal,"
    " uint256 tokenId, uint256 toLender, uint256 adminFee, address collection, address currency)"
)
LIQUIDATED_1 = "LoanLiquidated(uint256 loanId, address borrower, address lender," + CLOSED
PARTIES = "uint32 indexed loanId, address indexed borrower, address indexed lender,"
STARTED_2 = (
    f"LoanStarted({PARTIES} (uint256,uint256,uint256,address,uint32,uint16,uint16,address,uint64,"
    "address,address) loanTerms, (address,uint16,uint16) loanExtras)"
)
REPAID_2 = (
    f"LoanRepaid({PARTIES} uint256 principal, uint256 tokenId, uint256 toLender, uint256 adminFee,"
    " uint256 share, address partner, address collection, address currency)"
)
LIQUIDATED_2 = f"LoanLiquidated({PARTIES}" + CLOSED
RENEGOTIATED_2 = (
    f"LoanRenegotiated({PARTIES} uint32 duration, uint256 maximum, uint256 fee, uint256 adminFee)"
)
STARTED_3 = (
    f"LoanStarted({PARTIES} (uint256,uint256,uint256,address,uint32,uint16,uint16,uint256,address,"
    "uint64,address,address,address,address,bool) loanTerms)"
)
REPAID_3 = (
    f"LoanRepaid({PARTIES} uint256 principal, uint256 tokenId, uint256 toLender, uint256 adminFee,"
    " address collection, address currency)"
)
RENEGOTIATED_3 = (
    f"LoanRenegotiated({PARTIES} uint32 duration, uint256 maximum, uint256 fee, uint256 adminFee,"
    " bool isProRata)"
)
DAY, START = 86_400, 1_700_000_000
TERMS_2 = (1000, 1100, 7, WETH, 30 * DAY, 0, 500, DAVE, START, COLLECTION, ALICE)
TERMS_3 = (
    1000, 1100, 7, WETH, 30 * DAY, 1000, 500, 20, DAVE, START, COLLECTION, ALICE, BOB, DAVE, True,
)  # fmt: skip

SCENARIO = [
    # 0 and 1: generation 1, opened and repaid
    call(
        V1,
        log(
            STARTED_1, 5, ALICE, BOB, 1000, 1100, 7, START, 30 * DAY, 1000, COLLECTION, WETH, False
        ),
    ),
    call(V1, log(REPAID_1, 5, ALICE, BOB, 1000, 7, 1095, 5, COLLECTION, WETH)),
    # 2: generation 1, the lender takes an overdue token
    call(V1, log(LIQUIDATED_1, 6, ALICE, BOB, 1000, 8, START, START + DAY, COLLECTION)),
    # 3, 4, 5: generation 2, opened, renegotiated, repaid with a share for a partner
    call(V2, log(STARTED_2, 5, ALICE, BOB, TERMS_2, (ZERO, 0, 0))),
    call(V2, log(RENEGOTIATED_2, 5, ALICE, BOB, 60 * DAY, 1200, 30, 2)),
    call(V2, log(REPAID_2, 5, ALICE, CAROL, 1000, 7, 1190, 6, 4, DAVE, COLLECTION, WETH)),
    # 6: generation 2.1, and 7: 2.3
    call(V2_1, log(LIQUIDATED_2, 5, ALICE, BOB, 1000, 7, START, START + DAY, COLLECTION)),
    call(V2_3, log(STARTED_2, 5, ALICE, BOB, TERMS_2, (ZERO, 0, 0))),
    # 8, 9, 10: generation 3
    call(V3, log(STARTED_3, 5, ALICE, BOB, TERMS_3)),
    call(V3, log(RENEGOTIATED_3, 5, ALICE, BOB, 60 * DAY, 1200, 30, 2, True)),
    call(V3, log(REPAID_3, 5, ALICE, BOB, 1000, 7, 1190, 10, COLLECTION, WETH)),
]


def only(tx):
    (row,) = loans_of(settle_emitted("nftfi"), "nftfi", tx)
    return row


def test_opening_of_each_generation_has_its_terms():
    for tx, contract, version in ((0, V1, "1"), (3, V2, "2"), (7, V2_3, "2.3"), (8, V3, "3")):
        row = only(tx)
        assert (row["loan_uid"], row["version"]) == (f"nftfi:{contract}:5", version)
        assert told(
            row, "event", "borrower", "lender", "collection", "token_id", "quantity", "currency"
        ) == ("open", ALICE, BOB, COLLECTION, "7", "1", WETH)
        assert told(row, "principal_wei", "repayment_wei", "duration_s") == (1000, 1100, 30 * DAY)
        assert row["start_time"] == datetime(2023, 11, 14, 22, 13, 20)
        assert row["apr_bps"] is None


def test_repayment_is_what_the_borrower_paid_with_what_the_platform_got_of_it():
    assert told(only(1), "event", "lender", "amount_wei", "fee_wei") == ("repay", BOB, 1100, 5)
    assert told(only(5), "event", "lender", "amount_wei", "fee_wei") == ("repay", CAROL, 1200, 10)
    assert told(only(10), "event", "lender", "amount_wei", "fee_wei") == ("repay", BOB, 1200, 10)


def test_liquidation_is_a_claim_of_the_lender_and_no_sale():
    tables = settle_emitted("nftfi")
    for tx in (2, 6):
        (row,) = loans_of(tables, "nftfi", tx)
        assert told(row, "event", "account", "amount_wei") == ("claim", BOB, None)
    assert tables["settled_sales"].is_empty()


def test_renegotiation_changes_the_terms_of_the_same_loan():
    for tx in (4, 9):
        row = only(tx)
        assert told(row, "event", "repayment_wei", "duration_s", "amount_wei", "fee_wei") == (
            "refinance", 1200, 60 * DAY, 30, 2,
        )  # fmt: skip
        assert row["principal_wei"] is None


def test_loans_of_equal_number_in_different_contracts_are_different_loans():
    uids = {row["loan_uid"] for row in loans_of(settle_emitted("nftfi"), "nftfi")}
    assert {f"nftfi:{contract}:5" for contract in (V1, V2, V2_1, V2_3, V3)} < uids


def test_other_contracts_are_not_listened_to():
    tables = settle(make_log(REPAID_1, 5, ALICE, BOB, 1, 7, 1, 0, COLLECTION, WETH, address=DAVE))
    assert loans_of(tables, "nftfi") == []


def test_impossible_amounts_are_quarantined_and_impossible_times_are_unknown():
    terms = (2**256 - 1, *TERMS_2[1:])
    late = (*TERMS_2[:8], 2**64 - 1, *TERMS_2[9:])
    tables = settle(
        make_log(STARTED_2, 5, ALICE, BOB, terms, (ZERO, 0, 0), address=V2, index=0),
        make_log(STARTED_2, 6, ALICE, BOB, late, (ZERO, 0, 0), address=V2, index=1),
    )
    (row,) = loans_of(tables, "nftfi")
    assert (row["loan_uid"], row["start_time"]) == (f"nftfi:{V2}:6", None)
    assert tables["quarantine"]["reason"].to_list() == [
        "loanTerms.loanPrincipalAmount: amount above 38 digits"
    ]


def test_repayments_that_add_up_to_more_than_38_digits_are_unknown():
    most = 10**38 - 1
    log_ = make_log(REPAID_1, 5, ALICE, BOB, 1, 7, most, most, COLLECTION, WETH, address=V1)
    (row,) = loans_of(settle(log_), "nftfi")
    assert told(row, "event", "amount_wei", "fee_wei") == ("repay", None, most)


REAL = (
    "0x491a6fbfc14381095c82803ec06be22c04ea05ed2bb8ad216de7467ef5c7243a",
    "0x84c8e34ba5a2445deb4f1cbc4e880d4098613722ff3b1a7c41d33e1fca3aa66c",
)


@needs_mainnet
def test_recorded_loans_agree_with_the_reference_row_by_row():
    expected = reference("nftfi_loan_repaid", "nftfi_loan_liquidated")
    tables = settle_real(*REAL)
    rows = {(row["tx_hash"], row["log_index"]): row for row in loans_of(tables, "nftfi")}
    assert rows.keys() == expected.keys()
    assert len(rows) == 2
    for key, row in rows.items():
        says = expected[key]
        is_repaid = says["kind"] == "nftfi_loan_repaid"
        assert row["loan_uid"] == f"nftfi:{says['contract']}:{says['loanId']}"
        assert row["event"] == ("repay" if is_repaid else "claim")
        assert (row["borrower"], row["lender"]) == (says["borrower"], says["lender"])
        assert (row["collection"], row["token_id"]) == (says["token"], says["tokenId"])
        if is_repaid:
            paid = int(says["paidToLender"]) + int(says["adminFee"])
            assert told(row, "amount_wei", "fee_wei") == (paid, int(says["adminFee"]))
            assert row["currency"] == says["currency"]
