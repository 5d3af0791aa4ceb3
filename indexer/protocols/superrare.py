"""SuperRare: the auction market of its second generation, and the Bazaar.

The events name token, parties and an amount. The marketplace's fee comes on top of it, so what the
buyer paid is read from what the market paid out; commission (first sales) and royalties (later
ones) come off the amount. The Bazaar pays native coin through a contract of its own, in one call
each: the fee, then commission or royalties, then the seller and whom the seller shares with.

Prices that were merely set, offers and bids are not read. Source: superrare/core
(SuperRareBazaarBase: _payout); events of the protocol table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import HEAD, calls_of, native_payments, transfers_around
from indexer.protocols.observed import calls_to
from indexer.protocols.sales import (
    ITEM,
    LEG,
    sale_tables,
    summable,
    with_standard,
    with_unexplained,
)

_NAME = "superrare"
_MARKET = frozenset({"0x65b49f7aee40347f5a90b714be4ef086f3fe5e2c"})
_BAZAAR = frozenset({"0x6d7c44773c52d396f43c2d511b81aa168e9a7a42"})
_PAYMENTS = "0xc033bbef0af25db7523fce16bab1c39df0bf2ae3"
_SOLD = Event.parse(
    "Sold(address indexed _originContract, address indexed _buyer, address indexed _seller,"
    " uint256 _amount, uint256 _tokenId)",
    wei=["_amount"],
)
_BAZAAR_SOLD = Event.parse(
    "Sold(address indexed _originContract, address indexed _buyer, address indexed _seller,"
    " address _currencyAddress, uint256 _amount, uint256 _tokenId)",
    wei=["_amount"],
    name="BazaarSold",
)
_OFFER = Event.parse(
    "AcceptOffer(address indexed _originContract, address indexed _bidder,"
    " address indexed _seller, address _currencyAddress, uint256 _amount, uint256 _tokenId,"
    " address[] _splitAddresses, uint8[] _splitRatios)",
    wei=["_amount"],
)
_SETTLED = Event.parse(
    "AuctionSettled(address indexed _contractAddress, address indexed _bidder, address _seller,"
    " uint256 indexed _tokenId, address _currencyAddress, uint256 _amount)",
    wei=["_amount"],
)
_KINDS = {
    # event: (trade kind, argument of the collection, argument of the buyer)
    "Sold": ("listing", "_originContract", "_buyer"),
    "BazaarSold": ("listing", "_originContract", "_buyer"),
    "AcceptOffer": ("bid", "_originContract", "_bidder"),
    "AuctionSettled": ("auction", "_contractAddress", "_bidder"),
}
_AMOUNT = pl.col("amount_wei").cast(pl.Int128)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    bazaar = [Route(event, "bazaar", _BAZAAR) for event in (_BAZAAR_SOLD, _OFFER, _SETTLED)]
    return [Route(_SOLD, "market-auction-2", _MARKET), *bazaar]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    heads = _heads(events)
    if heads.is_empty():
        return {}
    paid = pl.concat([_native(heads, around), _tokens(heads, around.payments)])
    legs = summable(_classed(heads, paid))
    sales = with_unexplained(_with_price(heads, legs, around), legs)
    sales = with_standard(sales, around.fact("transfers"))
    return sale_tables(_NAME, sales, [legs])


def _heads(events: Mapping[str, Decoded]) -> pl.DataFrame:
    """The sales as their events tell them; `stated` is the price without the fee on top."""
    parts = []
    for name, (kind, collection, buyer) in _KINDS.items():
        if name not in events:
            continue
        rows = events[name].rows
        currency = pl.col("_currencyAddress") if name != "Sold" else pl.lit(NATIVE)
        maker, taker = (buyer, "_seller") if kind == "bid" else ("_seller", buyer)
        parts.append(
            rows.select(
                *PLACE,
                pl.lit(0, pl.Int64).alias("item_index"),
                "version",
                "address",
                pl.lit(kind).alias("trade_kind"),
                pl.col(collection).alias("collection"),
                pl.col("_tokenId").alias("token_id"),
                pl.col("_seller").alias("seller"),
                pl.col(buyer).alias("buyer"),
                pl.col(maker).alias("maker"),
                pl.col(taker).alias("taker"),
                currency.alias("currency"),
                pl.col("_amount").alias("stated"),
            )
        )
    return pl.concat(parts) if parts else pl.DataFrame()


# --- money


def _native(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """What the markets paid in native coin: HEAD, recipient, currency, amount_wei, batch, source.

    A batch is one call: of the Bazaar's contract for payments, or of the recipient itself.
    """
    traces = around.beside.value_traces
    first = native_payments(heads.filter(pl.col("currency") == NATIVE), traces)
    batches = first.filter(pl.col("recipient") == _PAYMENTS).select(
        *HEAD, pl.col("trace_address").alias("root"), pl.col("place").alias("batch")
    )
    inner = (
        traces.filter(pl.col("from_address") == _PAYMENTS, pl.col("value_wei") > 0)
        .join(batches, on=["block_hash", "tx_hash"])
        .filter(pl.col("trace_address").str.starts_with(pl.col("root") + "_"))
        .select(
            *HEAD,
            pl.col("to_address").alias("recipient"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("value_wei").alias("amount_wei"),
            "batch",
            "place",
        )
    )
    direct = first.filter(pl.col("recipient") != _PAYMENTS).select(
        *HEAD, "recipient", "currency", "amount_wei", pl.col("place").alias("batch"), "place"
    )
    return pl.concat([inner, direct]).with_columns(pl.lit("trace").alias("source"))


def _tokens(heads: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """What the Bazaar paid in ERC-20 tokens, in the columns of `_native`."""
    markets = heads.select(*HEAD, "address", "currency")
    return (
        transfers_around(heads, payments)
        .join(markets, on=[*HEAD, "currency"], maintain_order="left")
        .filter(pl.col("from_address") == pl.col("address"))
        .select(
            *HEAD,
            pl.col("to_address").alias("recipient"),
            "currency",
            "amount_wei",
            pl.col("moved_at").alias("batch"),
            pl.col("moved_at").alias("place"),
            pl.lit("transfer_log").alias("source"),
        )
    )


def _classed(heads: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """The payments as legs. The first goes to the network, in the Bazaar the last to the seller."""
    batch = pl.col("batch")
    sales = heads.select(*HEAD, "item_index", "seller", "version", "stated")
    network = pl.col("recipient").first().over(HEAD)
    # ERC-20 tokens are paid one by one, so that their batches are not known.
    has_batches = (pl.col("source") == "trace") & (pl.col("version") == "bazaar")
    kind = (
        pl.when(pl.col("recipient") == pl.col("seller"))
        .then(pl.lit("seller"))
        .when((pl.col("recipient") == network) | (has_batches & (batch == batch.min().over(HEAD))))
        .then(pl.lit("platform"))
        .when(has_batches & (batch == batch.max().over(HEAD)))
        .then(pl.lit("seller"))
        .when(has_batches)
        .then(pl.lit("creator"))
        .otherwise(pl.lit("unknown"))
    )
    return (
        paid.sort(*HEAD, "place")
        .join(sales, on=list(HEAD), maintain_order="left")
        .with_columns(kind.alias("recipient_class"))
        .select(list(LEG))
        .cast(LEG)
    )


def _with_price(heads: pl.DataFrame, legs: pl.DataFrame, around: Around) -> pl.DataFrame:
    """The sales with price_wei: what came with the call, else what was paid out, else the event's.

    The winner of an auction and whoever made an offer paid before.
    """
    sent = calls_of(heads, calls_to(heads, around)).select(*HEAD, "value_wei")
    sums = legs.group_by(ITEM).agg(_AMOUNT.sum().alias("paid"))
    is_bought = (pl.col("trade_kind") == "listing") & (pl.col("currency") == NATIVE)
    stated = pl.col("stated").cast(pl.Int128)
    came = pl.when(is_bought & (pl.col("value_wei") >= pl.col("stated"))).then(pl.col("value_wei"))
    paid = pl.when(pl.col("paid") >= stated).then(pl.col("paid"))
    price = pl.coalesce(came.cast(pl.Int128), paid, stated)
    return (
        heads.join(sent, on=list(HEAD), how="left", maintain_order="left")
        .join(sums, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(price.cast(WEI.polars).alias("price_wei"))
        .drop("value_wei", "paid")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Without traces a sale in native coin has no legs, and where the amount was paid before,"
        " or through a router, its price is without the buyer's fee.",
        "Who got royalties in ERC-20 tokens, or from the market of the second generation, is not"
        " classed.",
        "The markets of the first generation are not in the protocol table.",
    ),
)
