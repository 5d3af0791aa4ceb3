"""Questions to contracts, many at once, at one block."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts import calldata
from contracts.abi import entry_of
from contracts.decoding import decode_answer
from contracts.errors import RpcError
from contracts.rpc import Rpc
from data.store import Store

REFUSED = "refused"
"""The answer to a call that the contract reverts."""

_AT_ONCE = 400
NOBODY = "0x" + "0" * 40


@dataclass(frozen=True)
class Shown:
    """A stored value, and how it follows from what the contract answers."""

    stored: Any
    follows: Callable[[Any], Any]


@dataclass(frozen=True)
class Check:
    """What the store says, and whom to ask about it.

    `expected` is the value that a getter answers; of a struct, or of several values, a dict of
    those that matter; or REFUSED; or Shown, where what is stored follows from the answer.
    """

    subject: str
    key: Any
    contract: str
    address: str
    function: str
    arguments: tuple[Any, ...]
    expected: Any

    def is_met(self, answer: Any) -> bool:
        """Whether the contract says what the store says."""
        if isinstance(self.expected, Shown):
            return self.expected.follows(answer) == self.expected.stored
        if isinstance(self.expected, dict) and isinstance(answer, dict):
            return all(answer[name] == value for name, value in self.expected.items())
        return bool(answer == self.expected)


def answers(rpc: Rpc, checks: Sequence[Check], block: int) -> list[Any]:
    """What the contracts answer, in order: a value, a dict of named values, or REFUSED."""
    found: list[Any] = []
    for start in range(0, len(checks), _AT_ONCE):
        part = checks[start : start + _AT_ONCE]
        calls = [_call(check, block) for check in part]
        raw = _ask(rpc, calls)
        found += [_decoded(check, answer) for check, answer in zip(part, raw, strict=True)]
    return found


def _call(check: Check, block: int) -> tuple[str, list[Any]]:
    data = calldata.encode_call(check.contract, check.function, *check.arguments)
    return "eth_call", [{"to": check.address, "data": "0x" + data.hex()}, hex(block)]


def _ask(rpc: Rpc, calls: list[tuple[str, list[Any]]]) -> list[str | None]:
    try:
        return rpc.batch(calls)
    except RpcError:
        # One of them is refused: each by itself tells which.
        return [_one(rpc, call) for call in calls]


def _one(rpc: Rpc, call: tuple[str, list[Any]]) -> str | None:
    try:
        return str(rpc.call(*call))
    except RpcError:
        return None


def _decoded(check: Check, answer: str | None) -> Any:
    if answer is None:
        return REFUSED
    values = decode_answer(check.contract, check.function, bytes.fromhex(answer[2:]))
    outputs = entry_of(check.contract, "function", check.function)["outputs"]
    if len(outputs) == 1 and outputs[0]["type"] == "tuple":
        outputs = outputs[0]["components"]
    elif len(outputs) == 1:
        return _plain(values)
    names = [each["name"] or str(place) for place, each in enumerate(outputs)]
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return tuple(_plain(each) for each in value)
    return value


def rows(store: Store, sql: str, values: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
    """Rows of a query with amounts as integers and times in seconds since 1970."""
    for row in store.query(sql, list(values)).iter_rows(named=True):
        yield {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=UTC).timestamp())
    return value


def digest(text: str | None) -> bytes:
    """32 bytes of 0x text; zeros for None."""
    return bytes.fromhex((text or "0x" + "0" * 64)[2:])
