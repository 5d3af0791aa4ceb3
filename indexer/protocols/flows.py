"""Which movements of money in a transaction belong to which of a protocol's events."""

import polars as pl

from data.units import NATIVE

_TX = ("block_hash", "tx_hash")
HEAD = (*_TX, "log_index")
"""What names an event that money is looked for."""


def transfers_around(
    heads: pl.DataFrame, transfers: pl.DataFrame, *, come_before: bool = True
) -> pl.DataFrame:
    """Transfers of a transaction, each with the event that it belongs to.

    A transfer belongs to the next event behind it (`come_before`: the protocol moves what it moves
    and speaks then), or to the last one before it.

    Args:
        heads: HEAD; the events of one protocol that end, or begin, a trade.
        transfers: ERC-20 payments (`Around.payments`) or token transfers: HEAD and more.
        come_before: whether transfers come before their event.

    Returns:
        The columns of the transfers, log_index being that of the event, and `moved_at`, their own.
    """
    places = heads.select(*HEAD, pl.col("log_index").alias("head_index")).unique()
    return (
        transfers.sort("log_index")
        .join_asof(
            places.sort("log_index"),
            on="log_index",
            by=list(_TX),
            strategy="forward" if come_before else "backward",
            check_sortedness=False,  # polars cannot check it within groups; both are sorted above
        )
        .filter(pl.col("head_index").is_not_null())
        .rename({"log_index": "moved_at", "head_index": "log_index"})
        .sort("block_hash", "moved_at")
    )


def native_payments(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Native coin that a contract sent on while it was called, by the event of that call.

    A transaction may call the contract several times, each call ending in one event. The calls and
    events are then paired in order; where their numbers differ nothing is told.

    Args:
        heads: HEAD and `address`, the contract; one event per call.
        traces: table `value_traces`.

    Returns:
        HEAD, trace_address, recipient, currency, amount_wei, place: what the contract paid, in
        order; payments to itself are left out.
    """
    paired = calls_of(heads, traces)
    is_inside = (pl.col("root") == "") | pl.col("trace_address").str.starts_with(
        pl.col("root") + "_"
    )
    return (
        traces.filter(pl.col("value_wei") > 0)
        .join(
            paired.select(*HEAD, "address", pl.col("trace_address").alias("root")),
            left_on=[*_TX, "from_address"],
            right_on=[*_TX, "address"],
        )
        .filter(
            is_inside,
            pl.col("trace_address") != pl.col("root"),
            pl.col("to_address") != pl.col("from_address"),
        )
        .sort("block_hash", "place")
        .select(
            *HEAD,
            "trace_address",
            pl.col("to_address").alias("recipient"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("value_wei").alias("amount_wei"),
            "place",
        )
    )


def calls_of(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """The call of a contract in which each event was emitted.

    A transaction may call the contract several times, each call ending in one event. The calls and
    events are then paired in order; where their numbers differ nothing is told.

    Args:
        heads: HEAD and `address`, the contract; one event per call.
        traces: table `value_traces`, or its columns block_hash, tx_hash, trace_address, call_type,
            from_address, to_address, value_wei, input, place. What a static call reaches can emit
            nothing.

    Returns:
        HEAD, address, trace_address, caller, value_wei, input.
    """
    key = [*_TX, "address"]
    events = heads.select(*HEAD, "address").unique().sort(HEAD)
    events = events.with_columns(
        pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("n_events")
    )
    paired = _calls(heads, traces).join(events, on=[*key, "nth"])
    return paired.filter(pl.col("n_calls") == pl.col("n_events")).select(
        *HEAD, "address", "trace_address", "caller", "value_wei", "input"
    )


def _calls(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Calls to the contracts from outside, numbered: `nth` of `n_calls`, in order."""
    wanted = heads.select(*_TX, "address").unique()
    calls = (
        traces.filter(pl.col("call_type").ne_missing("staticcall"))
        .join(wanted, left_on=[*_TX, "to_address"], right_on=[*_TX, "address"], how="semi")
        .select(
            *_TX,
            pl.col("to_address").alias("address"),
            "trace_address",
            pl.col("from_address").alias("caller"),
            "value_wei",
            "input",
            "place",
        )
    )
    # A call within a call of the same contract is its own business.
    pairs = calls.join(calls, on=[*_TX, "address"], suffix="_outer").filter(
        pl.col("trace_address") != pl.col("trace_address_outer"),
        (pl.col("trace_address_outer") == "")
        | pl.col("trace_address").str.starts_with(pl.col("trace_address_outer") + "_"),
    )
    key = [*_TX, "address"]
    outer = calls.join(pairs, on=[*key, "trace_address"], how="anti").sort(*key, "place")
    return outer.with_columns(
        pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("n_calls")
    )
