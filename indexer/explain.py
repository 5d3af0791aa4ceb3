"""Why the rows of one transaction look as they do: its logs, and what was made of each."""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from contracts.addresses import Addresses, known_addresses
from data.errors import NotFoundError, UsageError
from data.schema import TABLES
from data.store import Store
from data.units import NATIVE
from indexer.abi import Event, decode
from indexer.legs import Payment, PaymentFinder, read_numbers, read_payments, reason_for_class
from indexer.protocols import erc20, select_protocols
from indexer.protocols.base import PLACE, ChainContext, Protocol, Route
from indexer.selection import Selection

_MAX_EXACT_INT = 2**53  # what a JSON reader with doubles keeps exactly
_PREFIX = re.compile(r"^0x[0-9a-f]{6,64}$")
_FACTS = tuple(name for name, declared in TABLES.items() if declared.kind == "fact")
_SHOWN_APART = ("quarantine", "settled_sales", "sale_payments")
_TOPICS = ("topic0", "topic1", "topic2", "topic3")
_PAYMENT = (erc20.TRANSFER.topic0, erc20.TRANSFER.n_topics)
_ERC20_FILE = "indexer/protocols/erc20.py"
_DUPLICATE_COLUMNS = {*PLACE, "item_index"}

Row = dict[str, Any]


@dataclass(frozen=True)
class LogLine:
    """One stored log: who emitted it, which protocol file claims it, what it says."""

    log_index: int
    address: str
    emitter: str
    protocol: str
    version: str
    file: str
    event: str
    arguments: Row
    amounts: frozenset[str] = frozenset()
    fault: str = ""
    became: tuple[str, ...] = ()


@dataclass(frozen=True)
class LegLine:
    """One payment: whom, how much, why it has its class, and where it was read."""

    seq: int
    recipient: str | None
    recipient_class: str
    currency: str
    amount_wei: Decimal
    why: str
    source_log: int | None
    source_words: str


@dataclass(frozen=True)
class SaleLine:
    """One sale with everything that bears on its row."""

    row: Row
    price_words: str
    legs: tuple[LegLine, ...]
    royalties: tuple[Row, ...]
    wash: Row | None


@dataclass(frozen=True)
class Explanation:
    """One transaction of one block, explained."""

    chain_id: int
    tx_hash: str
    place: Row
    transaction: Row | None
    logs: tuple[LogLine, ...]
    sales: tuple[SaleLine, ...]
    facts: dict[str, list[Row]] = field(default_factory=dict)
    quarantine: tuple[Row, ...] = ()

    def as_json(self) -> Row:
        """The same for JSON: amounts and large integers as text, bytes as 0x text, times as ISO."""
        found: Row = _as_json(asdict(self))
        return found


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple | frozenset):
        members = sorted(value) if isinstance(value, frozenset) else value
        return [_as_json(member) for member in members]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()
    is_large = isinstance(value, int) and abs(value) > _MAX_EXACT_INT
    return str(value) if isinstance(value, Decimal) or is_large else value


def explain(store: Store, name: str, *, state_dir: Path = Path(".raisonne")) -> list[Explanation]:
    """Explains a transaction; one entry per block that held it (after a reorg there may be two).

    Args:
        store: where the rows are.
        name: hash of a transaction, or the beginning of one (8 characters or more), or a sale_id.
        state_dir: folder with the addresses of local deployments.

    Raises:
        UsageError: the name is no hash and no sale_id, or several hashes begin so.
        NotFoundError: nothing is stored of such a transaction.
    """
    tx_hash = _find_hash(store, name.strip().lower())
    places = _union(store, tx_hash, ("logs", *_FACTS), "chain_id, block_hash")
    return [
        _Reader(store, tx_hash, chain_id, block_hash, state_dir).read()
        for chain_id, block_hash in places
    ]


