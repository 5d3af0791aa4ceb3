"""PartyDAO 1, acted out on a node, and a real contribution."""

from decimal import Decimal

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.vaults import linked, of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

DISTRIBUTOR = "0x1ca2007a81f8a7491bb6e11d8e357fd810896454"
CROWDFUND, PARTY, LOST = "0x" + "71" * 20, "0x" + "72" * 20, "0x" + "73" * 20
FAKE = "0x" + "74" * 20
ETHER = "0x" + "ee" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
CONTRIBUTED = (
    "Contributed(address sender, address contributor, uint256 amount, address delegate,"
    " uint256 previousTotalContributions)"
)
WON = "Won(address party, address[] tokens, uint256[] tokenIds, uint256 settledPrice)"
BURNED = "Burned(address contributor, uint256 ethUsed, uint256 ethOwed, uint256 votingPower)"
CREATED = (
    "DistributionCreated(address indexed party, (uint8 a, uint256 b, address c, address d,"
    " address e, uint128 f, uint128 g, uint96 h) info)"
)
CREATED_OLD = (
    "DistributionCreated(address indexed party, (uint8 a, uint256 b, address c, address d,"
    " address e, uint128 f, uint128 g) info)"
)
CLAIMED = (
    "DistributionClaimedByPartyToken(address indexed party, uint256 indexed partyTokenId,"
    " address indexed owner, uint8 tokenType, address token, uint256 amountClaimed)"
)
FEE_CLAIMED = (
    "DistributionFeeClaimed(address indexed party, address indexed feeRecipient, uint8 tokenType,"
    " address token, uint256 amount)"
)

SCENARIO = [
    # 0: three people pool 1200
    call(CROWDFUND, log(CONTRIBUTED, ALICE, ALICE, 600, ALICE, 0), value=600),
    call(CROWDFUND, log(CONTRIBUTED, BOB, BOB, 300, BOB, 600), value=300),
    call(CROWDFUND, log(CONTRIBUTED, DAVE, CAROL, 300, CAROL, 900), value=300),
    # 3: two works for 1000
    call(
        CROWDFUND,
        log(NFT, DAVE, CROWDFUND, 1, at=COLLECTION),
        log(NFT, DAVE, CROWDFUND, 2, at=COLLECTION),
        log(NFT, CROWDFUND, PARTY, 1, at=COLLECTION),
        log(NFT, CROWDFUND, PARTY, 2, at=COLLECTION),
        log(WON, PARTY, [COLLECTION, COLLECTION], [1, 2], 1000),
    ),
    # 4: ALICE and BOB get their cards in one transaction
    call(
        CROWDFUND,
        log(NFT, ALICE, ZERO, 91),
        log(NFT, ZERO, ALICE, 1, at=PARTY),
        log(BURNED, ALICE, 600, 0, 600),
        log(NFT, BOB, ZERO, 92),
        log(NFT, ZERO, BOB, 2, at=PARTY),
        log(BURNED, BOB, 300, 0, 300),
    ),
    # 5: BOB gives his card to DAVE; then a distribution of 1000, of which 25 are the fee
    call(PARTY, log(NFT, BOB, DAVE, 2)),
    call(
        DISTRIBUTOR,
        log(CREATED, PARTY, (0, 1, PARTY, CAROL, ETHER, 975, 25, 1000)),
        value=1000,
    ),
    # 7: CAROL turns in only now; 200 of her ether were not spent
    call(
        CROWDFUND,
        log(NFT, CAROL, ZERO, 93),
        log(NFT, ZERO, CAROL, 3, at=PARTY),
        Pay(CAROL, 200),
        log(BURNED, CAROL, 100, 200, 100),
    ),
    # 8: claims; DAVE, who owns the card now
    call(
        DISTRIBUTOR,
        Pay(ALICE, 585),
        log(CLAIMED, PARTY, 1, ALICE, 0, ETHER, 585),
        Pay(DAVE, 293),
        log(CLAIMED, PARTY, 2, DAVE, 0, ETHER, 293),
        Pay(CAROL, 25),
        log(FEE_CLAIMED, PARTY, CAROL, 0, ETHER, 25),
        value=1000,
    ),
    # 9: a distribution of the older layout, in WETH and without a fee; and a liar's
    call(
        DISTRIBUTOR,
        log(CREATED_OLD, PARTY, (1, 2, PARTY, ZERO, WETH, 100, 0)),
        log(CREATED_OLD, PARTY, (1, 3, PARTY, ZERO, WETH, 7, 0), at=FAKE),
    ),
    # 10: a crowdfund that lost gives everything back
    call(LOST, Pay(BOB, 40), log(BURNED, BOB, 0, 40, 0), value=40),
    # 11: the party sells its second work; nobody says so but the token
    call(PARTY, log(NFT, PARTY, BOB, 2, at=COLLECTION)),
    # 12: a price beyond all numbers
    call(FAKE, log(WON, FAKE, [COLLECTION], [5], 2**256 - 1)),
]


