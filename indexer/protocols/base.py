"""What a protocol file declares: its events, who may emit them, and how they become facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from contracts.addresses import Addresses
from data.schema import table
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


Need = Literal["input", "receipt", "trace", "call"]
"""What a protocol needs of its transactions besides its logs.

- `input`: the transaction itself (sender, receiver, value, call data).
- `receipt`: its ERC-20 transfers, which the log filters leave out.
- `trace`: the calls that moved native coin, where the endpoint can trace.
- `call`: answers of contracts at the block (`Protocol.calls` says which).
"""


def _empty(name: str) -> Callable[[], pl.DataFrame]:
    return lambda: table(name).empty()


@dataclass(frozen=True)
class Beside:
    """What was asked about transactions besides their logs, in the columns of those tables."""

    transactions: pl.DataFrame = field(default_factory=_empty("transactions"))
    value_traces: pl.DataFrame = field(default_factory=_empty("value_traces"))
    contract_reads: pl.DataFrame = field(default_factory=_empty("contract_reads"))


PAYMENTS = {
    **{name: table("logs").polars_schema[name] for name in PLACE},
    "currency": pl.String(),
    "from_address": pl.String(),
    "to_address": pl.String(),
    "amount_wei": pl.Decimal(38, 0),
}
"""Columns of `Around.payments`: ERC-20 transfers."""


@dataclass(frozen=True)
class Around:
    """What is known of the transactions that a protocol settles, besides its own logs.

    `payments` (columns PAYMENTS) are the ERC-20 transfers of transactions with logs of protocols
    that need receipts. `facts` are the tables that the protocols named in `after` made.
    """

    context: ChainContext
    beside: Beside = field(default_factory=Beside)
    payments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAYMENTS))
    facts: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def fact(self, name: str) -> pl.DataFrame:
        """Rows of a fact table that protocols settled before made; empty without any."""
        return self.facts[name] if name in self.facts else table(name).empty()


@dataclass(frozen=True)
class Protocol:
    """One protocol.

    `routes` gives what it reads on a chain. `settle` is pure: from decoded logs, by event name, of
    whole transactions, and what is known around them, it makes fact rows. Decoded rows carry PLACE,
    `address`, `version`. `needs` asks for more about the transactions of its logs; `calls` gives
    for decoded logs, and the transactions that `input` brought, the contract calls to make:
    chain_id, block_number, block_hash, block_time, contract, input. `after`
    names the protocols whose facts it reads; they are selected along with it. `limits` are what a
    reader of its rows should know, one sentence each.
    """

    name: str
    routes: Callable[[ChainContext], Sequence[Route]]
    settle: Callable[[Mapping[str, Decoded], Around], Tables]
    needs: frozenset[Need] = frozenset()
    after: tuple[str, ...] = ()
    calls: Callable[[Mapping[str, Decoded], Around], pl.DataFrame] | None = None
    limits: tuple[str, ...] = ()


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
