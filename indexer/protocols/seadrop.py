"""SeaDrop 1: OpenSea's mints of collections that creators deployed.

The event names the price of a unit, how many were minted, and the fee; the fee is rounded down and
taken from the price, and what is left goes to the creator's payout address, which only the money
itself tells. The tokens are those that the collection minted to the minter just before. Who pays
may be another than who gets the token: the minter is the buyer, the payer the taker.

Source: ProjectOpenSea/seadrop, src/SeaDrop.sol (1.0 and 1.1 speak alike).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import native_payments, transfers_around
from indexer.protocols.sales import LEG, leg, sale_tables, spread

_NAME = "seadrop"
_CHAINS = frozenset({1, 10, 56, 137, 8_453, 42_161, 42_170})
_SEADROP = "0x00005ea00ac477b1030ce78506496e8c2de24bf5"
_MINT = Event.parse(
    "SeaDropMint(address indexed nftContract, address indexed minter,"
    " address indexed feeRecipient, address payer, uint256 quantityMinted, uint256 unitMintPrice,"
    " uint256 feeBps, uint256 dropStageIndex)",
    wei=["unitMintPrice"],
)
_BPS = 10_000
_MAX_MINTED = 1_000_000
_HEAD = ["block_hash", "log_index"]


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id not in _CHAINS:
        return []
    return [Route(_MINT, "1", frozenset({_SEADROP}))]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    heads, odd = _heads(events["SeaDropMint"].rows, around)
    items = _items(heads, around)
    creator, is_paid = _creators(heads, around.beside.value_traces)
    fees = leg(heads, "feeRecipient", "platform", "fee_wei", "fee_event")
    payouts = leg(creator, "recipient", "seller", "amount_wei", "trace")
    payee = creator.group_by(_HEAD).agg(pl.col("recipient").first().alias("payee"))
    sales = (
        items.join(payee, on=_HEAD, how="left", maintain_order="left")
        .join(is_paid, on=_HEAD, how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("payee", "collection").alias("seller"),
            pl.when(~pl.col("is_paid") & (pl.col("price_wei") > 0))
            .then(pl.lit("what the creator got was not seen"))
            .alias("residual_reason"),
        )
    )
    legs = [spread(each.select(list(LEG)).cast(LEG), items) for each in (fees, payouts)]
    tables = sale_tables(_NAME, sales, legs)
    return tables | ({} if odd.is_empty() else {"quarantine": odd})


def _heads(rows: pl.DataFrame, around: Around) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mints whose tokens were seen, with the fee of each; and the others, for quarantine."""
    counted = rows.join(
        _minted(rows, around).group_by(_HEAD).len("seen"),
        on=_HEAD,
        how="left",
        maintain_order="left",
    ).with_columns(pl.col("quantityMinted").cast(pl.Int64, strict=False).alias("quantity"))
    is_seen = (pl.col("seen") == pl.col("quantity")) & (pl.col("quantity") <= _MAX_MINTED)
    is_fee = pl.col("feeBps").cast(pl.Int64, strict=False).is_between(0, _BPS)
    is_whole = (is_seen & is_fee).fill_null(value=False)
    total = pl.col("unitMintPrice").cast(pl.Int128) * pl.col("quantity").cast(pl.Int128)
    fee = total * pl.col("feeBps").cast(pl.Int64, strict=False).cast(pl.Int128) // _BPS
    heads = counted.filter(is_whole).with_columns(
        fee.cast(WEI.polars).alias("fee_wei"),
        pl.lit(NATIVE).alias("currency"),
        pl.lit(0, pl.Int64).alias("item_index"),
    )
    odd = counted.filter(~is_whole).select(
        *PLACE,
        pl.lit("SeaDropMint").alias("event"),
        pl.lit("the tokens that it minted were not seen").alias("reason"),
    )
    return heads, odd


def _minted(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """The tokens that each event speaks of: its collection's mints to its minter before it."""
    mints = around.fact("transfers").filter(
        pl.col("kind") == "mint", pl.col("token_standard") == "erc721"
    )
    named = heads.select(*_HEAD, pl.col("nftContract").alias("collection"), "minter")
    return (
        transfers_around(heads, mints)
        .join(named, on=[*_HEAD, "collection"], maintain_order="left")
        .filter(pl.col("to_address") == pl.col("minter"))
    )


def _items(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    tokens = _minted(heads, around).select(*_HEAD, "token_id", "moved_at").sort("moved_at")
    return (
        heads.drop("item_index")
        .join(tokens, on=_HEAD, maintain_order="left_right")
        .select(
            *PLACE,
            pl.int_range(pl.len()).over(_HEAD).alias("item_index"),
            pl.len().over(_HEAD).cast(pl.Int64).alias("bundle_size"),
            "version",
            pl.lit("primary_mint").alias("trade_kind"),
            pl.col("nftContract").alias("collection"),
            "token_id",
            pl.col("minter").alias("buyer"),
            pl.col("nftContract").alias("maker"),
            pl.col("payer").alias("taker"),
            "currency",
            pl.col("unitMintPrice").alias("price_wei"),
        )
    )


def _creators(heads: pl.DataFrame, traces: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What creators were paid, and by event whether fee and payout add up to the price.

    The fee is paid first, then the creator; both may be the same address.
    """
    paid = native_payments(heads, traces).join(
        heads.select(*_HEAD, "feeRecipient", "fee_wei"), on=_HEAD, maintain_order="left"
    )
    is_first = pl.int_range(pl.len()).over(_HEAD) == 0
    is_fee = (
        is_first
        & (pl.col("recipient") == pl.col("feeRecipient"))
        & (pl.col("amount_wei") == pl.col("fee_wei"))
    )
    creator = paid.filter(~is_fee).with_columns(pl.lit(0, pl.Int64).alias("item_index"))
    amount = pl.col("amount_wei").cast(pl.Int128)
    sums = creator.group_by(_HEAD).agg(amount.sum().alias("creator_wei"))
    total = pl.col("unitMintPrice").cast(pl.Int128) * pl.col("quantity").cast(pl.Int128)
    is_paid = heads.join(sums, on=_HEAD, how="left", maintain_order="left").select(
        *_HEAD,
        (
            pl.col("creator_wei").fill_null(0).cast(pl.Int128) + pl.col("fee_wei").cast(pl.Int128)
            == total
        ).alias("is_paid"),
    )
    return creator, is_paid


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"trace"}),
    after=("erc721",),
    limits=(
        "The minter is the buyer; who paid, where it is another, is the taker.",
        "Without traces the creator's payout is not known: the collection stands for the seller.",
    ),
)
