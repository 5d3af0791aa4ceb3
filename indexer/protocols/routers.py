"""Who traded when a router stood between the marketplace and somebody."""

from functools import cache
from pathlib import Path

import polars as pl

from data.schema import table
from indexer.protocols.sales import ITEM

_FILE = Path(__file__).parents[1] / "routers.csv"


@cache
def known_routers() -> frozenset[str]:
    """Aggregators of Ethereum, as public lists name them."""
    return frozenset(pl.read_csv(_FILE)["address"])


def behind_routers(
    sales: pl.DataFrame, transfers: pl.DataFrame, transactions: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The sales with economic seller and buyer, and `aggregator`.

    A known router, or a contract that was called by the transaction, and that the marketplace takes
    for the buyer (or seller), acts for somebody where it hands the token on (or got it) in the same
    transaction. It is then the aggregator; so is any other contract that was called instead of the
    marketplace and is neither seller nor buyer.

    Args:
        sales: ITEM, tx_hash, address (the marketplace), collection, token_id, seller, buyer.
        transfers: table `transfers`.
        transactions: table `transactions`; without its transaction only known routers are seen.
    """
    if transactions is None:
        transactions = table("transactions").empty()
    known = sorted(known_routers())
    called = transactions.select("block_hash", "tx_hash", pl.col("to_address").alias("router"))
    routed = sales.join(
        called.unique(["block_hash", "tx_hash"]),
        on=["block_hash", "tx_hash"],
        how="left",
        maintain_order="left",
    ).with_columns(
        pl.when(pl.col("buyer").is_in(known))
        .then("buyer")
        .when(pl.col("seller").is_in(known))
        .then("seller")
        .otherwise("router")
        .alias("router")
    )
    routed = _with_end(routed, transfers, "buyer", "from_address", "to_address")
    routed = _with_end(routed, transfers, "seller", "to_address", "from_address")
    is_between = (
        (pl.col("router") != pl.col("address"))
        & pl.col("router").ne_missing(pl.col("buyer"))
        & pl.col("router").ne_missing(pl.col("seller"))
    )
    return routed.with_columns(pl.when(is_between).then(pl.col("router")).alias("aggregator")).drop(
        "router"
    )


def _with_end(
    sales: pl.DataFrame, transfers: pl.DataFrame, party: str, holder: str, other: str
) -> pl.DataFrame:
    """The sales with a router among the named parties replaced by where the token went, or was."""
    routed = sales.filter(pl.col(party) == pl.col("router")).select(
        *ITEM, "tx_hash", "collection", "token_id", pl.col("router").alias(holder)
    )
    is_later = pl.col("moved_at") > pl.col("log_index")
    moves = routed.join(
        transfers.select(
            "block_hash",
            "tx_hash",
            "collection",
            "token_id",
            "from_address",
            "to_address",
            pl.col("log_index").alias("moved_at"),
        ),
        on=["block_hash", "tx_hash", "collection", "token_id", holder],
    ).filter(is_later if party == "buyer" else ~is_later)
    place = pl.col("moved_at") if party == "buyer" else -pl.col("moved_at")
    ends = (
        moves.sort(*ITEM, place)
        .unique(list(ITEM), keep="first", maintain_order=True)
        .select(*ITEM, pl.col(other).alias("end"))
    )
    return (
        sales.join(ends, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(pl.coalesce("end", party).alias(party))
        .drop("end")
    )
