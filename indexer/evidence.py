"""What a source found out about a block range, as frames; and how JSON-RPC answers become them.

Raw results go to `polars.read_json` as bytes: no Python object is made per log.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from data.errors import RetryableError
from data.schema import conform, table
from indexer import words
from indexer.cut import cut_logs
from indexer.decode import is_ascending, raw_log_columns

_Schema = dict[str, pl.DataType | type[pl.DataType]]

_LOG_JSON: _Schema = {
    "address": pl.String,
    "topics": pl.List(pl.String),
    "data": pl.String,
    "blockNumber": pl.String,
    "blockHash": pl.String,
    "blockTimestamp": pl.String,
    "transactionHash": pl.String,
    "transactionIndex": pl.String,
    "logIndex": pl.String,
    "removed": pl.Boolean,
}
_HEADER_JSON: _Schema = {
    "number": pl.String,
    "hash": pl.String,
    "parentHash": pl.String,
    "timestamp": pl.String,
    "logsBloom": pl.String,
    "receiptsRoot": pl.String,
}
_TRANSACTION_JSON = pl.Struct(
    {
        "hash": pl.String,
        "transactionIndex": pl.String,
        "from": pl.String,
        "to": pl.String,
        "value": pl.String,
        "input": pl.String,
    }
)
VERDICTS: _Schema = {
    "block_number": pl.Int64,
    "verdict": pl.String,
    "is_reasked": pl.Boolean,
    "n_logs_hidden": pl.Int64,
    "reason": pl.String,
}
NO_VERDICTS = pl.DataFrame(schema=VERDICTS)
_HASH_LENGTH = 66
_ADDRESS_LENGTH = 42
_MOST_JOINED_BYTES = 1 << 23  # larger answers are not worth a copy


@dataclass(frozen=True)
class Proof:
    """What besides the logs was asked, to know that none is missing.

    `verified_by` and `mode` as in table `ranges`. `verdicts` has one row for each tested block:
    block_number, verdict (`proven`, `agreed`, `repaired`, `unproven` or `gap`), is_reasked,
    n_logs_hidden, reason.
    """

    verified_by: str = "header"
    mode: str = "off"
    verdicts: pl.DataFrame = field(default_factory=NO_VERDICTS.clone)


@dataclass(frozen=True)
class Evidence:
    """What the chain said about the blocks `start` to `end` (half-open).

    The frames are in the columns of the tables of their names; `quarantine`
    holds logs too incomplete to be placed. `tip_hash` came in the same batch as the logs; it is
    None only where files do not tell it.
    """

    start: int
    end: int
    tip_hash: str | None
    logs: pl.DataFrame
    blocks: pl.DataFrame
    quarantine: pl.DataFrame
    transactions: pl.DataFrame = field(default_factory=lambda: table("transactions").empty())
    value_traces: pl.DataFrame = field(default_factory=lambda: table("value_traces").empty())
    contract_reads: pl.DataFrame = field(default_factory=lambda: table("contract_reads").empty())
    n_requests: int = 0
    n_bytes: int = 0
    elapsed_ms: float = 0.0
    endpoint: str = ""
    proof: Proof = field(default_factory=Proof)


@dataclass(frozen=True)
class ParsedLogs:
    """Logs of answers, those that cannot be placed on the chain, and how many each answer had."""

    logs: pl.DataFrame
    malformed: pl.DataFrame
    counts: tuple[int, ...]


def parse_logs(results: Sequence[bytes], chain_id: int) -> ParsedLogs:
    """Logs of one or several eth_getLogs results; duplicates and `removed` logs are dropped.

    Returns:
        `logs` in the columns of table `logs`, block_time NULL where the node gave none; `malformed`
        in the columns of table `quarantine`.

    Raises:
        RetryableError: a result is no list of logs, or two different logs have one place.
    """
    answers = _cut_together(results, chain_id) or [_read_logs(raw, chain_id) for raw in results]
    logs = pl.concat([each.logs for each in answers])
    malformed = [each.malformed for each in answers if not each.malformed.is_empty()]
    if not is_ascending(logs):
        logs = _without_twins(logs)
    return ParsedLogs(
        logs,
        _malformed(pl.concat(malformed)) if malformed else table("quarantine").empty(),
        tuple(count for each in answers for count in each.counts),
    )


@dataclass(frozen=True)
class _Answers:
    """Logs of answers in the columns of table `logs`, those without a place, and their counts."""

    logs: pl.DataFrame
    malformed: pl.DataFrame
    counts: tuple[int, ...]


def _cut_together(results: Sequence[bytes], chain_id: int) -> list[_Answers]:
    """Answers read as one; none where each has to be read by itself.

    A block that is asked by its hash has an answer of its own, and to make a frame takes as long
    for one log as for a thousand.
    """
    bodies = [raw.strip() for raw in results]
    told = [raw for raw in bodies if raw != b"[]"]
    if not told:
        return [_Answers(table("logs").empty(), pl.DataFrame(), (0,) * len(bodies))]
    are_lists = all(raw[:1] == b"[" and raw[-1:] == b"]" for raw in told)
    if not are_lists or sum(map(len, told)) > _MOST_JOINED_BYTES:
        return []
    cut = cut_logs(b"[" + b",".join(raw[1:-1] for raw in told) + b"]")
    if cut is None:
        return []
    # What was cut has a brace for each log, and no others.
    counts = tuple(raw.count(b"{") for raw in bodies)
    return [_Answers(_timed(cut, chain_id), pl.DataFrame(), counts)]


def _read_logs(raw: bytes, chain_id: int) -> _Answers:
    cut = cut_logs(raw)
    if cut is not None:
        return _Answers(_timed(cut, chain_id), pl.DataFrame(), (cut.height,))
    try:
        read = pl.read_json(io.BytesIO(raw), schema=_LOG_JSON)
    except pl.exceptions.PolarsError as error:
        message = "eth_getLogs answered with something that is no list of logs"
        raise RetryableError(message) from error
    kept = read
    if read["removed"].any():
        kept = read.filter(~pl.col("removed").fill_null(value=False))
    placed = _placed(kept)
    bad = placed.filter(pl.any_horizontal(_missing().values()))
    if not bad.is_empty():
        placed = placed.filter(~pl.any_horizontal(_missing().values()))
    logs = _timed(placed.drop("n_topics"), chain_id)
    return _Answers(logs, _with_time(bad, chain_id), (read.height,))


def _without_twins(logs: pl.DataFrame) -> pl.DataFrame:
    """The logs without those that are told twice.

    Raises:
        RetryableError: two different logs have one place.
    """
    unique = logs.unique(["block_hash", "log_index"], keep="first", maintain_order=True)
    if unique.height < logs.height and unique.height < logs.drop("block_time").unique().height:
        message = "two different logs of one block have the same index"
        raise RetryableError(message)
    return unique


def _timed(placed: pl.DataFrame, chain_id: int) -> pl.DataFrame:
    """The rows in the columns of table `logs`."""
    return conform("logs", _with_time(placed, chain_id))


def _with_time(placed: pl.DataFrame, chain_id: int) -> pl.DataFrame:
    return placed.with_columns(
        pl.lit(chain_id, pl.Int64).alias("chain_id"),
        (pl.col("seconds") * 1_000_000).cast(pl.Datetime("us")).alias("block_time"),
    ).drop("seconds")


def _placed(raw: pl.DataFrame) -> pl.DataFrame:
    topics = [
        pl.col("topics").list.get(i, null_on_oob=True).str.to_lowercase().alias(f"topic{i}")
        for i in range(4)
    ]
    return raw.select(
        _quantity("blockNumber").alias("block_number"),
        pl.col("blockHash").str.to_lowercase().alias("block_hash"),
        _quantity("blockTimestamp").alias("seconds"),
        pl.col("transactionHash").str.to_lowercase().alias("tx_hash"),
        _quantity("transactionIndex").alias("tx_index"),
        _quantity("logIndex").alias("log_index"),
        pl.col("address").str.to_lowercase(),
        *topics,
        pl.col("data").str.slice(2).str.decode("hex", strict=False),
        pl.col("topics").list.len().alias("n_topics"),
    )


def _missing() -> dict[str, pl.Expr]:
    """What keeps a log from being placed, by the reason to name; the first one counts."""

    def is_bad(name: str, length: int) -> pl.Expr:
        return pl.col(name).str.len_bytes().ne_missing(length)

    topics = [pl.col(f"topic{i}").str.len_bytes().fill_null(_HASH_LENGTH) for i in range(4)]
    bad_topics = pl.any_horizontal(size != _HASH_LENGTH for size in topics)
    # Also unequal when there are more than four, or one of them is null.
    n_topics = pl.sum_horizontal(pl.col(f"topic{i}").is_not_null() for i in range(4))
    return {
        "no block number": pl.col("block_number").is_null(),
        "no block hash": is_bad("block_hash", _HASH_LENGTH),
        "no log index": pl.col("log_index").is_null(),
        "no transaction hash": is_bad("tx_hash", _HASH_LENGTH),
        "no transaction index": pl.col("tx_index").is_null(),
        "no address": is_bad("address", _ADDRESS_LENGTH),
        "topics are malformed": bad_topics | pl.col("n_topics").ne_missing(n_topics),
        "data are no hex": pl.col("data").is_null(),
    }


def _malformed(logs: pl.DataFrame) -> pl.DataFrame:
    # Without a log index the key cannot tell two logs of a block apart; their content can.
    content = ["block_number", "block_hash", "log_index", "tx_hash", "address", "topics", "data"]
    reason = pl.coalesce(*(pl.when(bad).then(pl.lit(why)) for why, bad in _missing().items()))
    logs = logs.with_columns(reason.alias("reason")).drop("n_topics")
    rows = raw_log_columns(logs).unique(maintain_order=True).sort(content)
    place = pl.int_range(pl.len()).over("block_number", "block_hash", "log_index")
    return conform(
        "quarantine",
        rows.with_columns(
            place.alias("item_index"), pl.lit("").alias("protocol"), pl.lit("").alias("event")
        ),
    )


def parse_headers(results: Sequence[bytes], chain_id: int) -> pl.DataFrame:
    """Headers of eth_getBlockByNumber results, in the columns of table `blocks`.

    Raises:
        RetryableError: a block is null (a node behind the tip) or lacks a needed field.
    """
    return _headers(_read_blocks(results, _HEADER_JSON), chain_id)


def parse_full_blocks(
    results: Sequence[bytes], chain_id: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Headers, transactions and quarantine rows of blocks fetched with their transactions.

    A transaction whose value exceeds 38 digits cannot be stored; its block is named in quarantine.

    Raises:
        RetryableError: as `parse_headers`.
    """
    if not results:
        return table("blocks").empty(), table("transactions").empty(), table("quarantine").empty()
    raw = _read_blocks(results, {**_HEADER_JSON, "transactions": pl.List(_TRANSACTION_JSON)})
    headers = _headers(raw, chain_id)
    listed = (
        raw.select(pl.col("hash").str.to_lowercase().alias("block_hash"), "transactions")
        .filter(pl.col("transactions").list.len() > 0)
        .explode("transactions")
        .unnest("transactions")
    )
    word = words.from_hex_quantity(pl.col("value"))
    transactions = listed.join(
        headers.select("chain_id", "block_number", "block_hash", "block_time"), on="block_hash"
    ).select(
        "chain_id",
        "block_number",
        "block_hash",
        "block_time",
        pl.col("hash").str.to_lowercase().alias("tx_hash"),
        _quantity("transactionIndex").alias("tx_index"),
        pl.col("from").str.to_lowercase().alias("from_address"),
        pl.col("to").str.to_lowercase().alias("to_address"),
        words.wei(word).alias("value_wei"),
        pl.col("input").str.slice(2).str.decode("hex", strict=False),
    )
    rich = transactions.filter(pl.col("value_wei").is_null()).select(
        "chain_id",
        "block_number",
        "block_hash",
        "block_time",
        "tx_hash",
        "tx_index",
        pl.col("from_address").alias("address"),
    )
    return headers, conform("transactions", transactions), too_rich(rich)


