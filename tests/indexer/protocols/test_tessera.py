"""Tessera 1 and its falling-price auctions, acted out on a node."""

from decimal import Decimal

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.vaults import linked, of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, one

LPDA = "0x32e8ab1e243d8d912a5ae937635e07e7e451d2ae"
REGISTRY, GROUP_BUY, RAE = "0x" + "71" * 20, "0x" + "72" * 20, "0x" + "73" * 20
VAULT, SECOND, FAKE = "0x" + "74" * 20, "0x" + "75" * 20, "0x" + "76" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
DEPLOYED = "VaultDeployed(address indexed _vault, address indexed _token, uint256 indexed _id)"
CONTRIBUTE = (
    "Contribute(uint256 indexed _poolId, address indexed _contributor, uint256 _ethContribution,"
    " uint256 _quantity, uint256 _price, uint256 _minReservePrice)"
)
PURCHASE = (
    "Purchase(uint256 indexed _poolId, address indexed _vault, address indexed _nftContract,"
    " uint256 _tokenId, uint256 _price)"
)
CLAIM = (
    "Claim(uint256 indexed _poolId, address indexed _claimer, uint256 _raeAmount,"
    " uint256 _ethRefund)"
)
CREATED = (
    "CreatedLPDA(address indexed vault, address indexed token, uint256 _id, (uint32 a, uint32 b,"
    " uint64 c, uint128 d, uint128 e, uint128 f, uint16 g, uint16 h, uint128 i, address j) info)"
)
TERMS = (1, 2, 3, 1000, 100, 0, 50, 0, 0, ALICE)

SCENARIO = [
    # 0: two people bid for Raes of a work
    call(GROUP_BUY, log(CONTRIBUTE, 8, BOB, 600, 60, 10, 10), value=600),
    call(GROUP_BUY, log(CONTRIBUTE, 8, CAROL, 480, 40, 12, 10), value=480),
    # 2: it is bought into a vault
    call(
        GROUP_BUY,
        log(DEPLOYED, VAULT, RAE, 5, at=REGISTRY),
        log(NFT, DAVE, VAULT, 7, at=COLLECTION),
        log(PURCHASE, 8, VAULT, COLLECTION, 7, 900),
        value=0,
    ),
    # 3: they claim their Raes, and CAROL what she offered beyond the price of one
    call(
        GROUP_BUY,
        log(SINGLE, VAULT, ZERO, BOB, 5, 60, at=RAE),
        log(CLAIM, 8, BOB, 60, 0),
        log(SINGLE, VAULT, ZERO, CAROL, 5, 40, at=RAE),
        Pay(CAROL, 80),
        log(CLAIM, 8, CAROL, 40, 80),
        value=80,
    ),
    # 4: CAROL gives 15 Raes to ALICE; the vault says nothing
    call(RAE, log(SINGLE, CAROL, CAROL, ALICE, 5, 15)),
    # 5: an auction of a work that ALICE brings
    call(
        LPDA,
        log(DEPLOYED, SECOND, RAE, 6, at=REGISTRY),
        log(NFT, ALICE, SECOND, 9, at=COLLECTION),
        log(CREATED, SECOND, COLLECTION, 9, TERMS),
    ),
    # 6: another contract says what the auction says; and a price beyond all numbers
    call(
        FAKE,
        log(CREATED, FAKE, COLLECTION, 1, TERMS),
        log(PURCHASE, 9, FAKE, COLLECTION, 1, 2**256 - 1),
    ),
    # 7: the first work is sold, and leaves without a word of the vault
    call(COLLECTION, log(NFT, VAULT, DAVE, 7)),
]


def rows_of(*columns, tx):
    rows = settle_emitted("tessera")["vault_events"].filter(pl.col("tx") == tx)
    return rows.sort("log_index", "item_index").select(columns).rows()


def test_group_buy_has_its_contributions_purchase_and_claims():
    assert rows_of("event", "account", "reference_id", "shares", "amount_wei", tx=1) == [
        ("contribution", CAROL, "8", "40", 480)
    ]
    assert rows_of("event", "vault", "share_token", "share_id", "token_id", "amount_wei", tx=2) == [
        ("opened", VAULT, RAE, "5", None, None),
        ("deposit", VAULT, None, None, "7", 900),
    ]
    assert rows_of("event", "account", "shares", "amount_wei", tx=3) == [
        ("claimed", BOB, "60", 0),
        ("claimed", CAROL, "40", 80),
    ]


def test_claimed_shares_are_those_minted():
    tables = settle_emitted("tessera")
    claimed = tables["vault_events"].filter(pl.col("event") == "claimed")
    supply = one(linked(of(tables, 2, 3)).query("SELECT supply_now FROM vaults"))["supply_now"]
    assert sum(map(int, claimed["shares"])) == int(supply) == 100


def test_holders_follow_every_transfer_and_add_up_to_the_supply():
    store = linked(settle_emitted("tessera"))
    found = store.query(f"SELECT holder, shares FROM vault_holders WHERE vault = '{VAULT}'").rows()
    assert dict(found) == {ALICE: Decimal(15), BOB: Decimal(60), CAROL: Decimal(25)}
    row = one(store.query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert int(row["supply_now"]) == sum(shares for _, shares in found)


def test_holders_are_not_told_where_the_first_mint_was_not_seen():
    tables = of(settle_emitted("tessera"), 2, 4)
    store = linked(tables)
    assert store.query("SELECT * FROM vault_holders").is_empty()
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["supply_now"], row["supply_reason"]) == (None, "no shares were seen")


def test_auction_opens_a_vault_that_a_known_contract_vouches_for():
    store = linked(settle_emitted("tessera"))
    row = one(store.query(f"SELECT * FROM vaults WHERE vault = '{SECOND}'"))
    assert (row["version"], row["confidence"], row["curator"]) == ("lpda", "decoded", ALICE)
    assert (row["share_token"], row["share_id"], row["supply"]) == (RAE, "6", "50")
    assert (row["collection"], row["token_id"], row["items"]) == (COLLECTION, "9", 1)
    first = one(store.query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (first["confidence"], first["implied_wei"]) == ("assumed", 900)
    assert first["implied_basis"] == "purchase price"


def test_work_that_left_without_a_word_is_not_counted():
    store = linked(settle_emitted("tessera"))
    row = one(store.query(f"SELECT is_there FROM vault_items WHERE vault = '{VAULT}'"))
    assert row["is_there"] is False
    assert one(store.query(f"SELECT items FROM vaults WHERE vault = '{VAULT}'"))["items"] == 0


def test_strangers_open_no_auction():
    tables = settle_emitted("tessera")
    assert FAKE not in linked(tables).query("SELECT vault FROM vaults")["vault"].to_list()
    assert one(tables["quarantine"])["event"] == "Purchase"