def rows_of(*columns, tx):
    rows = settle_emitted("party")["vault_events"].filter(pl.col("tx") == tx)
    return rows.sort("log_index", "item_index").select(columns).rows()


def test_contributions_name_who_they_are_for():
    assert [rows_of("event", "account", "amount_wei", "vault", tx=tx)[0] for tx in (0, 1, 2)] == [
        ("contribution", ALICE, 600, None),
        ("contribution", BOB, 300, None),
        ("contribution", CAROL, 300, None),
    ]


def test_party_opens_with_all_its_works_and_one_price():
    assert rows_of("event", "vault", "token_id", "shares", "amount_wei", tx=3) == [
        ("opened", PARTY, "1", "1000", 1000),
        ("deposit", PARTY, "2", None, None),
    ]


def test_cards_are_told_by_the_mints_before_each_event():
    assert rows_of("event", "vault", "collection", "token_id", "account", "shares", tx=4) == [
        ("activated", PARTY, PARTY, "1", ALICE, "600"),
        ("activated", PARTY, PARTY, "2", BOB, "300"),
    ]
    assert rows_of("event", "account", "amount_wei", tx=7) == [
        ("activated", CAROL, 100), ("refund", CAROL, 200),
    ]  # fmt: skip


def test_contributions_are_spent_or_given_back_to_the_wei():
    events = settle_emitted("party")["vault_events"].filter(pl.col("emitter") == CROWDFUND)
    total = {
        name: int(events.filter(pl.col("event") == name)["amount_wei"].sum())
        for name in ("contribution", "activated", "refund", "opened")
    }
    assert total["contribution"] == total["activated"] + total["refund"]
    assert total["activated"] == total["opened"] == 1000


def test_lost_crowdfund_gives_back_without_a_card():
    assert rows_of("event", "vault", "token_id", "shares", "amount_wei", tx=10) == [
        ("activated", None, None, "0", 0),
        ("refund", None, None, None, 40),
    ]


def test_distribution_has_its_fee_and_claims():
    assert rows_of("event", "account", "reference_id", "currency", "amount_wei", tx=6) == [
        ("dividend", None, "1", ZERO, 975),
        ("dividend_fee", CAROL, "1", ZERO, 25),
    ]
    assert rows_of("event", "account", "token_id", "amount_wei", tx=8) == [
        ("dividend_claim", ALICE, "1", 585),
        ("dividend_claim", DAVE, "2", 293),
        ("dividend_fee_claim", CAROL, None, 25),
    ]


def test_only_the_distributors_distribute():
    assert rows_of("event", "reference_id", "currency", "amount_wei", tx=9) == [
        ("dividend", "2", WETH, 100)
    ]


def test_dividend_is_divided_among_who_owned_cards_then():
    store = linked(settle_emitted("party"))
    found = store.query(
        "SELECT reference_id, holder, holder_shares, fraction, reason FROM dividends"
        " ORDER BY reference_id, holder"
    ).rows()
    # BOB had given his card away; CAROL's tenth was not given out at the first, and she claims it.
    assert found == [
        ("1", "", 100, 0.1, "cards that were not given out yet"),
        ("1", ALICE, 600, 0.6, None),
        ("1", DAVE, 300, 0.3, None),
        ("2", ALICE, 600, 0.6, None),
        ("2", CAROL, 100, 0.1, None),
        ("2", DAVE, 300, 0.3, None),
    ]


def test_dividend_of_a_party_without_cards_says_so():
    row = one(linked(of(settle_emitted("party"), 0, 1, 2, 3, 6)).query("SELECT * FROM dividends"))
    assert (row["holder"], row["reason"]) == ("", "no card of the party was seen")


def test_holders_add_up_to_the_supply_and_the_sold_work_is_gone():
    store = linked(settle_emitted("party"))
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["vault"], row["confidence"], row["supply_now"]) == (PARTY, "assumed", "1000")
    assert (row["items"], row["implied_wei"], row["implied_basis"]) == (1, 1000, "purchase price")
    holders = dict(store.query("SELECT holder, shares FROM vault_holders").rows())
    assert holders == {ALICE: Decimal(600), DAVE: Decimal(300), CAROL: Decimal(100)}
    items = store.query("SELECT token_id, is_there FROM vault_items ORDER BY token_id").rows()
    assert items == [("1", True), ("2", False)]


def test_endless_price_is_set_aside():
    aside = one(settle_emitted("party")["quarantine"])
    assert (aside["event"], aside["address"]) == ("Won", FAKE)


REAL = "0xaeb55365eb74d73eab5a1cb28287ed08f2ff9d9f2ec8c716aece935ff4b66b26"


@needs_mainnet
def test_recorded_contribution_is_the_ether_that_came():
    row = one(settle_real(REAL)["vault_events"])
    assert (row["event"], row["account"]) == (
        "contribution", "0x605107a16aa72265eb8ccaf51356db7e00e5c2e1",
    )  # fmt: skip
    # eth_value_traces: the transaction's own value.
    assert int(row["amount_wei"]) == 37_000_000_000_000_000
