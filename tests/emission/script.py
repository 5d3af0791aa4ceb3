"""What contracts do in a transaction, and the byte code that does it.

A call names its actions: logs, further calls, payments. Each address gets code that performs, at
its n-th call within the transaction, the actions of that call, whatever its call data say; so any
exchange can be acted out at its own address, with its own events, call data and money, and the
node's receipts and traces are real.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi import encode

from indexer.signature import Leaf, parse_signature

Address = str


@dataclass(frozen=True)
class Log:
    """An event by its human-readable signature; indexed values of dynamic type are hashed."""

    signature: str
    arguments: tuple[Any, ...]
    address: Address = ""
    """Who emits; empty: the contract whose action it is. Else that contract is called to do so."""

    @property
    def topics(self) -> list[bytes]:
        """Signature hash and indexed arguments."""
        return [bytes.fromhex(self._event.topic0[2:]), *self._indexed()]

    @property
    def data(self) -> bytes:
        """The other arguments, by eth-abi."""
        rest = [(p.type.canonical, value) for p, value in self._pairs() if not p.indexed]
        return encode([kind for kind, _ in rest], [value for _, value in rest])

    @property
    def _event(self) -> Any:
        return parse_signature(self.signature)

    def _pairs(self) -> list[tuple[Any, Any]]:
        return list(zip(self._event.parameters, self.arguments, strict=True))

    def _indexed(self) -> Iterator[bytes]:
        from eth_utils import keccak

        for parameter, value in self._pairs():
            if not parameter.indexed:
                continue
            if isinstance(parameter.type, Leaf) and parameter.type.words == 1:
                yield encode([parameter.type.canonical], [value])
            else:
                yield keccak(value.encode() if isinstance(value, str) else value)


def log(signature: str, *arguments: Any, at: Address = "") -> Log:
    """An event, emitted by the contract whose action it is, or `at` another."""
    return Log(signature, arguments, at)


@dataclass(frozen=True)
class Pay:
    """Native coin from the contract to somebody."""

    to: Address
    value: int


@dataclass(frozen=True)
class Call:
    """A call with its actions. Of the outermost one, `sender` signs the transaction."""

    to: Address
    actions: tuple[Log | Pay | Call, ...] = ()
    value: int = 0
    data: bytes = b""
    sender: Address = ""


def call(
    to: Address, *actions: Log | Pay | Call, value: int = 0, data: bytes = b"", sender: Address = ""
) -> Call:
    """A call, or the transaction that it is."""
    return Call(to, actions, value, data, sender)


@dataclass(frozen=True)
class View:
    """What a contract answers to a call of a function, at any time."""

    contract: Address
    selector: bytes
    output: bytes


@dataclass
class _Sections:
    """What each address does at its first, second, … call."""

    scripted: frozenset[Address]
    by_address: dict[Address, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def add(self, each: Call) -> None:
        sections = self.by_address[each.to]
        place = len(sections)
        sections.append(b"")
        parts = []
        for action in each.actions:
            if isinstance(action, Log) and action.address in ("", each.to):
                parts.append(_log(action))
            elif isinstance(action, Log):
                inner = Call(action.address, (Log(action.signature, action.arguments),))
                self.add(inner)
                parts.append(_call(inner))
            elif isinstance(action, Pay):
                payment = Call(action.to, value=action.value)
                if action.to in self.scripted:
                    # Being paid is a call too: it does nothing, and is counted.
                    self.add(payment)
                parts.append(_call(payment))
            else:
                self.add(action)
                parts.append(_call(action))
        sections[place] = b"".join(parts) + _STOP


def compile_transaction(outer: Call, views: Sequence[View] = ()) -> dict[Address, bytes]:
    """The code of every address that does something in a transaction."""
    sections = _Sections(frozenset(_scripted(outer)))
    sections.add(outer)
    answers: dict[Address, list[View]] = defaultdict(list)
    for view in views:
        answers[view.contract].append(view)
    return {
        address: _assemble(sections.by_address.get(address, []), answers.get(address, []))
        for address in {*sections.by_address, *answers}
    }


def _scripted(outer: Call) -> Iterator[Address]:
    """Addresses that do something in a transaction."""
    yield outer.to
    for action in outer.actions:
        if isinstance(action, Call):
            yield from _scripted(action)
        elif isinstance(action, Log) and action.address:
            yield action.address


def logs_of(outer: Call) -> Iterator[tuple[Address, Log]]:
    """The logs of a transaction with their emitters, in order."""
    for action in outer.actions:
        if isinstance(action, Log):
            yield action.address or outer.to, action
        elif isinstance(action, Call):
            yield from logs_of(action)


# --- byte code

_STOP, _JUMPDEST = b"\x00", b"\x5b"
_MSTORE, _CALL, _POP = b"\x52", b"\xf1", b"\x50"
_TLOAD, _TSTORE, _ADD, _EQ, _JUMPI, _DUP1 = b"\x5c", b"\x5d", b"\x01", b"\x14", b"\x57", b"\x80"
_CALLDATALOAD, _SHR, _RETURN, _GAS = b"\x35", b"\x1c", b"\xf3", b"\x5a"


def _push(value: int | bytes) -> bytes:
    raw = (
        value if isinstance(value, bytes) else value.to_bytes(max(1, (value.bit_length() + 7) // 8))
    )
    return bytes([0x5F + len(raw)]) + raw


def _store(data: bytes) -> bytes:
    """Puts data into memory, from 0."""
    words = (data[at : at + 32].ljust(32, b"\0") for at in range(0, len(data), 32))
    return b"".join(_push(word) + _push(32 * n) + _MSTORE for n, word in enumerate(words))


def _log(each: Log) -> bytes:
    topics = b"".join(_push(topic) for topic in reversed(each.topics))
    size = _push(len(each.data))
    return _store(each.data) + topics + size + _push(0) + bytes([0xA0 + len(each.topics)])


def _call(each: Call) -> bytes:
    to = bytes.fromhex(each.to[2:])
    arguments = [0, 0, len(each.data), 0, each.value]
    pushed = b"".join(_push(value) for value in arguments)
    return _store(each.data) + pushed + _push(to) + _GAS + _CALL + _POP


def _return(output: bytes) -> bytes:
    return _store(output) + _push(len(output)) + _push(0) + _RETURN


def _assemble(sections: Sequence[bytes], views: Sequence[View]) -> bytes:
    """Code that tells views by their selector, and calls by how many came before."""
    selectors = [
        _push(0) + _CALLDATALOAD + _push(224) + _SHR + _push(view.selector) + _EQ for view in views
    ]
    count = _push(0) + _TLOAD + _DUP1 + _push(1) + _ADD + _push(0) + _TSTORE
    numbers = [_DUP1 + _push(n) + _EQ for n in range(len(sections))]
    jump = 4  # PUSH2 and its target, JUMPI
    head = [*selectors, count, *numbers]
    size = sum(map(len, head)) + jump * (len(head) - 1) + 1
    bodies = [*(_return(view.output) for view in views), *sections]
    targets, at = [], size
    for body in bodies:
        targets.append(at)
        at += 1 + len(body)
    branches = iter(targets)

    def branch(condition: bytes) -> bytes:
        return condition + b"\x61" + next(branches).to_bytes(2) + _JUMPI

    code = b"".join(branch(each) for each in selectors)
    code += count + b"".join(branch(each) for each in numbers) + _STOP
    return code + b"".join(_JUMPDEST + body for body in bodies)
