"""Foundation: emitted on a node at the real addresses, and recorded on Ethereum."""

from functools import cache

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, one
from tests.paths import needs_mainnet

NAME = "foundation"
MARKET = "0xcda72070e455bb31c7690a170224ce43623d0b6f"
DROPS = "0x53f451165ba6fdbe39a134673d13948261b2334a"
OTHER = "0x" + "07" * 20
TREASURY = "0x67df244584b67e8c51b10ad610aaffa9a402fdb6"
FETH = "0x49128cf8abe9071ee24540a296b5ded3f9d50443"
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
PRIVATE = (
    "PrivateSaleFinalized(address indexed nftContract, uint256 indexed tokenId,"
    " address indexed seller, address buyer, uint256 f8nFee, uint256 creatorFee, uint256 ownerRev,"
    " uint256 deadline)"
)
BOUGHT = (
    "BuyPriceAccepted(address indexed nftContract, uint256 indexed tokenId,"
    " address indexed seller, address buyer, uint256 protocolFee, uint256 creatorFee,"
    " uint256 sellerRev)"
)
OFFER = (
    "OfferAccepted(address indexed nftContract, uint256 indexed tokenId, address indexed buyer,"
    " address seller, uint256 f8nFee, uint256 creatorFee, uint256 ownerRev)"
)
CREATED = (
    "ReserveAuctionCreated(address indexed seller, address indexed nftContract,"
    " uint256 indexed tokenId, uint256 duration, uint256 extensionDuration, uint256 reservePrice,"
    " uint256 auctionId)"
)
FINALIZED = (
    "ReserveAuctionFinalized(uint256 indexed auctionId, address indexed seller,"
    " address indexed bidder, uint256 totalFees, uint256 creatorRev, uint256 sellerRev)"
)
REFERRED = (
    "BuyReferralPaid(address indexed nftContract, uint256 indexed tokenId, address buyReferrer,"
    " uint256 buyReferrerFee, uint256 buyReferrerSellerFee)"
)
MINTED = (
    "MintFromFixedPriceDrop(address indexed nftContract, address indexed buyer,"
    " uint256 indexed firstTokenId, uint256 count, uint256 totalFees, uint256 creatorRev)"
)