def _find_hash(store: Store, name: str) -> str:
    if ":" in name:
        found = store.query("SELECT tx_hash FROM settled_sales WHERE sale_id = ?", [name])
        if found.is_empty():
            message = f"no sale has the id {name!r}; list them with: raisonne sql 'FROM sales'"
            raise NotFoundError(message)
        return str(found.item())
    if not _PREFIX.match(name):
        message = f"{name!r} is no transaction hash; one has 0x and 64 hex digits"
        raise UsageError(message)
    tables = ("logs", "quarantine", "transfers", "settled_sales")
    texts = " UNION ".join(f"SELECT tx_hash FROM {t} WHERE starts_with(tx_hash, ?)" for t in tables)
    hashes = store.query(f"{texts} ORDER BY 1", [name] * len(tables))["tx_hash"].to_list()
    if len(hashes) > 1:
        message = f"{len(hashes)} stored transactions begin with {name}: {', '.join(hashes[:3])} …"
        raise UsageError(message)
    if not hashes:
        raise NotFoundError(_not_stored(store, name))
    return str(hashes[0])


def _not_stored(store: Store, name: str) -> str:
    rows = store.query(
        "SELECT chain_id, min(from_block) AS first, max(to_block) AS last FROM ranges"
        " GROUP BY chain_id ORDER BY chain_id"
    ).rows()
    spans = ", ".join(f"chain {chain} within {first:,}:{last:,}" for chain, first, last in rows)
    return (
        f"nothing is stored of transaction {name}; indexed so far: {spans or 'nothing'}. Either "
        "its block is not indexed yet (raisonne index --blocks …), or no protocol reads its logs"
    )


def _union(
    store: Store, tx_hash: str, tables: Sequence[str], columns: str
) -> list[tuple[Any, ...]]:
    parts = " UNION ".join(f"SELECT {columns} FROM {name} WHERE tx_hash = ?" for name in tables)
    return store.query(f"{parts} ORDER BY ALL", [tx_hash] * len(tables)).rows()


