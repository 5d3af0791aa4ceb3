"""Every row that the store derives about our contracts, beside a direct read at the same block.

`compare(store, rpc, addresses)` asks the contracts themselves, at the last block that the store
has, and returns what differs; `assert_same` fails with the first differences. The expectations come
out of the link tables as users read them, the answers out of the contracts' getters: nothing of the
indexer is in between.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.addresses import Addresses
from contracts.rpc import Rpc
from data.store import Store
from tests.own_contracts import loans, sales, shares, studio, works
from tests.own_contracts.asking import Check, answers

_SUBJECTS = (works, sales, shares, loans, studio)


@dataclass(frozen=True)
class Comparison:
    """How many rows of each subject were compared at which block, and what differs."""

    block: int
    compared: dict[str, int]
    differences: list[str]


def compare(store: Store, rpc: Rpc, addresses: Addresses) -> Comparison:
    """Compares a store with the contracts at the last block that it has of their chain.

    Args:
        store: indexed from a node that still answers for that block.
        rpc: that node.
        addresses: the contracts; those without an address are left out.
    """
    block = last_block(store, addresses.chain_id)
    found = list(checks(store, addresses))
    compared = Counter(check.subject for check in found)
    differences = [
        f"{check.subject} {check.key}: the store has {check.expected!r}, the contract {answer!r}"
        for check, answer in zip(found, answers(rpc, found, block), strict=True)
        if not check.is_met(answer)
    ]
    return Comparison(block, dict(compared), differences)


def checks(store: Store, addresses: Addresses) -> Iterator[Check]:
    """What the store says that a contract can be asked."""
    for subject in _SUBJECTS:
        yield from subject.checks(store, addresses)


def assert_same(store: Store, rpc: Rpc, addresses: Addresses) -> Comparison:
    """Compares, and fails naming what differs."""
    comparison = compare(store, rpc, addresses)
    shown = "\n".join(comparison.differences[:30])
    assert not comparison.differences, f"{len(comparison.differences)} differ:\n{shown}"
    return comparison


def last_block(store: Store, chain_id: int) -> int:
    """The last block up to which the store has a chain."""
    return int(
        store.query("SELECT max(to_block) - 1 FROM ranges WHERE chain_id = ?", [chain_id]).item()
    )
