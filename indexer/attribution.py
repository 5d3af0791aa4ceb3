"""Who really sold and bought, behind lending contracts, routers and aggregators.

The events of a marketplace name who stood before it. Within the transaction the chain shows more:

- A lending contract sells a locked token and repays the loan out of the price: the borrower sold,
  and the part of the price that went to the lender has the class `lender`.
- The buyer is a lending contract, or somebody who opens a loan on the token at once for somebody
  else: who owes that loan bought.
- The buyer is a known router (indexer/routers.csv) and the token moved on: the last receiver
  bought. The seller is a known router and the token came to it: its first sender sold. Where a
  router both buys and sells a token, or hands it to several, nothing is changed.

`maker` and `taker` stay as decoded. `aggregator` is the router between seller and buyer; also where
the transaction itself was sent to one and is known. Nothing else is guessed: what the transaction
does not show stays.
"""

from functools import cache
from pathlib import Path

import polars as pl

from data.types import WEI
from indexer.protocols.base import Around, Tables

_FILE = Path(__file__).parent / "routers.csv"
_ITEM = ["block_hash", "tx_hash", "collection", "token_id"]
_MOST_HOPS = 4  # routers in a row


@cache
def routers(chain_id: int) -> frozenset[str]:
    """Addresses of known routers and aggregators on a chain."""
    known = pl.read_csv(_FILE).filter(pl.col("chain_id") == chain_id)
    return frozenset(known["address"].to_list())


def attribute(tables: Tables, around: Around) -> Tables:
    """The tables with economic seller, buyer and aggregator in `settled_sales`.

    Args:
        tables: what all protocols made of whole transactions, in the declared columns.
        around: what is known of these besides.
    """
    sales = tables.get("settled_sales")
    if sales is None or sales.is_empty():
        return tables
    known = sorted(routers(around.context.chain_id))
    legs = tables.get("sale_payments")
    loans = tables.get("loan_events")
    if loans is not None and not loans.is_empty():
        sales, legs = _behind_lenders(sales, legs, loans)
    sales = _behind_routers(sales, tables.get("transfers"), known)
    sales = _sent_to_routers(sales, around, known)
    changed: dict[str, pl.DataFrame] = {"settled_sales": sales}
    if legs is not None:
        changed["sale_payments"] = legs
    return {**tables, **changed}


# --- lending


def _contract() -> pl.Expr:
    return pl.col("loan_uid").str.split(":").list.get(1)


def _behind_lenders(
    sales: pl.DataFrame, legs: pl.DataFrame | None, loans: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
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


# --- routers


def _behind_routers(
    sales: pl.DataFrame, transfers: pl.DataFrame | None, known: list[str]
) -> pl.DataFrame:
    is_buyer, is_seller = pl.col("buyer").is_in(known), pl.col("seller").is_in(known)
    routed = sales.filter(is_buyer | is_seller)
    if routed.is_empty():
        return sales
    if transfers is None:
        return sales
    router = pl.when(is_buyer).then("buyer").when(is_seller).then("seller")
    sales = sales.with_columns(router.alias("router"))
    moves = transfers.filter(pl.col("kind") == "transfer").join(
        routed.select(_ITEM).unique(), on=_ITEM, how="semi"
    )
    both = routed.filter(is_buyer).join(
        routed.filter(is_seller), left_on=[*_ITEM, "buyer"], right_on=[*_ITEM, "seller"]
    )
    ends = {
        "buyer": ("from_address", "to_address"),
        "seller": ("to_address", "from_address"),
    }
    for party, (here, there) in ends.items():
        step = moves.group_by(*_ITEM, pl.col(here).alias(party)).agg(
            pl.col(there).first().alias("next"), pl.col(there).n_unique().alias("n")
        )
        step = step.filter(pl.col("n") == 1).join(both, on=_ITEM, how="anti").drop("n")
        sales = _follow(sales, party, step, known)
    return _named(sales, "router")


def _follow(sales: pl.DataFrame, party: str, step: pl.DataFrame, known: list[str]) -> pl.DataFrame:
    """The sales with a party that is a router replaced by where the token went or came from."""
    on = [*_ITEM, party]
    walked = sales.with_columns(pl.col(party).alias("decoded"))
    for _ in range(_MOST_HOPS):
        walked = (
            walked.join(step, on=on, how="left", maintain_order="left")
            .with_columns(
                pl.when(pl.col(party).is_in(known))
                .then(pl.coalesce("next", party))
                .otherwise(party)
                .alias(party)
            )
            .drop("next")
        )
    is_open = pl.col(party).is_in(known)
    return walked.with_columns(pl.when(is_open).then("decoded").otherwise(party).alias(party)).drop(
        "decoded"
    )


def _sent_to_routers(sales: pl.DataFrame, around: Around, known: list[str]) -> pl.DataFrame:
    sent = around.beside.transactions.filter(pl.col("to_address").is_in(known)).select(
        "block_hash", "tx_hash", pl.col("to_address").alias("sent_to")
    )
    if sent.is_empty():
        return sales
    found = sales.join(sent, on=["block_hash", "tx_hash"], how="left", maintain_order="left")
    return _named(found, "sent_to")


def _named(sales: pl.DataFrame, router: str) -> pl.DataFrame:
    """The sales with a router as aggregator, where it stands between seller and buyer."""
    is_between = (pl.col(router) != pl.col("buyer")) & (pl.col(router) != pl.col("seller"))
    found = pl.when(is_between).then(router)
    return sales.with_columns(pl.coalesce("aggregator", found).alias("aggregator")).drop(router)
