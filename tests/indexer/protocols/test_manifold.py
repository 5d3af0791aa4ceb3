"""Manifold: emitted on a node at the real addresses, and recorded on Ethereum."""

from functools import cache

import polars as pl

from data.store import Store
from indexer.link import rebuild_links
from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

NAME = "manifold"
MARKET = "0x3a3548e060be10c2614d0a4cb0c03cc9093fd799"
CLAIMS = "0xdb8d79c775452a3929b86ac5deab3e9d38e1c006"
OTHER = "0x" + "07" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
PURCHASE = (
    "PurchaseEvent(uint40 indexed listingId, address referrer, address buyer, uint24 count,"
    " uint256 amount)"
)
OFFER = "AcceptOfferEvent(uint40 indexed listingId, address oferrer, uint256 amount)"
CREATED = (
    "CreateListing(uint40 indexed listingId, uint16 marketplaceBPS, uint16 referrerBPS,"
    " uint8 listingType, uint24 totalAvailable, uint24 totalPerSale, uint48 startTime,"
    " uint48 endTime, uint256 initialAmount, uint16 extensionInterval, uint16 minIncrementBPS,"
    " address erc20, address identityVerifier)"
)
DETAILS = (
    "CreateListingTokenDetails(uint40 indexed listingId, uint256 id, address address_, uint8 spec,"
    " bool lazy)"
)
CLAIM = "ClaimMint(address indexed creatorContract, uint256 indexed instanceId)"
BATCH = (
    "ClaimMintBatch(address indexed creatorContract, uint256 indexed instanceId, uint16 mintCount)"
)
PROXY = (
    "ClaimMintProxy(address indexed creatorContract, uint256 indexed instanceId, uint16 mintCount,"
    " address proxy, address mintFor)"
)
END = 1_800_000_000


def listing(number, erc20=ZERO):
    return log(CREATED, number, 500, 200, 2, 1, 1, 0, END, 100, 0, 0, erc20, ZERO)