class _Reader:
    """Reads everything that the store holds about one transaction in one block."""

    def __init__(
        self, store: Store, tx_hash: str, chain_id: int, block_hash: str, state_dir: Path
    ) -> None:
        self._store = store
        self._tx_hash = tx_hash
        self._chain_id = chain_id
        self._key = [chain_id, block_hash, tx_hash]
        self._own = known_addresses(chain_id, state_dir)
        context = ChainContext(chain_id, self._own)
        self._selection = Selection(context, select_protocols(()))

    def read(self) -> Explanation:
        """The explanation."""
        facts = {name: self._rows(name) for name in _FACTS}
        logs = self._logs(facts)
        place = self._place(facts)
        sales = self._sales(facts["sale_payments"], logs)
        return Explanation(
            self._chain_id,
            self._tx_hash,
            {name: place[name] for name in ("block_number", "block_hash", "block_time")},
            next(iter(self._rows("transactions")), None),
            tuple(_with_legs(line, sales) for line in logs),
            tuple(sales),
            {name: rows for name, rows in facts.items() if rows and name not in _SHOWN_APART},
            tuple(facts["quarantine"]),
        )

    def _place(self, facts: Mapping[str, list[Row]]) -> Row:
        return (self._rows("logs") or [row for rows in facts.values() for row in rows])[0]

    def _rows(self, name: str) -> list[Row]:
        key = ", ".join(TABLES[name].key)
        return self._store.query(
            f"SELECT * FROM {name} WHERE chain_id = ? AND block_hash = ? AND tx_hash = ?"
            f" ORDER BY {key}",
            self._key,
        ).to_dicts()

    # --- logs

    def _logs(self, facts: Mapping[str, list[Row]]) -> tuple[LogLine, ...]:
        frame = self._store.query(
            "SELECT * FROM logs WHERE chain_id = ? AND block_hash = ? AND tx_hash = ?"
            " ORDER BY log_index",
            self._key,
        )
        became: dict[int, list[str]] = defaultdict(list)
        for name, rows in facts.items():
            for row in rows:
                if row["log_index"] is not None and name not in became[row["log_index"]]:
                    became[row["log_index"]].append(name)
        return tuple(
            self._line(frame[place], tuple(became[frame["log_index"][place]]))
            for place in range(frame.height)
        )

    def _line(self, log: pl.DataFrame, became: tuple[str, ...]) -> LogLine:
        row = log.row(0, named=True)
        n_topics = sum(row[name] is not None for name in _TOPICS)
        claim = self._claim(row["topic0"], n_topics, row["address"])
        if claim is None and (row["topic0"], n_topics) == _PAYMENT:
            arguments, fault = _arguments(erc20.TRANSFER, log)
            return LogLine(
                row["log_index"], row["address"], "", erc20.NAME, "eip-20", _ERC20_FILE,
                erc20.TRANSFER.name, arguments, erc20.TRANSFER.wei, fault, became,
            )  # fmt: skip
        emitter = _emitter_name(row["address"], self._own)
        if claim is None:
            return LogLine(
                row["log_index"], row["address"], emitter, "", "", "", "unknown event", {},
                fault="no protocol of this program claims it", became=became,
            )  # fmt: skip
        protocol, route = claim
        arguments, fault = _arguments(route.event, log)
        return LogLine(
            log_index=row["log_index"],
            address=row["address"],
            emitter=emitter or (f"{protocol.name} {route.version}" if route.emitters else ""),
            protocol=protocol.name,
            version=route.version,
            file=_file_of(protocol),
            event=route.event.name,
            arguments=arguments,
            amounts=route.event.wei,
            fault=fault,
            became=became,
        )

    def _claim(self, topic0: str, n_topics: int, address: str) -> tuple[Protocol, Route] | None:
        for protocol, route in self._selection.routes:
            is_event = (route.event.topic0, route.event.n_topics) == (topic0, n_topics)
            if is_event and (route.emitters is None or address in route.emitters):
                return protocol, route
        return None

    # --- sales

    def _sales(self, legs: list[Row], logs: Sequence[LogLine]) -> list[SaleLine]:
        moved = [*_transfers(logs), *_traced(self._rows("value_traces"))]
        finders = {name: _finder(logs, name, moved) for name in {line.protocol for line in logs}}
        lines = []
        for sale in self._sale_rows():
            own = sorted(
                (leg for leg in legs if leg["sale_id"] == sale["sale_id"]), key=lambda x: x["seq"]
            )
            classes = [leg["recipient_class"] for leg in own]
            finder = finders.get(sale["protocol"], PaymentFinder(()))
            lines.append(
                SaleLine(
                    sale,
                    finder.words_for_price(sale),
                    tuple(_leg_line(leg, sale, classes, finder) for leg in own),
                    tuple(self._royalties(sale)),
                    self._wash(sale["sale_id"]),
                )
            )
        return lines

    def _sale_rows(self) -> list[Row]:
        """Rows of `sales`; where a killed run left no links yet, what the facts alone tell."""
        known = self._rows("sales")
        unlinked = dict.fromkeys(TABLES["sales"].column_names)
        return known or [unlinked | row for row in self._rows("settled_sales")]

    def _royalties(self, sale: Row) -> list[Row]:
        """Ledger rows of a sale, those that look through a split behind its own."""
        return self._store.query(
            "SELECT l.*, t.valid_from_block FROM royalty_ledger l"
            " LEFT JOIN royalty_terms t ON t.chain_id = l.chain_id AND t.source = l.owed_source"
            "  AND t.recipient = l.recipient AND t.collection = $collection"
            "  AND (t.token_id = $token OR t.token_id IS NULL)"
            "  AND (t.valid_from_block, t.valid_from_log_index) < ($block, $log)"
            "  AND coalesce((t.valid_to_block, t.valid_to_log_index) > ($block, $log), true)"
            " WHERE l.chain_id = $chain AND l.sale_id = $sale"
            " QUALIFY row_number() OVER (PARTITION BY l.look_through_of, l.recipient, l.currency"
            "  ORDER BY t.token_id NULLS LAST) = 1"
            " ORDER BY l.look_through_of NULLS FIRST, l.recipient",
            {
                "chain": sale["chain_id"],
                "collection": sale["collection"],
                "token": sale["token_id"],
                "block": sale["block_number"],
                "log": sale["log_index"],
                "sale": sale["sale_id"],
            },
        ).to_dicts()

    def _wash(self, sale_id: str) -> Row | None:
        flags = self._store.query(
            "SELECT is_wash, rules, counter_sale_ids FROM wash_flags"
            " WHERE chain_id = ? AND sale_id = ?",
            [self._chain_id, sale_id],
        ).to_dicts()
        return flags[0] if flags else None


