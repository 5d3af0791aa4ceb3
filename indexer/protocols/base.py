"""What a protocol file declares: its events, who may emit them, and how they become facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from contracts.addresses import Addresses
from indexer.abi import Decoded, Event

Tables = dict[str, pl.DataFrame]
"""Frames by the name of the table that they belong to."""

PLACE = (
    "chain_id",
    "block_number",
    "block_hash",
    "block_time",
    "tx_hash",
    "tx_index",
    "log_index",
)
"""Columns that say where a log stands; every fact starts with them."""


@dataclass(frozen=True)
class ChainContext:
    """The chain that is being read, and our own contracts on it (None where there are none)."""

    chain_id: int
    own: Addresses | None = None


@dataclass(frozen=True)
class Route:
    """Logs that a protocol reads: an event, its emitters (None: any contract), and the version."""

    event: Event
    version: str
    emitters: frozenset[str] | None = None


@dataclass(frozen=True)
class Protocol:
    """One protocol.

    `routes` gives what it reads on a chain. `settle` is pure: from decoded logs, by event name, of
    whole transactions it makes fact rows. Decoded rows carry PLACE, `address`, `version`.
    """

    name: str
    routes: Callable[[ChainContext], Sequence[Route]]
    settle: Callable[[Mapping[str, Decoded], ChainContext], Tables]


def items_with_place(decoded: Decoded, name: str, *columns: str) -> pl.DataFrame:
    """The items of an array argument beside the place and the named columns of their log."""
    return decoded.items[name].join(
        decoded.rows.select("row", *PLACE, *columns), on="row", how="inner", maintain_order="left"
    )


def transfer_kind(sender: str = "from", receiver: str = "to") -> pl.Expr:
    """`mint`, `burn` or `transfer` by which end is the zero address."""
    zero = "0x" + "0" * 40
    return (
        pl.when(pl.col(sender) == zero)
        .then(pl.lit("mint"))
        .when(pl.col(receiver) == zero)
        .then(pl.lit("burn"))
        .otherwise(pl.lit("transfer"))
    )
