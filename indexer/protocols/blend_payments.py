"""What was paid when a lien of Blend was repaid: to whom, how much, and what was left over.

The contract's order, in each way to repay: fees of a sell offer (buyer to each), `Repay`, then

- repaid by the borrower: the token goes back, one transfer to the lender.
- `BuyLocked`: the token goes to the buyer, the debt to the lender, the rest to the seller.
- `BuyLocked` with a new loan: two or three transfers of new lender and buyer, of which up to two go
  to the old lender, and those that do not go to the buyer himself go to the seller.
- a bid taken: the bidder pays this contract, which then pays the lender and the borrower.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.protocols.base import Around
from indexer.protocols.flows import transfers_around
from indexer.protocols.sales import summable

_TX = ["block_hash", "tx_hash"]
_HEAD = [*_TX, "log_index"]
_MOST_TRANSFERS = 3  # after a sale with a new loan


@dataclass(frozen=True)
class Repayments:
    """Repayments, and fees that were paid right before them.

    `rows`: the `Repay` rows with borrower, lender, token_id, debt_wei, remainder_wei (NULL where
    unknown). `fees`: _TX, log_index (of `Repay`), lienId, recipient, amount_wei.
    """

    rows: pl.DataFrame
    fees: pl.DataFrame


def read_repayments(
    frames: Mapping[str, pl.DataFrame], around: Around, contract: str, pool: str
) -> Repayments:
    """Repayments of liens with the payments that belong to them.

    Args:
        frames: decoded events by name.
        around: ERC-20 payments and token transfers of the transactions.
        contract: Blend.
        pool: the token that it is paid in.
    """
    if "Repay" not in frames:
        empty = pl.DataFrame(
            schema={
                **dict.fromkeys(("block_hash", "tx_hash", "lienId", "lender"), pl.String),
                "debt_wei": WEI.polars,
                "remainder_wei": WEI.polars,
            }
        )
        return Repayments(empty, _no_fees())
    repays = _with_sales(frames)
    # Deposits into the pool are transfers from nobody.
    moved = around.payments.filter(
        pl.col("currency") == pool, pl.col("from_address") != NATIVE, pl.col("to_address") != NATIVE
    )
    after = _numbered(
        transfers_around(repays, moved, come_before=False).join(
            repays.select(*_HEAD, "seller", "buyer", "has_loan"), on=_HEAD
        )
    )
    known = repays
    for found in (_debts(after, contract), _tokens(repays, around, contract)):
        known = known.join(found, on=_HEAD, how="left", maintain_order="left")
    is_sale = pl.col("buyer").is_not_null()
    rows = known.with_columns(
        pl.when(is_sale).then("seller").otherwise("got_rest").alias("borrower"),
        pl.coalesce("sold_id", "moved_id").alias("token_id"),
    ).with_columns(
        # Repaid from one's own pocket: the token went back to the borrower.
        pl.when(~is_sale & ~pl.col("is_bid").fill_null(value=True))
        .then("moved_to")
        .otherwise("borrower")
        .alias("borrower")
    )
    return Repayments(rows, _fees(repays, moved))


def _no_fees() -> pl.DataFrame:
    names = ("block_hash", "tx_hash", "lienId", "recipient")
    return pl.DataFrame(
        schema={
            **dict.fromkeys(names, pl.String),
            "log_index": pl.Int64(),
            "amount_wei": WEI.polars,
        }
    )


def _with_sales(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`Repay` rows with seller, buyer and sold_id of the `BuyLocked` behind; has_loan: an offer."""
    repays = frames["Repay"]
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("seller", "buyer", "sold_id")]
    if "BuyLocked" not in frames:
        return repays.with_columns(*nothing, pl.lit(value=False).alias("has_loan"))
    sales = frames["BuyLocked"].select(
        *_TX,
        pl.col("log_index") - 1,
        "lienId",
        "seller",
        "buyer",
        pl.col("tokenId").alias("sold_id"),
    )
    known = repays.join(sales, on=[*_HEAD, "lienId"], how="left", maintain_order="left")
    if "LoanOfferTaken" not in frames:
        return known.with_columns(pl.lit(value=False).alias("has_loan"))
    loans = frames["LoanOfferTaken"].select(
        *_TX,
        pl.col("log_index") - 2,
        pl.col("borrower").alias("buyer"),
        has_loan=pl.lit(value=True),
    )
    return known.join(loans, on=[*_HEAD, "buyer"], how="left", maintain_order="left").with_columns(
        pl.col("has_loan").fill_null(value=False)
    )


