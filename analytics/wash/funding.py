"""Rule 4, `first_funded_by_same_wallet`: buyer and seller got their first coin from one hand."""

import polars as pl

SHARED_SERVICES = ("bridge", "cex", "tornado_cash")
"""Labels of funders that fund strangers: a shared one says nothing."""


def flag_common_funder(
    trades: pl.DataFrame, funding: pl.DataFrame, labels: pl.DataFrame | None = None
) -> pl.Series:
    """True where both were first funded by one wallet, or one of the two funded the other.

    `trades` needs chain_id, buyer, seller; `funding` address and first_funded_by (with chain_id,
    rows hold for that chain alone; of several rows per address the earliest by block_number or
    block_time counts); `labels` address and label. False, as with Dune, where either side has no
    known funder or one that is a bridge, an exchange or a mixer. NULL where a party is unknown.
    Source: Dune spellbook, `nft.wash_trades`, filter 4.
    """
    funders = _personal_funders(funding, labels)
    rows = trades.lazy().select("chain_id", "buyer", "seller")
    for side in ("buyer", "seller"):
        keys = ["chain_id", side] if "chain_id" in funders.columns else [side]
        of_side = funders.rename({"address": side, "first_funded_by": f"{side}_funder"})
        rows = rows.join(of_side.lazy(), on=keys, how="left", maintain_order="left")
    buyer_funder, seller_funder = pl.col("buyer_funder"), pl.col("seller_funder")
    linked = (
        (buyer_funder == seller_funder)
        | (buyer_funder == pl.col("seller"))
        | (seller_funder == pl.col("buyer"))
    )
    both_known = buyer_funder.is_not_null() & seller_funder.is_not_null()
    known_parties = pl.col("buyer").is_not_null() & pl.col("seller").is_not_null()
    flag = pl.when(known_parties).then((both_known & linked).fill_null(value=False))
    return rows.select(first_funded_by_same_wallet=flag).collect().to_series()


def _personal_funders(funding: pl.DataFrame, labels: pl.DataFrame | None) -> pl.DataFrame:
    keys = [key for key in ("chain_id", "address") if key in funding.columns]
    order = [name for name in ("block_number", "block_time") if name in funding.columns]
    funders = (
        funding.filter(pl.col("first_funded_by").is_not_null())
        .sort(*order, "first_funded_by", nulls_last=True)
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, "first_funded_by")
    )
    if labels is None:
        return funders
    services = labels.filter(pl.col("label").is_in(SHARED_SERVICES))
    shared = [key for key in ("chain_id",) if key in funding.columns and key in labels.columns]
    return funders.join(
        services.select(*shared, first_funded_by="address").unique(),
        on=[*shared, "first_funded_by"],
        how="anti",
    )
