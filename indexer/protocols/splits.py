"""0xSplits 2: who shares what a split wallet receives; and what splits of both versions gave on.

Shares of version 2 stand in its events, those of version 1 in call data alone (`splits_v1`). A
distribution takes the distributor's reward off first, and rounds each share down; what is left over
stays with the split. Source: events of the protocol table; 0xSplits/splits-contracts SplitMain,
0xSplits/splits-contracts-monorepo SplitV2.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import together
from indexer.protocols.split_shares import share_tables

MAIN = "0x2ed6c4b5da6378c7897ac67ba9e43102feb694ee"
"""SplitMain of version 1, on Ethereum."""

_FACTORIES = frozenset(
    {
        "0x5cba88d55cec83cad5a105ad40c8c9af20be21d1",
        "0x6b9118074ab15142d7524e8c4ea8f62a3bdb98f1",
        "0x80f1b766817d04870f115febbccadf8dbf75e017",
        "0x8e8eb0cc6ae34a38b67d5cf91aca38f60bc3ecf4",
        "0xadc87646f736d6a82e9a6539cddc488b2aa07f38",
        "0xdc6259e13ec0621e6f19026b2e49d846525548ed",
    }
)
_NATIVE_2 = "0x" + "ee" * 20
"""How version 2 writes the native coin."""

_SHARES = (
    "(address[] recipients, uint256[] allocations, uint256 totalAllocation,"
    " uint16 distributionIncentive)"
)
_CREATED = f"SplitCreated(address indexed split, {_SHARES} shares, address owner, address creator,"
_CREATED_BY_SALT = Event.parse(f"{_CREATED} bytes32 salt)")
_CREATED_BY_NONCE = Event.parse(f"{_CREATED} uint256 nonce)", name="SplitCreated2")
_UPDATED = Event.parse(f"SplitUpdated({_SHARES} shares)")
_DISTRIBUTED = Event.parse(
    "SplitDistributed(address indexed token, address indexed distributor, uint256 amount)",
    wei=["amount"],
)
_DISTRIBUTE_ETH = Event.parse(
    "DistributeETH(address indexed split, uint256 amount, address indexed distributorAddress)",
    wei=["amount"],
)
_DISTRIBUTE_ERC20 = Event.parse(
    "DistributeERC20(address indexed split, address indexed token, uint256 amount,"
    " address indexed distributorAddress)",
    wei=["amount"],
)
_WITHDRAWAL = Event.parse(
    "Withdrawal(address indexed account, uint256 ethAmount, address[] tokens,"
    " uint256[] tokenAmounts)",
    wei=["ethAmount", "tokenAmounts"],
)


def _routes(context: ChainContext) -> Sequence[Route]:
    anywhere = [Route(event, "2") for event in (_UPDATED, _DISTRIBUTED)]
    if context.chain_id != 1:
        return anywhere
    created = (_CREATED_BY_SALT, _CREATED_BY_NONCE)
    first = (_DISTRIBUTE_ETH, _DISTRIBUTE_ERC20, _WITHDRAWAL)
    return [
        *anywhere,
        *(Route(event, "2", _FACTORIES) for event in created),
        *(Route(event, "1", frozenset({MAIN})) for event in first),
    ]


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    shares = [
        share_tables(_heads(decoded, name), _listed(decoded))
        for name, decoded in events.items()
        if name in (_CREATED_BY_SALT.name, _CREATED_BY_NONCE.name, _UPDATED.name)
    ]
    paid = [
        {"split_payments": _payments(name, decoded)}
        for name, decoded in events.items()
        if name in (_DISTRIBUTED.name, _DISTRIBUTE_ETH.name, _DISTRIBUTE_ERC20.name)
    ]
    if _WITHDRAWAL.name in events:
        paid.append({"split_payments": _withdrawals(events[_WITHDRAWAL.name])})
    return together([*shares, *paid])


def _heads(decoded: Decoded, name: str) -> pl.DataFrame:
    split = pl.col("split" if "split" in decoded.rows.columns else "address")
    return decoded.rows.select(
        "row",
        *PLACE,
        "version",
        pl.lit(name.rstrip("2")).alias("event"),
        split.alias("split"),
        pl.col("shares.totalAllocation").alias("total_allocation"),
        pl.col("shares.distributionIncentive").alias("reward_ppm"),
    )


def _listed(decoded: Decoded) -> pl.DataFrame:
    recipients = decoded.items["shares.recipients"].rename({"value": "recipient"})
    allocations = decoded.items["shares.allocations"].rename({"value": "allocation"})
    return recipients.join(allocations, on=["row", "item"], how="full", coalesce=True)


def _payments(name: str, decoded: Decoded) -> pl.DataFrame:
    columns = decoded.rows.columns
    currency = pl.col("token") if "token" in columns else pl.lit(NATIVE)
    is_first = name != _DISTRIBUTED.name
    return decoded.rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit("0xsplits").alias("protocol"),
        "version",
        pl.lit("distributed").alias("event"),
        pl.col("split" if is_first else "address").alias("split"),
        pl.col("distributorAddress" if is_first else "distributor").alias("account"),
        pl.when(currency == _NATIVE_2).then(pl.lit(NATIVE)).otherwise(currency).alias("currency"),
        pl.col("amount").alias("amount_wei"),
    )


def _withdrawals(decoded: Decoded) -> pl.DataFrame:
    """Native coin first, then the tokens."""
    coin = decoded.rows.select(
        "row",
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(NATIVE).alias("currency"),
        pl.col("ethAmount").alias("amount_wei"),
    )
    tokens = decoded.items["tokens"].join(
        decoded.items["tokenAmounts"].rename({"value": "amount_wei"}), on=["row", "item"]
    )
    moved = tokens.select(
        "row",
        (pl.col("item") + 1).cast(pl.Int64).alias("item_index"),
        pl.col("value").alias("currency"),
        "amount_wei",
    )
    return (
        pl.concat([coin, moved])
        .filter(pl.col("amount_wei") > 0)
        .join(decoded.rows.select("row", *PLACE, "version", "account"), on="row")
        .sort("row", "item_index")
        .with_columns(
            pl.lit("0xsplits").alias("protocol"),
            pl.lit("withdrawn").alias("event"),
            pl.lit(None, pl.String).alias("split"),
        )
        .drop("row")
    )


PROTOCOL = Protocol(
    "splits",
    _routes,
    _settle,
    limits=(
        "Any contract may say that it is a split: its shares count for what it was paid itself.",
        "What a distributor may keep counts as kept by the split, since nobody knows beforehand"
        " who distributes.",
    ),
)
