"""Logs against the headers of their blocks: the times, and the transactions that blocks list."""

import io
from collections.abc import Sequence

import polars as pl

from data.errors import RetryableError
from indexer.endpoints import Endpoint

_DOUBTS = 3
"""Doubtful answers in a row after which an endpoint is believed."""

_NOBODY = "0x" + "0" * 64
"""Transaction hash of logs that the protocol itself wrote (ponder#2360)."""

_DIFFERS = pl.col("header_time") != pl.col("block_time")

_LISTED: dict[str, pl.DataType | type[pl.DataType]] = {
    "hash": pl.String,
    "transactions": pl.List(pl.String),
}


def listed_transactions(results: Sequence[bytes]) -> pl.DataFrame:
    """Transactions of eth_getBlockByNumber results that came with hashes only.

    Returns:
        block_hash, tx_hash; nothing of a block that lists none.
    """
    try:
        found = pl.read_json(io.BytesIO(b"[" + b",".join(results) + b"]"), schema=_LISTED)
    except pl.exceptions.PolarsError:
        found = pl.DataFrame(schema=_LISTED)
    return (
        found.filter(pl.col("transactions").list.len() > 0)
        .explode("transactions")
        .select(
            pl.col("hash").str.to_lowercase().alias("block_hash"),
            pl.col("transactions").str.to_lowercase().alias("tx_hash"),
        )
    )


def with_times(
    logs: pl.DataFrame, headers: pl.DataFrame, listed: pl.DataFrame, endpoint: Endpoint
) -> pl.DataFrame:
    """The logs with the times of their headers, where these are known.

    Logs that tell another time than their header, or a transaction that their block does not list,
    are doubted. Some chains do so for good: an endpoint that insists is believed for the rest of
    the run.

    Args:
        logs: in the columns of table `logs`; block_time as the logs themselves told it, or NULL.
        headers: in the columns of table `blocks`.
        listed: block_hash and tx_hash of transactions; blocks of which none is known are skipped.
        endpoint: who answered; it counts its doubtful answers.

    Raises:
        RetryableError: the answer is doubtful.
    """
    times = headers.select("block_hash", pl.col("block_time").alias("header_time"))
    # Logs of a block follow each other: what holds of blocks is asked of one log of each run.
    is_first = (pl.col("block_hash") != pl.col("block_hash").shift(1)) | (
        pl.col("block_time").ne_missing(pl.col("block_time").shift(1))
    )
    firsts = logs.filter(is_first.fill_null(value=True)).join(times, on="block_hash")
    is_odd = False
    if endpoint.odd_answers < _DOUBTS:
        oddity = _other_time(firsts) or _stranger(logs, firsts, listed)
        is_odd = bool(oddity)
        endpoint.odd_answers = endpoint.odd_answers + 1 if oddity else 0
        if oddity and endpoint.odd_answers < _DOUBTS:
            raise RetryableError(oddity)
    is_told = logs["block_time"].null_count() == 0
    if is_told and not is_odd and firsts.filter(_DIFFERS).is_empty():
        return logs
    timed = logs.join(times, on="block_hash", how="left", maintain_order="left")
    time = pl.coalesce("header_time", "block_time").alias("block_time")
    return timed.with_columns(time).drop("header_time")


def _other_time(timed: pl.DataFrame) -> str:
    other = timed.filter(_DIFFERS)
    if other.is_empty():
        return ""
    return f"logs of block {other['block_number'][0]} tell another time than its header"


def _stranger(logs: pl.DataFrame, firsts: pl.DataFrame, listed: pl.DataFrame) -> str:
    known = firsts.select("block_hash").join(listed, on="block_hash", how="semi").unique()
    if known.is_empty():
        return ""
    strange = (
        logs.filter(pl.col("tx_hash") != _NOBODY)
        .join(known, on="block_hash", how="semi")
        .join(listed, on=["block_hash", "tx_hash"], how="anti")
    )
    if strange.is_empty():
        return ""
    number, tx_hash = strange.select("block_number", "tx_hash").row(0)
    return f"a log names transaction {tx_hash}, which block {number} does not list"
