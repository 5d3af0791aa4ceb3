"""The verdict over Dune's five rules, with the rules and counter-trades that carry it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import polars as pl

from analytics.errors import InputColumnError, InputValueError, UnknownNameError
from analytics.wash.back_and_forth import back_and_forth_counters, flag_back_and_forth
from analytics.wash.bought_or_sold import bought_or_sold_counters, flag_bought_or_sold
from analytics.wash.flashloan import flag_flashloans
from analytics.wash.funding import flag_common_funder
from analytics.wash.self_trade import flag_self_trades

Mode = Literal["full", "incremental"]
MODES: tuple[str, ...] = get_args(Mode)
INCREMENTAL_DAYS = 7
RULES = (
    "same_buyer_seller",
    "back_and_forth",
    "bought_or_sold_3x",
    "first_funded_by_same_wallet",
    "flashloan",
)
TRADE_COLUMNS = (
    "trade_id",
    "chain_id",
    "collection",
    "token_id",
    "token_standard",
    "buyer",
    "seller",
    "block_number",
    "tx_hash",
    "block_time",
)


@dataclass(frozen=True)
class Evidence:
    """What the rules need beside the trades; None means "not known", an empty frame "none".

    funding: address, first_funded_by, optionally chain_id, block_number, block_time (rule 4).
    labels: address, label, optionally chain_id (rule 4 leaves out bridge, cex, tornado_cash).
    flashloans: block_number, tx_hash, optionally chain_id (rule 5).
    """

    funding: pl.DataFrame | None = None
    labels: pl.DataFrame | None = None
    flashloans: pl.DataFrame | None = None


def flag_wash_trades(
    trades: pl.DataFrame,
    evidence: Evidence | None = None,
    *,
    mode: Mode = "full",
    as_of: datetime | None = None,
) -> pl.DataFrame:
    """One row per trade, sorted by chain_id and trade_id: five booleans, verdict and evidence.

    `trades` has the columns of TRADE_COLUMNS; rows without a trade_id are no output, but count as
    counter-trades. Out: chain_id, trade_id, the five of RULES, is_wash (any evaluated rule),
    rules and counter_trade_ids (comma-separated, NULL if none), mode. A rule without its input
    is NULL: not evaluated. Mode `incremental` sees the trades, counter-trades and funding of the
    last 7 days up to `as_of` (default: the latest trade), from midnight, and returns those trades.
    Source: Dune spellbook, `nft.wash_trades`.

    Raises:
        InputColumnError: a column is missing.
        InputValueError: a trade_id occurs twice.
        UnknownNameError: the mode is unknown.
    """
    evidence = evidence or Evidence()
    _check(trades, mode)
    if mode == "incremental":
        trades, evidence = _last_days(trades, evidence, as_of)
    flagged = trades.with_columns(_rule_flags(trades, evidence))
    return (
        flagged.with_columns(is_wash=pl.any_horizontal(pl.col(rule) for rule in RULES))
        .with_columns(is_wash=pl.col("is_wash").fill_null(value=False), rules=_rule_names())
        .with_columns(_counter_ids(flagged), mode=pl.lit(mode))
        .filter(pl.col("trade_id").is_not_null())
        .select("chain_id", "trade_id", *RULES, "is_wash", "rules", "counter_trade_ids", "mode")
        .sort("chain_id", "trade_id")
    )


def merge_flags(
    earlier: pl.DataFrame, fresh: pl.DataFrame, *, key: str = "trade_id"
) -> pl.DataFrame:
    """Earlier flags with the fresh ones put over them, by chain and trade, as Dune merges runs."""
    keys = ["chain_id", key]
    kept = earlier.select(fresh.columns).join(fresh, on=keys, how="anti")
    return pl.concat([kept, fresh]).sort(keys)


def _check(trades: pl.DataFrame, mode: str) -> None:
    missing = [name for name in TRADE_COLUMNS if name not in trades.columns]
    if missing:
        message = f"trades lack {', '.join(missing)}; they need {', '.join(TRADE_COLUMNS)}"
        raise InputColumnError(message)
    if mode not in MODES:
        raise UnknownNameError.among(mode, MODES, kind="mode")
    ids = trades.filter(pl.col("trade_id").is_not_null()).select("chain_id", "trade_id")
    twice = ids.filter(ids.is_duplicated())
    if not twice.is_empty():
        message = f"trade_id {twice['trade_id'][0]!r} occurs twice; give each trade its own id"
        raise InputValueError(message)


def _last_days(
    trades: pl.DataFrame, evidence: Evidence, as_of: datetime | None
) -> tuple[pl.DataFrame, Evidence]:
    latest = as_of or trades["block_time"].max()
    if not isinstance(latest, datetime):
        return trades, evidence
    start = (latest - timedelta(days=INCREMENTAL_DAYS)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    recent = pl.col("block_time").is_between(start, latest)
    funding = evidence.funding
    if funding is not None and "block_time" in funding.columns:
        funding = funding.filter(recent)
    return trades.filter(recent), Evidence(funding, evidence.labels, evidence.flashloans)


def _rule_flags(trades: pl.DataFrame, evidence: Evidence) -> list[pl.Series]:
    not_evaluated = pl.Series([None], dtype=pl.Boolean).new_from_index(0, trades.height)
    common_funder = flashloan = not_evaluated
    if evidence.funding is not None:
        common_funder = flag_common_funder(trades, evidence.funding, evidence.labels)
    if evidence.flashloans is not None:
        flashloan = flag_flashloans(trades, evidence.flashloans)
    return [
        flag_self_trades(trades),
        flag_back_and_forth(trades),
        flag_bought_or_sold(trades),
        common_funder.alias("first_funded_by_same_wallet"),
        flashloan.alias("flashloan"),
    ]


def _rule_names() -> pl.Expr:
    named = [pl.when(pl.col(rule)).then(pl.lit(rule)) for rule in RULES]
    names = pl.concat_str(named, separator=",", ignore_nulls=True)
    return pl.when(names != "").then(names)


def _counter_ids(flagged: pl.DataFrame) -> pl.Series:
    named = pl.concat(
        [
            back_and_forth_counters(flagged, flagged["back_and_forth"]),
            bought_or_sold_counters(flagged, flagged["bought_or_sold_3x"]),
        ]
    )
    joined = (
        named.lazy()
        .group_by("row", maintain_order=True)
        .agg(
            counter_trade_ids=pl.col("counters")
            .explode()
            .unique(maintain_order=True)
            .cast(pl.String)
            .str.join(",")
        )
    )
    return (
        flagged.lazy()
        .with_row_index("row")
        .select("row")
        .join(joined, on="row", how="left", maintain_order="left")
        .select("counter_trade_ids")
        .collect()
        .to_series()
    )
