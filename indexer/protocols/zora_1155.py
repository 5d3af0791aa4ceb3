"""Mints of Zora's 1155 contracts: what was paid, and the rewards that it was divided into.

In a mint the rewards are deposited first, then the tokens are minted, then `Purchased` says what
was paid in native coin. What is more than the rewards goes from the contract to the creator.
"""

from collections.abc import Mapping

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded
from indexer.protocols.base import PLACE, Around
from indexer.protocols.flows import native_payments, transfers_around
from indexer.protocols.sales import LEG, leg, with_unexplained

_REWARDS = "0x7777777f279eba3d3ad8f4e708545291a6fdba8b"
_FEE_RECIPIENT = "0xd1d1d4e36117ab794ec5d4c78cbd3a8904e691d0"
_HEAD = ["block_hash", "log_index"]
_REWARDED = {
    "creator": "seller",
    "createReferral": "referrer",
    "mintReferral": "referrer",
    "firstMinter": "affiliate",
    "zora": "platform",
}


def settle_mints(
    events: Mapping[str, Decoded], around: Around
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Sales as `sale_tables` takes them, their legs, and purchases that nothing bears out."""
    if "Purchased" not in events:
        return pl.DataFrame(), pl.DataFrame(schema=LEG), pl.DataFrame()
    paid = events["Purchased"].rows.filter(pl.col("value") > 0)
    minted = _minted(paid, around)
    heads = paid.join(minted, on=_HEAD, maintain_order="left").with_columns(
        pl.lit(0, pl.Int64).alias("item_index"), pl.lit(NATIVE).alias("currency")
    )
    deposits = _deposits(heads, events)
    rewards, proceeds = _rewards(deposits), _proceeds(heads, around.beside.value_traces)
    legs = pl.concat([rewards, proceeds])
    # Any contract may say that something was paid, so a sale takes some money that was.
    heads = heads.join(legs, on=_HEAD, how="semi", maintain_order="left")
    odd = paid.join(heads, on=_HEAD, how="anti", maintain_order="left").select(
        *PLACE,
        pl.lit("Purchased").alias("event"),
        pl.lit("no tokens were minted, or no money was seen, for what it says").alias("reason"),
    )
    sales = with_unexplained(_sales(heads, deposits, proceeds), legs)
    is_open = pl.col("residual_reason").is_not_null()
    confidence = pl.when(is_open).then(pl.lit("inferred")).otherwise(pl.lit("decoded"))
    return sales.with_columns(confidence.alias("confidence")), legs, odd


def _minted(paid: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Who got the tokens of a purchase: _HEAD, receiver."""
    named = paid.select(*_HEAD, pl.col("address").alias("collection"), "tokenId", "quantity")
    return (
        transfers_around(paid, around.fact("transfers").filter(pl.col("kind") == "mint"))
        .join(named, on=[*_HEAD, "collection"], suffix="_sold", maintain_order="left")
        .filter(
            pl.col("token_id") == pl.col("tokenId"), pl.col("quantity") == pl.col("quantity_sold")
        )
        .group_by(_HEAD, maintain_order=True)
        .agg(pl.col("to_address").last().alias("receiver"))
    )


def _deposits(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Rewards that each purchase's contract deposited before it; in the place of the purchase."""
    if "RewardsDeposit" not in events:
        return pl.DataFrame()
    of = heads.select(*_HEAD, pl.col("address").alias("from"))
    found = transfers_around(heads, events["RewardsDeposit"].rows.drop("address"))
    return found.join(of, on=[*_HEAD, "from"], maintain_order="left").with_columns(
        pl.lit(0, pl.Int64).alias("item_index"), pl.lit(NATIVE).alias("currency")
    )


def _rewards(deposits: pl.DataFrame) -> pl.DataFrame:
    if not deposits.width:
        return pl.DataFrame(schema=LEG)
    legs = []
    for name, usual in _REWARDED.items():
        who = pl.col(name)
        # Zora stands in for referrers that there are not, the creator for a first minter.
        kind = (
            pl.when(who == pl.col("zora"))
            .then(pl.lit("platform"))
            .when(who == pl.col("creator"))
            .then(pl.lit("seller"))
            .otherwise(pl.lit(usual))
        )
        legs.append(leg(deposits, name, kind, f"{name}Reward", "fee_event"))
    return pl.concat(legs).filter(pl.col("amount_wei") > 0)


def _proceeds(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """What the contract sent on besides the rewards, as legs: the price of the creator."""
    paid = native_payments(heads, traces).filter(pl.col("recipient") != _REWARDS)
    kind = (
        pl.when(pl.col("recipient") == _FEE_RECIPIENT)
        .then(pl.lit("platform"))
        .otherwise(pl.lit("seller"))
    )
    paid = paid.with_columns(pl.lit(0, pl.Int64).alias("item_index"))
    return leg(paid, "recipient", kind, "amount_wei", "trace")


def _sales(heads: pl.DataFrame, deposits: pl.DataFrame, proceeds: pl.DataFrame) -> pl.DataFrame:
    creators = pl.DataFrame(
        schema={"block_hash": pl.String(), "log_index": pl.Int64(), "creator": pl.String()}
    )
    if deposits.width:
        creators = deposits.group_by(_HEAD).agg(pl.col("creator").first())
    payees = (
        proceeds.filter(pl.col("recipient_class") == "seller")
        .group_by(_HEAD, maintain_order=True)
        .agg(pl.col("recipient").first().alias("payee"))
    )
    return (
        heads.join(creators, on=_HEAD, how="left", maintain_order="left")
        .join(payees, on=_HEAD, how="left", maintain_order="left")
        .select(
            *PLACE,
            "item_index",
            "version",
            pl.lit("primary_mint").alias("trade_kind"),
            pl.col("address").alias("collection"),
            pl.col("tokenId").alias("token_id"),
            "quantity",
            pl.coalesce("creator", "payee", "address").alias("seller"),
            pl.col("receiver").alias("buyer"),
            pl.coalesce("creator", "payee", "address").alias("maker"),
            pl.col("sender").alias("taker"),
            "currency",
            pl.col("value").cast(WEI.polars).alias("price_wei"),
        )
    )
