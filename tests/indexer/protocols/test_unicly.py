"""Unicly, acted out on a node."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.vaults import linked, of, settle_without_payments
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, ZERO, one

FACTORY = "0x8696bde5cc30545b3b049f3529abbfb2b1e0c007"
VAULT, SECOND, STRANGER = "0x" + "71" * 20, "0x" + "72" * 20, "0x" + "73" * 20
CARDS, PLATFORM = "0x" + "c1" * 20, "0x" + "9f" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
BATCH = (
    "TransferBatch(address indexed operator, address indexed from, address indexed to,"
    " uint256[] ids, uint256[] values)"
)
CREATED = "TokenCreated(address indexed caller, address indexed uToken)"
DEPOSITED = "Deposited(uint256[] tokenIDs, uint256[] amounts, address contractAddr)"
BID = "BidCreated(address sender, uint256 nftIndex, uint256 bidAmount)"
UNBID = "BidRemoved(address sender, uint256 nftIndex)"
CLAIMED = "ClaimedNFT(address winner, uint256 nftIndex, uint256 tokenId)"

SCENARIO = [
    # 0: ALICE opens a vault and brings two works and five cards
    call(
        FACTORY,
        log(CREATED, ALICE, VAULT),
        call(
            VAULT,
            log(NFT, ALICE, VAULT, 1, at=COLLECTION),
            log(NFT, ALICE, VAULT, 2, at=COLLECTION),
            log(DEPOSITED, [1, 2], [7, 7], COLLECTION),
            log(BATCH, VAULT, ALICE, VAULT, [5], [5], at=CARDS),
            log(DEPOSITED, [5], [5], CARDS),
        ),
    ),
    # 1: 1000 shares, five of them to the platform
    call(
        VAULT,
        log(ERC20, ZERO, PLATFORM, 5),
        log(ERC20, ZERO, ALICE, 995),
        log("Issued()"),
    ),
    # 2: bids for the second work and for the cards; one is taken back
    call(VAULT, log(BID, BOB, 1, 300), value=300),
    call(VAULT, log(BID, CAROL, 2, 50), value=50),
    call(VAULT, log(UNBID, CAROL, 2)),
    # 5: BOB claims the work, and somebody all five cards
    call(VAULT, log(NFT, VAULT, BOB, 2, at=COLLECTION), log(CLAIMED, BOB, 1, 2)),
    call(VAULT, log(SINGLE, VAULT, VAULT, CAROL, 5, 5, at=CARDS), log(CLAIMED, CAROL, 2, 5)),
    # 7: a second vault, whose issuer thinks better of it; one token was of neither standard
    call(
        FACTORY,
        log(CREATED, ALICE, SECOND),
        call(
            SECOND,
            log(NFT, ALICE, SECOND, 9, at=COLLECTION),
            log(DEPOSITED, [9], [1], COLLECTION),
            log(DEPOSITED, [10], [1], "0x" + "ee" * 20),
        ),
    ),
    call(SECOND, log(NFT, SECOND, BOB, 9, at=COLLECTION), log("Refunded()")),
    # 9: a stranger: no factory opened it
    call(
        STRANGER,
        log(CREATED, ALICE, STRANGER),
        log(BID, ALICE, 0, 2**256 - 1),
        log("Issued()"),
    ),
]


def rows_of(tables, vault):
    rows = tables["vault_events"].filter(pl.col("vault") == vault)
    return [
        (row["event"], row["token_id"], row["quantity"], row["account"], row["shares"])
        for row in rows.sort("block_number", "log_index", "item_index").rows(named=True)
    ]


def test_vault_tells_its_life():
    assert rows_of(settle_emitted("unicly"), VAULT) == [
        ("opened", None, None, ALICE, None),
        ("deposit", "1", "1", None, None),
        ("deposit", "2", "1", None, None),
        ("deposit", "5", "5", None, None),
        ("issued", None, None, ALICE, "1000"),
        ("bid", None, None, BOB, None),
        ("bid", None, None, CAROL, None),
        ("bid_removed", None, None, CAROL, None),
        ("withdraw", "2", "1", BOB, None),
        ("withdraw", "5", "5", CAROL, None),
    ]


def test_bids_name_the_number_of_the_token_in_the_vault():
    events = settle_emitted("unicly")["vault_events"]
    bids = events.filter(pl.col("vault") == VAULT, pl.col("event") == "bid")
    assert bids.select("reference_id", "amount_wei", "currency").rows() == [
        ("1", 300, ZERO), ("2", 50, ZERO),
    ]  # fmt: skip


def test_supply_and_items_are_what_was_issued_and_not_claimed():
    tables = settle_emitted("unicly")
    row = one(linked(of(tables, 0, 1)).query("SELECT * FROM vaults"))
    assert (row["supply_now"], row["items"], row["state"]) == ("1000", 7, "open")
    store = linked(tables)
    row = one(store.query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["supply_now"], row["items"], row["curator"]) == ("1000", 1, ALICE)
    held = store.query("SELECT vault, collection, token_id, is_there FROM vault_items").rows()
    assert held == [(VAULT, COLLECTION, "1", True)]


def test_refund_takes_back_what_moved_out():
    tables = settle_emitted("unicly")
    assert rows_of(tables, SECOND) == [
        ("opened", None, None, ALICE, None),
        ("deposit", "9", "1", None, None),
        ("deposit", "10", None, None, None),
        ("withdraw", "9", "1", BOB, None),
    ]
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{SECOND}'"))
    assert (row["items"], row["supply_now"], row["supply_reason"]) == (
        0, None, "no shares were seen",
    )  # fmt: skip


def test_stranger_opens_no_vault():
    tables = settle_emitted("unicly")
    vaults = linked(tables).query("SELECT vault FROM vaults ORDER BY vault")["vault"].to_list()
    assert vaults == [VAULT, SECOND]
    assert one(tables["quarantine"])["event"] == "BidCreated"


def test_without_receipts_the_supply_is_unknown_with_a_reason():
    tables = settle_without_payments("unicly")
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["supply_now"], row["supply_reason"]) == (
        None, "a mint or burn of shares was not seen",
    )  # fmt: skip