SCENARIO = [
    # 0: an auction is set up; the token goes into escrow
    call(
        MARKET,
        log(NFT, ALICE, MARKET, 7, at=COLLECTION),
        log(CREATED, ALICE, COLLECTION, 7, 86_400, 900, 80, 41),
    ),
    # 1: it ends; ALICE made the work and shares the proceeds with CAROL
    call(
        MARKET,
        log(NFT, MARKET, BOB, 7, at=COLLECTION),
        Pay(CAROL, 25),
        Pay(ALICE, 70),
        Pay(TREASURY, 5),
        log(FINALIZED, 41, ALICE, BOB, 5, 95, 0),
    ),
    # 2: bought at its price for more than it; DAVE referred the buyer, CAROL made the work
    call(
        MARKET,
        log(NFT, MARKET, BOB, 8, at=COLLECTION),
        Pay(BOB, 11),
        Pay(CAROL, 100),
        Pay(ALICE, 850),
        Pay(DAVE, 10),
        log(REFERRED, COLLECTION, 8, DAVE, 10, 0),
        Pay(TREASURY, 40),
        log(BOUGHT, COLLECTION, 8, ALICE, BOB, 50, 100, 850),
        value=1011,
        sender=BOB,
    ),
    # 3: an offer of BOB; what CAROL would not take lies in the escrow, so the event is believed
    call(
        MARKET,
        Pay(FETH, 10),
        Pay(ALICE, 85),
        Pay(TREASURY, 5),
        log(NFT, ALICE, BOB, 9, at=COLLECTION),
        log(OFFER, COLLECTION, 9, BOB, ALICE, 5, 10, 85),
    ),
    # 4: the legacy private sale
    call(
        MARKET,
        log(NFT, ALICE, BOB, 10, at=COLLECTION),
        Pay(TREASURY, 3),
        Pay(CAROL, 10),
        Pay(ALICE, 87),
        log(PRIVATE, COLLECTION, 10, ALICE, BOB, 3, 10, 87, 2**40),
        value=100,
        sender=BOB,
    ),
    # 5: two tokens of a drop, whose price does not divide
    call(
        DROPS,
        log(NFT, ZERO, BOB, 101, at=COLLECTION),
        log(NFT, ZERO, BOB, 102, at=COLLECTION),
        Pay(CAROL, 96),
        Pay(TREASURY, 5),
        log(MINTED, COLLECTION, BOB, 101, 2, 5, 96),
        value=101,
        sender=BOB,
    ),
    # 6: a drop that says it minted more than there are atoms
    call(DROPS, log(MINTED, COLLECTION, BOB, 103, 2**256 - 1, 1, 2)),
    # 7: amounts beyond 38 digits
    call(MARKET, log(BOUGHT, COLLECTION, 11, ALICE, BOB, 2**256 - 1, 0, 0)),
    # 8: somebody else speaks in the market's words
    call(OTHER, log(BOUGHT, COLLECTION, 12, ALICE, BOB, 1, 0, 9)),
    # 9: an auction ends without a word about its token
    call(MARKET, Pay(ALICE, 95), Pay(TREASURY, 5), log(FINALIZED, 42, ALICE, BOB, 5, 0, 95)),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_auction_of_the_creator_has_proceeds_and_no_royalty():
    sale = one(sales_of(emitted(), 1))
    assert (sale["trade_kind"], sale["seller"], sale["buyer"]) == ("auction", ALICE, BOB)
    assert (sale["collection"], sale["token_id"], sale["version"]) == (COLLECTION, "7", "2")
    assert legs_of(emitted(), sale) == [
        (CAROL, "seller", 25), (ALICE, "seller", 70), (TREASURY, "platform", 5),
    ]  # fmt: skip
    assert [int(sale[x]) for x in ("price_wei", "proceeds_wei", "royalty_wei", "residual_wei")] == [
        100, 95, 0, 0,
    ]  # fmt: skip


def test_auctions_say_what_each_transaction_tells():
    rows = emitted()["auctions"].sort("tx").rows(named=True)
    assert [(x["event"], x["auction_id"], x["collection"], x["token_id"]) for x in rows] == [
        ("created", "41", COLLECTION, "7"),
        ("settled", "41", COLLECTION, "7"),
        ("settled", "42", None, None),
    ]
    assert [(x["seller"], x["bidder"], int(x["amount_wei"])) for x in rows] == [
        (ALICE, None, 80), (ALICE, BOB, 100), (ALICE, BOB, 100),
    ]  # fmt: skip


def test_referrer_is_paid_out_of_the_fee_and_the_excess_is_no_part_of_the_price():
    sale = one(sales_of(emitted(), 2))
    assert (sale["trade_kind"], sale["maker"], sale["taker"]) == ("listing", ALICE, BOB)
    assert legs_of(emitted(), sale) == [
        (BOB, "refund", 11),
        (CAROL, "creator", 100),
        (ALICE, "seller", 850),
        (DAVE, "referrer", 10),
        (TREASURY, "platform", 40),
    ]
    assert (int(sale["price_wei"]), int(sale["other_wei"]), int(sale["residual_wei"])) == (
        1000,
        10,
        0,
    )


def test_without_traces_the_event_names_amounts_but_no_creators():
    sale = one(sales_of(emitted("traces"), 2))
    assert legs_of(emitted("traces"), sale) == [
        (TREASURY, "platform", 40), (DAVE, "referrer", 10), (None, "creator", 100),
        (ALICE, "seller", 850),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (1000, 0)


def test_money_that_went_into_escrow_does_not_make_the_escrow_a_creator():
    sale = one(sales_of(emitted(), 3))
    assert (sale["trade_kind"], sale["maker"]) == ("bid", BOB)
    assert legs_of(emitted(), sale) == [
        (TREASURY, "platform", 5), (None, "creator", 10), (ALICE, "seller", 85),
    ]  # fmt: skip
    assert int(sale["residual_wei"]) == 0


def test_legacy_private_sale():
    sale = one(sales_of(emitted(), 4))
    assert (sale["trade_kind"], sale["version"]) == ("private", "1 (legacy private sale)")
    assert (int(sale["royalty_wei"]), int(sale["residual_wei"])) == (10, 0)


def test_drop_is_a_bundle_of_its_tokens():
    sales = sales_of(emitted(), 5)
    assert sales["token_id"].to_list() == ["101", "102"]
    assert sales["trade_kind"].unique().to_list() == ["primary_mint"]
    assert sales["seller"].unique().to_list() == [CAROL]
    assert int(sales["price_wei"].sum()) == 101
    assert [int(x) for x in sales["residual_wei"]] == [0, 0]
    assert (sales["bundle_id"].n_unique(), sales["version"][0]) == (1, "drop-market")


def test_drop_whose_tokens_were_not_seen_is_one_row_of_many_units():
    sale = one(sales_of(emitted(), 6))
    assert (sale["token_id"], sale["quantity"]) == ("103", str(2**256 - 1))
    assert (sale["confidence"], sale["seller"], int(sale["price_wei"])) == (
        "inferred",
        COLLECTION,
        3,
    )


def test_amounts_beyond_38_digits_are_set_aside():
    assert sales_of(emitted(), 7).is_empty()
    refused = one(emitted()["quarantine"].filter(pl.col("tx") == 7))
    assert (refused["protocol"], refused["event"]) == (NAME, "BuyPriceAccepted")


def test_another_contract_makes_no_sale():
    assert sales_of(emitted(), 8).is_empty()


def test_auction_whose_token_was_not_seen_waits_for_its_creation():
    sale = one(sales_of(emitted(), 9))
    assert (sale["collection"], sale["token_id"], sale["seller"]) == (None, None, ALICE)
    assert int(sale["residual_wei"]) == 0


REAL = {
    # tx: (collection, token, seller, buyer, price, fee, royalty, proceeds)
    "0xc3a4f88f585f97f0099aa136d88228d21a2612449974596399afb0a36d78ae66": (
        "0x3b3ee1931dc30c1957379fac9aba94d1c48a5405",
        "68967",
        "0x8c5461d9b6992d12fad3ae70943066bd32f9a86c",
        "0x6bf97f2534be2242ddb3a29bfb24d498212dcded",
        2_000_000_000_000_000_000,
        300_000_000_000_000_000,
        0,
        1_700_000_000_000_000_000,
    ),
    "0xc9d6922d55f17d4e6c0ec0d199eec1d4f0dce3a576fb881e365146fa6651b0f9": (
        "0xa73acdf20bd530570f4e0ed0efa14342b34fb712",
        "3",
        "0x32c833c844cc231dd6e27d379a80a1da18b978d2",
        "0xaa467c39a3e83481666d1d759e8fadc85ddaa1ca",
        222_000_000_000_000_000,
        11_100_000_000_000_000,
        0,
        210_900_000_000_000_000,
    ),
}


@needs_mainnet
def test_recorded_auctions_have_the_expected_rows_and_balance():
    sales = settle_real(*REAL)["settled_sales"].filter(pl.col("protocol") == NAME)
    amounts = ("price_wei", "platform_fee_wei", "royalty_wei", "proceeds_wei")
    found = {
        row["tx_hash"]: (
            row["collection"],
            row["token_id"],
            row["seller"],
            row["buyer"],
            *(int(row[name]) for name in amounts),
        )
        for row in sales.rows(named=True)
    }
    assert found == REAL
    assert [int(each) for each in sales["residual_wei"]] == [0, 0]


@needs_mainnet
def test_recorded_creation_names_token_and_reserve():
    tx_hash = "0x2dcf32ba1ef5dfdc0fea76000e3779bb77d74605595267bf2f96bdef345662da"
    row = one(settle_real(tx_hash)["auctions"])
    assert (row["event"], row["auction_id"], row["token_id"]) == ("created", "231331", "5")
    assert (row["collection"], int(row["amount_wei"])) == (
        "0xef7b310bc5447eac41324271d54131f0abec4973",
        200_000_000_000_000_000,
    )
