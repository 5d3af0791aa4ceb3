"""Who really sold and bought, where a lending contract had the token; see `attribution`."""

import polars as pl

from data.types import WEI

_ITEM = ["block_hash", "tx_hash", "collection", "token_id"]


def lending_contracts(loans: pl.DataFrame) -> pl.DataFrame:
    """Contracts that lend, or hold a borrower's tokens: block_hash, tx_hash, contract.

    Args:
        loans: table `loan_events`.
    """
    places = ("block_hash", "tx_hash")
    names = (_contract(), pl.col("account"))
    both = [loans.select(*places, each.alias("contract")) for each in names]
    return pl.concat(both).drop_nulls("contract").unique()


def _contract() -> pl.Expr:
    return pl.col("loan_uid").str.split(":").list.get(1)


def behind_lenders(
    sales: pl.DataFrame, legs: pl.DataFrame | None, loans: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The sales and their legs with borrowers in place of lending contracts.

    Args:
        sales: table `settled_sales`.
        legs: table `sale_payments`, or None without any.
        loans: table `loan_events` of the same transactions.
    """
    repaid = (
        loans.filter(pl.col("event") == "repay", pl.col("borrower").is_not_null())
        .select(
            *_ITEM,
            _contract().alias("seller"),
            pl.col("borrower").alias("sold_by"),
            pl.col("lender").alias("paid_lender"),
            pl.col("amount_wei").alias("debt_wei"),
            "remainder_wei",
        )
        .unique([*_ITEM, "seller"], keep="none")
    )
    found = sales.join(repaid, on=[*_ITEM, "seller"], how="left", maintain_order="left")
    sold = found.filter(pl.col("sold_by").is_not_null())
    if not sold.is_empty() and legs is not None:
        legs, lent = _with_lenders(legs, sold)
        debt = pl.col("lent_wei").cast(pl.Int128).fill_null(0)
        found = found.join(lent, on="sale_id", how="left", maintain_order="left").with_columns(
            (pl.col("proceeds_wei").cast(pl.Int128) - debt).cast(WEI.polars).alias("proceeds_wei"),
            (pl.col("other_wei").cast(pl.Int128) + debt).cast(WEI.polars).alias("other_wei"),
        )
    settled = found.with_columns(pl.coalesce("sold_by", "seller").alias("seller"))
    return _bought_to_borrow(settled.select(sales.columns), loans), legs


def _with_lenders(legs: pl.DataFrame, sold: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The legs, and sale_id with lent_wei: what lenders got of the sellers' parts.

    A leg to the lending contract is told as its two payments where these add up to it.
    """
    amount = pl.col("amount_wei").cast(pl.Int128)
    paid_on = pl.col("debt_wei").cast(pl.Int128) + pl.col("remainder_wei").cast(pl.Int128)
    through = legs.join(
        sold.select(
            "sale_id",
            "sold_by",
            "paid_lender",
            "debt_wei",
            "remainder_wei",
            pl.col("seller").alias("recipient"),
        ),
        on=["sale_id", "recipient"],
    ).filter(
        pl.col("recipient_class") == "seller",
        amount == paid_on,
        pl.col("paid_lender").is_not_null(),
    )
    through = through.unique("sale_id", keep="none", maintain_order=True)
    most = legs.group_by("sale_id").agg(pl.col("seq").max().alias("last"))
    seller = through.with_columns(
        pl.col("sold_by").alias("recipient"), pl.col("remainder_wei").alias("amount_wei")
    )
    lender = through.join(most, on="sale_id", maintain_order="left").with_columns(
        pl.col("paid_lender").alias("recipient"),
        pl.lit("lender").alias("recipient_class"),
        pl.col("debt_wei").alias("amount_wei"),
        (pl.col("last") + 1).alias("seq"),
    )
    told = pl.concat([each.select(legs.columns) for each in (seller, lender)]).with_columns(
        pl.lit("transfer_log").alias("source")
    )
    kept = legs.join(through, on=["sale_id", "seq"], how="anti", maintain_order="left")
    whole = pl.concat([kept, told.filter(pl.col("amount_wei") > 0)])
    return whole, through.select("sale_id", pl.col("debt_wei").alias("lent_wei"))


def _bought_to_borrow(sales: pl.DataFrame, loans: pl.DataFrame) -> pl.DataFrame:
    """The sales with the borrower as buyer, where the buyer pledged the token for him at once."""
    opened = loans.filter(pl.col("event") == "open", pl.col("borrower").is_not_null())
    opened = opened.select(*_ITEM, _contract().alias("contract"), "account", "borrower")
    pledged = pl.concat(
        opened.select(*_ITEM, pl.col(name).alias("buyer"), "borrower")
        for name in ("contract", "account")
    )
    pledged = pledged.filter(pl.col("buyer").is_not_null()).unique()
    pledged = pledged.unique([*_ITEM, "buyer"], keep="none")
    found = sales.join(pledged, on=[*_ITEM, "buyer"], how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("borrower", "buyer").alias("buyer")).select(sales.columns)