def too_rich(places: pl.DataFrame) -> pl.DataFrame:
    """Rows of table `quarantine`: transactions whose value is above 38 digits.

    Args:
        places: chain_id, block_number, block_hash, block_time, tx_hash, tx_index; and address,
            whose transaction it is, where that is known.
    """
    rich = places.with_columns(
        pl.col("tx_index").alias("item_index"),
        pl.lit("").alias("protocol"),
        pl.lit("transaction").alias("event"),
        pl.lit("value above 38 digits").alias("reason"),
    )
    return conform("quarantine", rich)


def _read_blocks(results: Sequence[bytes], schema: _Schema) -> pl.DataFrame:
    if any(raw.strip() == b"null" for raw in results):
        message = "a block is null: the node that answered is behind the tip"
        raise RetryableError(message)
    try:
        return pl.read_json(io.BytesIO(b"[" + b",".join(results) + b"]"), schema=schema)
    except pl.exceptions.PolarsError as error:
        message = "eth_getBlockByNumber answered with something that is no block"
        raise RetryableError(message) from error


def _headers(raw: pl.DataFrame, chain_id: int) -> pl.DataFrame:
    headers = raw.select(
        pl.lit(chain_id, pl.Int64).alias("chain_id"),
        _quantity("number").alias("block_number"),
        pl.col("hash").str.to_lowercase().alias("block_hash"),
        (_quantity("timestamp") * 1_000_000).cast(pl.Datetime("us")).alias("block_time"),
        pl.col("parentHash").str.to_lowercase().alias("parent_hash"),
        pl.col("logsBloom").str.slice(2).str.decode("hex", strict=False).alias("logs_bloom"),
        pl.col("receiptsRoot").str.to_lowercase().alias("receipts_root"),
    )
    if headers.select(pl.col("block_number", "block_hash", "block_time").is_null().any()).row(
        0
    ) != (
        False,
        False,
        False,
    ):
        message = "a block lacks its number, hash or timestamp"
        raise RetryableError(message)
    return conform("blocks", headers)


def _quantity(column: str) -> pl.Expr:
    return pl.col(column).str.slice(2).str.to_integer(base=16, strict=False)