def _numbered(moved: pl.DataFrame) -> pl.DataFrame:
    """The transfers after each repayment, numbered from 0 (`nth`)."""
    return moved.sort("moved_at").with_columns(pl.int_range(pl.len()).over(_HEAD).alias("nth"))


def _debts(after: pl.DataFrame, contract: str) -> pl.DataFrame:
    """By _HEAD: lender, debt_wei, got_rest and remainder_wei, is_bid (a bid paid the contract)."""
    is_bid = (pl.col("to_address") == contract).any().over(_HEAD)
    # Of a bid, what the contract pays counts; else what comes first.
    ours = (
        after.with_columns(is_bid.alias("is_bid"))
        .filter(~pl.col("is_bid") | (pl.col("from_address") == contract))
        .with_columns(pl.int_range(pl.len()).over(_HEAD).alias("nth"))
    )
    most = (
        pl.when(pl.col("has_loan"))
        .then(_MOST_TRANSFERS)
        .when(pl.col("is_bid") | pl.col("buyer").is_not_null())
        .then(2)
        .otherwise(1)
    )
    ours = summable(ours.filter(pl.col("nth") < most), _HEAD).with_columns(
        pl.col("to_address").first().over(_HEAD).alias("lender")
    )
    # The transfers of a sale with a new loan end where the buyer gets what is left of the loan.
    to_seller = (
        pl.when(pl.col("buyer").is_null())
        .then(pl.col("nth") == 1)
        .otherwise(pl.col("to_address") == pl.col("seller"))
    )
    is_lender = (pl.col("to_address") == pl.col("lender")) & (
        (pl.col("nth") == 0) | pl.col("has_loan")
    )
    amount = pl.col("amount_wei").cast(pl.Int128)
    rest = to_seller & ~is_lender
    return ours.group_by(_HEAD).agg(
        pl.col("lender").first(),
        pl.col("is_bid").first(),
        amount.filter(is_lender).sum().cast(WEI.polars).alias("debt_wei"),
        pl.col("to_address").filter(rest).first().alias("got_rest"),
        pl.when(rest.any()).then(amount.filter(rest).sum()).cast(WEI.polars).alias("remainder_wei"),
    )


def _tokens(repays: pl.DataFrame, around: Around, contract: str) -> pl.DataFrame:
    """By _HEAD: moved_id and moved_to, the first token that left the contract afterwards."""
    moved = around.fact("transfers").filter(pl.col("from_address") == contract)
    names = {"token_id": "moved_id", "to_address": "moved_to"}
    return (
        transfers_around(repays, moved, come_before=False)
        .join(repays.select(*_HEAD, "collection"), on=[*_HEAD, "collection"])
        .sort("moved_at")
        .unique(_HEAD, keep="first", maintain_order=True)
        .select(*_HEAD, *names)
        .rename(names)
    )


def _fees(repays: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Transfers of the buyer right before a repayment, without a gap."""
    sold = repays.filter(pl.col("buyer").is_not_null())
    if sold.is_empty():
        return _no_fees()
    before = transfers_around(sold, moved).join(sold.select(*_HEAD, "buyer", "lienId"), on=_HEAD)
    back = pl.int_range(1, pl.len() + 1).reverse().over(_HEAD)
    return (
        before.filter(pl.col("from_address") == pl.col("buyer"))
        .sort("moved_at")
        .filter(pl.col("moved_at") + back == pl.col("log_index"))
        .select(*_HEAD, "lienId", pl.col("to_address").alias("recipient"), "amount_wei")
    )
