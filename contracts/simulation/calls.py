"""Calls of contracts as values: what is not known before the chain answers stands as a name.

The books of the market are pure: they know neither addresses nor hashes of them. A `Call` names
those, and `contracts.simulation.execution` fills them in when it sends the transaction.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A contract of ours, by its field of `contracts.addresses.Addresses`, or the operator."""

    name: str


@dataclass(frozen=True, slots=True)
class VaultOf:
    """A vault, by its number in the order in which the market opened them, from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Calldata:
    """A call as bytes: what a timelock keeps until its delay is over."""

    to: Place | VaultOf
    function: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Hashed:
    """keccak256 of the ABI encoding of some values, as `abi.encode` makes it."""

    types: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to one of our contracts; `values` may hold names of this module.

    `expects` is the id that a minted work must get.
    """

    sender: str
    to: Place | VaultOf
    function: str
    values: tuple[Any, ...]
    value_wei: int
    gas: int
    expects: int | None = None


OPERATOR = "operator"
"""Who deployed the contracts, runs the studio and proposes to its timelock."""

GUARDIAN = "guardian"
"""Who can pause the studio."""

_CONTRACTS = {
    "artwork": "Artwork",
    "auctions": "Auctions",
    "drops": "Drops",
    "loans": "Loans",
    "market": "Market",
    "registry": "Registry",
    "splitter": "Splitter",
    "studio": "Studio",
    "studio_shares": "StudioShares",
    "timelock": "Timelock",
    "vault_factory": "VaultFactory",
}

CALL_GAS: dict[str, int] = {
    "Artwork.setRoyalty": 90_000,
    "Auctions.open": 220_000,
    "Auctions.cancel": 130_000,
    "Auctions.bid": 150_000,
    "Auctions.settle": 560_000,
    "Auctions.withdraw": 80_000,
    "Drops.buy": 600_000,
    "Drops.open": 400_000,
    "Drops.reprice": 160_000,
    "Drops.takeBack": 120_000,
    "Loans.offerWork": 320_000,
    "Loans.offerShares": 360_000,
    "Loans.cancel": 320_000,
    "Loans.lend": 160_000,
    "Loans.repay": 360_000,
    "Loans.claim": 340_000,
    "Loans.transferNote": 80_000,
    "Registry.register": 180_000,
    "Registry.attest": 140_000,
    "Registry.openDispute": 140_000,
    "Splitter.release": 90_000,
    "Splitter.reassign": 220_000,
    "Studio.burn": 200_000,
    "Studio.closeRound": 160_000,
    "Studio.commitVote": 130_000,
    "Studio.meter": 110_000,
    "Studio.mint": 1_100_000,
    "Studio.openDrop": 550_000,
    "Studio.openRound": 250_000,
    "Studio.pause": 120_000,
    "Studio.repriceDrop": 220_000,
    "Studio.revealVote": 220_000,
    "Studio.shareProceeds": 150_000,
    "Studio.spend": 160_000,
    "Studio.submit": 200_000,
    "Studio.transition": 140_000,
    "Studio.withdrawDrop": 220_000,
    "StudioShares.transfer": 220_000,
    "StudioShares.claimDividend": 120_000,
    "Timelock.schedule": 140_000,
    "Timelock.execute": 180_000,
    "Vault.approve": 70_000,
    "Vault.bid": 160_000,
    "Vault.claimDividend": 120_000,
    "Vault.distribute": 110_000,
    "Vault.redeem": 190_000,
    "Vault.settle": 480_000,
    "Vault.startBuyout": 190_000,
    "Vault.takeOut": 520_000,
    "Vault.transfer": 180_000,
    "Vault.unvote": 100_000,
    "Vault.vote": 170_000,
    "Vault.withdraw": 80_000,
    "VaultFactory.open": 3_400_000,
}
"""Most gas that a call may use; what grows with its arguments is added by the books."""


def contract_of(to: Place | VaultOf) -> str:
    """The name of the contract at a place, as its ABI is filed."""
    return "Vault" if isinstance(to, VaultOf) else _CONTRACTS[to.name]
