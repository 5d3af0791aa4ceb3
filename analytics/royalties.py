"""Royalties owed beside royalties paid: by marketplace and month, and by who is to get them.

Terms that nobody knows are not evaluated, and never count as 0. Sums are exact: a sum that 38
digits cannot hold is NULL, because an integer of 128 bits would wrap around without a word.
"""

import polars as pl

from data.schema import TABLES

WITHOUT_ROYALTY = ("swap", "primary_mint")
"""Kinds of trade that owe no royalty: a mint pays its artist, a swap has no price."""
STATUSES = ("full", "partial", "zero", "over", "unknown")
_SALE = ("chain_id", "sale_id")
_LIMB = pl.lit(10**19, dtype=pl.Int128)
_PLACES = ("chain_id", "marketplace", "month", "currency")
_PEOPLE = ("chain_id", "recipient", "currency")


def royalty_rates(sales: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """What marketplaces paid of the royalties owed, by month (UTC) and currency.

    `sales` needs chain_id, sale_id, marketplace, block_time, trade_kind, currency, price_wei,
    royalty_wei; mints, swaps and sales without a price are left out. `ledger` needs chain_id,
    sale_id, currency, owed_wei, paid_wei, look_through_of; rows that divide a split are left out.
    Out: the columns of `royalty_rates` but run_id, sorted by its key; amounts in the smallest
    unit of `currency`. A month without sales has no row.

    A sale's terms are known where every ledger row of it tells what is owed; its payment, where
    its royalty legs are known or the ledger has a row. effective_rate = paid_wei over the volume
    of sales with known payment, owed_rate = owed_wei over the volume of those with known terms;
    gap_wei = owed less paid of the latter. Without such a sale they are NULL.
    """
    sold = _sold(sales)
    rows = ledger.filter(pl.col("look_through_of").is_null())
    rows = rows.select(*_SALE, "owed_wei", "paid_wei", paid_in="currency").join(sold, on=_SALE)
    is_own = pl.col("paid_in") == pl.col("currency")
    told = (
        rows.filter(is_own)
        .group_by(_SALE)
        .agg(has_terms=pl.col("owed_wei").is_not_null().all(), has_rows=pl.lit(value=True))
    )
    rows = rows.join(told.select(*_SALE, "has_terms"), on=_SALE, how="left")
    entries = pl.concat([_volumes(sold, told), _amounts(rows, is_own)], how="diagonal")
    names = ("volume_wei", "volume_with_known_terms_wei", "volume_with_known_payment_wei",
             "owed_wei", "paid_wei", "gap_wei")  # fmt: skip
    counts = ("sales", "sales_with_known_terms", "sales_with_known_payment",
              "rows_in_other_currency")  # fmt: skip
    found = _summed(entries, _PLACES, names, [pl.col(name).sum() for name in counts])
    return found.with_columns(
        effective_rate=_rate("paid_wei", "volume_with_known_payment_wei"),
        owed_rate=_rate("owed_wei", "volume_with_known_terms_wei"),
    ).select(_declared("royalty_rates"))


def royalty_by_artist(ledger: pl.DataFrame) -> pl.DataFrame:
    """What each recipient was owed and paid, by currency, seen through splits.

    `ledger` needs chain_id, sale_id, recipient, currency, owed_wei, paid_wei, status and
    look_through_of: a split's own row gives way to the rows that divide it. Out: the columns of
    `royalty_by_artist` but run_id, sorted by its key; amounts in the smallest unit of `currency`.
    owed_wei and gap_wei are of rows with known terms alone, and NULL without such a row.
    """
    is_part = pl.col("look_through_of").is_not_null()
    divided = ledger.filter(is_part).select(*_SALE, "currency", recipient="look_through_of")
    whole = ledger.filter(~is_part).join(
        divided.unique(), on=[*_SALE, "currency", "recipient"], how="anti"
    )
    people = pl.concat([whole, ledger.filter(is_part)]).with_columns(gap_wei=_gap())
    counts = [
        pl.col("sale_id").n_unique().cast(pl.Int64).alias("sales"),
        *((pl.col("status") == each).sum().cast(pl.Int64).alias(f"n_{each}") for each in STATUSES),
    ]
    found = _summed(people, _PEOPLE, ("owed_wei", "paid_wei", "gap_wei"), counts)
    return found.select(_declared("royalty_by_artist"))


def _sold(sales: pl.DataFrame) -> pl.DataFrame:
    """The sales that can owe a royalty, with their month; an unnamed kind of trade is one."""
    is_bare = pl.col("trade_kind").is_in(WITHOUT_ROYALTY).fill_null(value=False)
    return sales.filter(~is_bare & pl.col("price_wei").is_not_null()).select(
        *_SALE,
        "marketplace",
        "currency",
        pl.col("price_wei").alias("volume_wei"),
        month=pl.col("block_time").cast(pl.Date).dt.month_start(),
        has_legs=pl.col("royalty_wei").is_not_null(),
    )


def _volumes(sold: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    terms = pl.col("has_terms").fill_null(value=False)
    payment = pl.col("has_legs") | pl.col("has_rows").fill_null(value=False)
    return sold.join(told, on=_SALE, how="left").select(
        *_PLACES,
        "volume_wei",
        pl.when(terms).then("volume_wei").alias("volume_with_known_terms_wei"),
        pl.when(payment).then("volume_wei").alias("volume_with_known_payment_wei"),
        # Paid is 0, and known to be, where the legs are known and none is a royalty.
        pl.when(payment).then(0).cast(pl.Decimal(38, 0)).alias("paid_wei"),
        sales=pl.lit(1, dtype=pl.Int64),
        sales_with_known_terms=terms.cast(pl.Int64),
        sales_with_known_payment=payment.cast(pl.Int64),
    )


def _amounts(rows: pl.DataFrame, is_own: pl.Expr) -> pl.DataFrame:
    """What the ledger adds; of a sale with unknown terms, or in another currency, not all."""
    known = is_own & pl.col("has_terms")
    return rows.select(
        *_PLACES,
        pl.when(known).then("owed_wei").alias("owed_wei"),
        pl.when(is_own).then("paid_wei").alias("paid_wei"),
        pl.when(known).then(_gap()).alias("gap_wei"),
        rows_in_other_currency=(~is_own).cast(pl.Int64),
    )


def _gap() -> pl.Expr:
    owed, paid = (pl.col(name).cast(pl.Int128) for name in ("owed_wei", "paid_wei"))
    return (owed - paid).cast(pl.Decimal(38, 0))


def _rate(part: str, whole: str) -> pl.Expr:
    volume = pl.col(whole).cast(pl.Float64)
    return pl.when(volume > 0).then(pl.col(part).cast(pl.Float64) / volume)


def _summed(
    rows: pl.DataFrame, keys: tuple[str, ...], amounts: tuple[str, ...], counts: list[pl.Expr]
) -> pl.DataFrame:
    """Exact sums of amounts by key, summed in two halves that cannot overflow; sorted by key.

    NULL amounts are passed over; a sum of nothing else is NULL, as is one above 38 digits.
    """
    halves = [
        half
        for name in amounts
        for wei in (pl.col(name).cast(pl.Int128),)
        for half in (
            (wei // _LIMB).sum().alias(f"{name}_high"),
            (wei % _LIMB).sum().alias(f"{name}_low"),
            wei.count().alias(f"{name}_n"),
        )
    ]
    return (
        rows.group_by(keys)
        .agg(*counts, *halves)
        .with_columns(_joined(name).alias(name) for name in amounts)
        .sort(keys)
    )


def _joined(name: str) -> pl.Expr:
    low = pl.col(f"{name}_low")
    high = pl.col(f"{name}_high") + low // _LIMB
    fits = (pl.col(f"{name}_n") > 0) & (high > -_LIMB) & (high < _LIMB)
    return (pl.when(fits).then(high) * _LIMB + low % _LIMB).cast(pl.Decimal(38, 0))


def _declared(name: str) -> list[str]:
    return [column for column in TABLES[name].column_names if column != "run_id"]