SCENARIO = [
    # 0: ALICE lists a token
    call(
        MARKET,
        log(NFT, ALICE, MARKET, 7, at=COLLECTION),
        listing(5),
        log(DETAILS, 5, 7, COLLECTION, 1, False),
        sender=ALICE,
    ),
    # 1: BOB buys it; the market keeps 5 %, DAVE referred, CAROL made the work
    call(
        MARKET,
        log(NFT, MARKET, BOB, 7, at=COLLECTION),
        Pay(DAVE, 2),
        Pay(CAROL, 10),
        Pay(ALICE, 83),
        Pay(BOB, 4),
        log(PURCHASE, 5, DAVE, BOB, 1, 100),
        value=104,
        sender=BOB,
    ),
    # 2: a work that is minted on delivery is listed by ALICE, 3: and bought in WETH
    call(MARKET, listing(6, WETH), log(DETAILS, 6, 1, COLLECTION, 1, True), sender=ALICE),
    call(
        MARKET,
        log(NFT, ZERO, BOB, 8, at=COLLECTION),
        log(ERC20, BOB, MARKET, 5, at=WETH),
        log(ERC20, BOB, ALICE, 95, at=WETH),
        log(PURCHASE, 6, ZERO, BOB, 1, 100),
        sender=BOB,
    ),
    # 4: ALICE takes an offer of BOB, whose money lies in the market
    call(
        MARKET,
        Pay(ALICE, 95),
        log(OFFER, 7, BOB, 100),
        log(NFT, MARKET, BOB, 9, at=COLLECTION),
        sender=ALICE,
    ),
    # 5: two claims for 50 each and a mint fee of 3
    call(
        CLAIMS,
        Pay(CAROL, 100),
        log(NFT, ZERO, BOB, 21, at=COLLECTION),
        log(NFT, ZERO, BOB, 22, at=COLLECTION),
        log(BATCH, COLLECTION, 1, 2),
        value=103,
        sender=BOB,
    ),
    # 6: a free claim in units, for the mint fee alone; 7: one by a proxy for DAVE, quite free
    call(
        CLAIMS,
        log(SINGLE, CLAIMS, ZERO, BOB, 4, 2, at=COLLECTION),
        log(CLAIM, COLLECTION, 2),
        value=3,
        sender=BOB,
    ),
    call(
        CLAIMS,
        log(NFT, ZERO, DAVE, 23, at=COLLECTION),
        log(PROXY, COLLECTION, 3, 1, BOB, DAVE),
        sender=BOB,
    ),
    # 8: another contract; 9: an amount beyond 38 digits
    call(OTHER, log(NFT, ALICE, BOB, 9, at=COLLECTION), log(PURCHASE, 5, ZERO, BOB, 1, 1)),
    call(MARKET, log(PURCHASE, 8, ZERO, BOB, 1, 2**256 - 1)),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_purchase_keeps_the_markets_fee_and_does_not_guess_the_seller():
    sale = one(sales_of(emitted(), 1))
    assert (sale["collection"], sale["token_id"], sale["buyer"]) == (COLLECTION, "7", BOB)
    assert (sale["seller"], sale["version"]) == (None, "marketplace-1")
    assert legs_of(emitted(), sale) == [
        (DAVE, "referrer", 2),
        (CAROL, "unknown", 10),
        (ALICE, "unknown", 83),
        (BOB, "refund", 4),
        (MARKET, "platform", 5),
    ]
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_listings_say_token_seller_and_terms():
    rows = emitted()["auctions"].filter(pl.col("event") == "created").sort("tx", "log_index")
    assert rows.select("tx", "auction_id", "collection", "token_id", "seller").rows() == [
        (0, "5", None, None, ALICE),
        (0, "5", COLLECTION, "7", None),
        (2, "6", None, None, ALICE),
        (2, "6", COLLECTION, None, None),
    ]
    first = rows.row(0, named=True)
    assert (int(first["amount_wei"]), int(first["end_time"].timestamp()) > 0) == (100, True)


def test_links_take_the_seller_from_the_listing(tmp_path):
    with Store.open(tmp_path / "market.duckdb") as store:
        with store.transaction() as transaction:
            for name in ("transfers", "settled_sales", "sale_payments", "auctions"):
                transaction.append(name, emitted()[name].drop("tx"))
        rebuild_links(store)
        rows = store.query(
            "SELECT token_id, seller, maker FROM sales WHERE token_id IN ('7', '8')"
            " ORDER BY token_id"
        ).rows()
    assert rows == [("7", ALICE, ALICE), ("8", ALICE, ALICE)]


def test_purchase_in_a_token_is_read_from_its_transfers():
    sale = one(sales_of(emitted("traces"), 3))
    assert (sale["token_id"], sale["currency"]) == ("8", WETH)
    assert legs_of(emitted("traces"), sale) == [(MARKET, "platform", 5), (ALICE, "unknown", 95)]
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_fee_of_an_offer_is_computed_and_says_so():
    sale = one(sales_of(emitted(), 4))
    assert (sale["trade_kind"], sale["maker"], sale["token_id"]) == ("bid", BOB, "9")
    assert legs_of(emitted(), sale) == [(ALICE, "seller", 95), (MARKET, "platform", 5)]
    assert sale["seller"] == ALICE
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (100, None)
    assert sale["residual_reason"] == "a leg was computed, not read"


def test_claims_have_the_mint_fee_that_no_event_mentions():
    sales = sales_of(emitted(), 5)
    assert sales["token_id"].to_list() == ["21", "22"]
    assert sales["confidence"].unique().to_list() == ["inferred"]
    assert (sales["seller"][0], sales["buyer"][0], sales["trade_kind"][0]) == (
        CAROL,
        BOB,
        "primary_mint",
    )
    names = ("price_wei", "proceeds_wei", "platform_fee_wei")
    assert [int(sales[name].sum()) for name in names] == [103, 100, 3]
    assert [int(each) for each in sales["residual_wei"]] == [0, 0]


def test_free_claims():
    fee, free = one(sales_of(emitted(), 6)), one(sales_of(emitted(), 7))
    assert (fee["quantity"], fee["token_standard"], int(fee["price_wei"])) == ("2", "erc1155", 3)
    assert legs_of(emitted(), fee) == [(CLAIMS, "platform", 3)]
    assert (free["buyer"], int(free["price_wei"]), int(free["residual_wei"])) == (DAVE, 0, 0)
    assert free["seller"] == COLLECTION


def test_claims_without_traces_have_no_price():
    sales = sales_of(emitted("traces"), 5)
    assert sales["price_wei"].null_count() == sales["residual_wei"].null_count() == 2
    assert sales["residual_reason"].unique().to_list() == ["no payment was seen"]


def test_another_contract_makes_no_sale():
    assert sales_of(emitted(), 8).is_empty()


def test_amount_beyond_38_digits_is_set_aside():
    assert sales_of(emitted(), 9).is_empty()
    refused = one(emitted()["quarantine"].filter(pl.col("tx") == 9))
    assert (refused["protocol"], refused["event"]) == (NAME, "PurchaseEvent")


PURCHASED = "0x2b42a4274e62c92ebd185ab960c1598c9765ee91ed93055e980c204e8e683ea4"
CREATOR = "0xd0eebb983bef54882ce1700db8761acfef22dc6a"
REAL = {
    # tx: (collection, token, buyer, price); a purchase, a claim, and one for the mint fee alone
    PURCHASED: (
        "0x79cfcc16816669b3ba3f2f9619edea7a4503f5f4",
        "1",
        "0x74b78e98093f5b522a7ebdac3b994641ca7c2b20",
        14_206_900_000_000_000,
    ),
    "0xdd5e92ea72de50dcc50e0a8ce433c4d98718999e1dc6059b8332f051cf53b71f": (
        "0xf37bd087a6ac9f1bae2abf075835d18138f1e153",
        "1",
        "0x0f13316b80872eda120d7844ed1c1e90fc001dc1",
        14_706_900_000_000_000,
    ),
    "0x29a0c1dac35d777e94bf41b0186367b91f518485c80fe698b9cf38036648a26d": (
        "0xc65ab6bc1c04265327bf41283317d1a22c681a5b",
        "1",
        "0x9292757002e47de417fc7940de51daab4fad5a36",
        500_000_000_000_000,
    ),
}
LEGS = [
    [("0xe626d419dd60be8038c46381ad171a0b3d22ed25", "unknown", 14_206_900_000_000_000)],
    [(CREATOR, "seller", 14_206_900_000_000_000), (CLAIMS, "platform", 500_000_000_000_000)],
    [(CLAIMS, "platform", 500_000_000_000_000)],
]


@needs_mainnet
def test_recorded_sales_have_the_expected_rows_and_legs():
    tables = settle_real(*REAL)
    sales = {
        sale["tx_hash"]: sale
        for sale in tables["settled_sales"].filter(pl.col("protocol") == NAME).rows(named=True)
    }
    texts = ("collection", "token_id", "buyer")
    found = {h: (*(x[name] for name in texts), int(x["price_wei"])) for h, x in sales.items()}
    assert found == REAL
    assert [legs_of(tables, sales[tx_hash]) for tx_hash in REAL] == LEGS
    assert [int(sales[tx_hash]["residual_wei"]) for tx_hash in REAL] == [0, 0, 0]
