"""What holders of our shares voted for and are owed, counted as the contracts count.

Products of wei and shares leave 38 digits, so they are made of Python's integers, outside the
database: per vault, as temporary tables that the queries of `vaults` and `dividend_balances` read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.store import Transaction
from data.types import WEI
from data.units import MAX_DECIMAL38

_NOBODY = "0x" + "0" * 40
_ORDER = "ORDER BY chain_id, vault, block_number, log_index"
_OURS = """
    SELECT chain_id, vault FROM vault_events WHERE event = 'opened' AND protocol = 'raisonne'
    UNION SELECT chain_id, vault FROM share_transfers WHERE source = 'own'
"""
_EVENTS = f"""
WITH ours AS ({_OURS}), told AS (
    SELECT chain_id, vault, block_number, log_index, event, account, shares,
        amount_wei::VARCHAR AS amount, NULL AS to_address
    FROM vault_events WHERE protocol = 'raisonne'
        AND event IN ('vote', 'dividend', 'dividend_claim') AND emitter = vault
    UNION ALL
    SELECT chain_id, vault, block_number, log_index, 'moved', from_address, shares::VARCHAR,
        NULL, to_address
    FROM share_transfers WHERE source <> 'receipt'
)
SELECT * FROM told SEMI JOIN ours USING (chain_id, vault) {_ORDER}
"""
_BALANCES = {
    "chain_id": pl.Int64(),
    "vault": pl.String(),
    "holder": pl.String(),
    "credited_wei": WEI.polars,
    "claimed_wei": WEI.polars,
}
_RESERVES = {
    "chain_id": pl.Int64(),
    "vault": pl.String(),
    "reserve_wei": WEI.polars,
    "locked_shares": pl.String(),
}
_NOTED = {
    "chain_id": pl.Int64(),
    "vault": pl.String(),
    "block_number": pl.Int64(),
    "log_index": pl.Int64(),
    "holder": pl.String(),
    "holder_shares": WEI.polars,
    "supply_shares": WEI.polars,
}

DIVIDEND_BALANCES = """
SELECT *, credited_wei - claimed_wei AS claimable_wei FROM share_dividends
WHERE credited_wei > 0 OR claimed_wei > 0
ORDER BY ALL
"""


@dataclass
class _Book:
    """One contract of shares, event by event."""

    issued: int = 0
    shares: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    owed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """In wei times shares, as the contract keeps it."""
    claimed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    votes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Price and locked shares by voter."""
    noted: list[tuple[int, int, str, int, int]] = field(default_factory=list)

    def take(self, row: dict[str, Any]) -> None:
        """Counts an event."""
        account, shares = row["account"], int(row["shares"] or 0)
        if row["event"] == "moved":
            self._move(account, row["to_address"], shares)
        elif row["event"] == "vote":
            self.votes[account] = (int(row["amount"] or 0), shares)
        elif row["event"] == "dividend":
            self._divide(int(row["amount"] or 0), row["block_number"], row["log_index"])
        else:
            self.claimed[account] += int(row["amount"] or 0)

    def _move(self, sender: str, receiver: str, shares: int) -> None:
        if sender == _NOBODY:
            self.issued += shares
        else:
            self.shares[sender] -= shares
        if receiver != _NOBODY:
            self.shares[receiver] += shares

    def _divide(self, amount: int, block: int, log: int) -> None:
        for holder, shares in self.shares.items():
            if shares > 0:
                self.owed[holder] += shares * amount
                self.noted.append((block, log, holder, shares, self.issued))

    @property
    def reserve(self) -> int | None:
        """Mean of the prices voted for, weighted by locked shares, rounded up."""
        if not self.locked:
            return None
        return -(-sum(price * shares for price, shares in self.votes.values()) // self.locked)

    @property
    def locked(self) -> int:
        """Shares behind votes."""
        return sum(shares for _, shares in self.votes.values())


def register_books(transaction: Transaction) -> None:
    """Temporary tables `share_dividends`, `share_dividend_parts` and `vault_reserves`."""
    books = _read(transaction.query(_EVENTS).iter_rows(named=True))
    _table(transaction, "share_dividends", _BALANCES, _balances(books))
    _table(transaction, "share_dividend_parts", _NOTED, _parts(books))
    _table(transaction, "vault_reserves", _RESERVES, _reserves(books))


_Books = dict[tuple[int, str], _Book]


def _read(rows: Iterable[dict[str, Any]]) -> _Books:
    books: _Books = defaultdict(_Book)
    for row in rows:
        books[row["chain_id"], row["vault"]].take(row)
    return books


def _balances(books: _Books) -> Iterator[tuple[Any, ...]]:
    for key, book in books.items():
        for holder in book.owed.keys() | book.claimed.keys():
            credited = book.owed[holder] // book.issued if book.issued else 0
            yield *key, holder, _whole(credited), _whole(book.claimed[holder])


def _parts(books: _Books) -> Iterator[tuple[Any, ...]]:
    for key, book in books.items():
        for block, log, holder, shares, supply in book.noted:
            yield *key, block, log, holder, _whole(shares), _whole(supply)


def _reserves(books: _Books) -> Iterator[tuple[Any, ...]]:
    for key, book in books.items():
        if book.votes:
            yield *key, _whole(book.reserve), str(book.locked)


def _whole(value: int | None) -> int | None:
    return value if value is not None and value <= MAX_DECIMAL38 else None


def _table(
    transaction: Transaction,
    name: str,
    columns: dict[str, pl.DataType],
    rows: Iterator[tuple[Any, ...]],
) -> None:
    kinds = {pl.Int64(): "BIGINT", pl.String(): "VARCHAR", WEI.polars: WEI.duckdb}
    declared = ", ".join(f"{column} {kinds[kind]}" for column, kind in columns.items())
    transaction.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({declared})")
    frame = pl.DataFrame(list(rows), schema=columns, orient="row")
    if not frame.is_empty():
        transaction.insert(name, frame)