def _arguments(event: Event, log: pl.DataFrame) -> tuple[Row, str]:
    """Decoded arguments in the order of the signature, or why there are none."""
    decoded = decode(event, log)
    if not decoded.faults.is_empty():
        return {}, str(decoded.faults["reason"][0])
    values = decoded.rows.row(0, named=True)
    arguments: Row = {}
    for parameter in event.signature.parameters:
        name = parameter.name
        if name in values:
            arguments[name] = values[name]
        elif name in decoded.items:
            items = decoded.items[name].sort("item").drop("row", "item").to_dicts()
            arguments[name] = [
                item.get("value", item) if len(item) == 1 else item for item in items
            ]
        else:
            inner = {key: value for key, value in values.items() if key.startswith(f"{name}.")}
            arguments |= inner
    return arguments, ""


def _with_legs(line: LogLine, sales: Sequence[SaleLine]) -> LogLine:
    """A log that made no sale of its own, with the sales whose legs were read from it."""
    fed = sorted(
        {
            f"legs of the sale in log {sale.row['log_index']}"
            for sale in sales
            for leg in sale.legs
            if leg.source_log == line.log_index != sale.row["log_index"]
        }
    )
    return replace(line, became=(*line.became, *fed))


def _transfers(logs: Sequence[LogLine]) -> Iterator[Payment]:
    """ERC-20 transfers."""
    for line in logs:
        if line.protocol == erc20.NAME and line.arguments:
            to, value = line.arguments["to"], int(line.arguments["value"])
            yield Payment(line.log_index, "ERC-20 Transfer", "value", to, line.address, value)


def _traced(calls: Sequence[Row]) -> Iterator[Payment]:
    """Native coin that calls moved."""
    for call in calls:
        amount, place = int(call["value_wei"]), call["trace_address"]
        if amount:
            yield Payment(0, "", "", call["to_address"], NATIVE, amount, place)


def _finder(logs: Sequence[LogLine], protocol: str, moved: Sequence[Payment]) -> PaymentFinder:
    payments, offers, numbers = [], [], []
    for line in logs:
        if line.protocol == protocol:
            numbers += read_numbers(line.event, line.log_index, line.arguments, line.amounts)
            paid, offered = read_payments(line.event, line.log_index, line.arguments)
            payments += paid
            offers += offered
    prices = [
        Payment(line.log_index, line.event, "price", "", NATIVE, int(line.arguments["price"]))
        for line in logs
        if line.protocol == protocol and "price" in line.arguments
    ]
    return PaymentFinder(payments, offers, prices, moved, numbers)


def _leg_line(leg: Row, sale: Row, classes: list[str], finder: PaymentFinder) -> LegLine:
    log_index, words = finder.find(leg, sale["bundle_size"] or 1)
    return LegLine(
        leg["seq"],
        leg["recipient"],
        leg["recipient_class"],
        leg["currency"],
        leg["amount_wei"],
        reason_for_class(leg, sale, classes),
        log_index,
        words,
    )


def _emitter_name(address: str, own: Addresses | None) -> str:
    return "" if own is None else own.name_of(address)


def _file_of(protocol: Protocol) -> str:
    """Path of the protocol's file within the project."""
    module = inspect.getmodule(protocol.settle)
    return f"{module.__name__.replace('.', '/')}.py" if module else ""


def fact_columns(row: Row) -> Row:
    """The columns of a fact that say more than its place."""
    return {
        name: value
        for name, value in row.items()
        if name not in _DUPLICATE_COLUMNS and value is not None
    }
