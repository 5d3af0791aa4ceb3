"""What agents do, one value per transaction; `contracts.simulation.execution` sends them."""

from dataclasses import dataclass
from typing import Literal

from contracts.simulation.calls import Call
from contracts.simulation.works import Work


@dataclass(frozen=True, slots=True)
class Story:
    """Why a sale that looks like others is not: the ground truth about one purchase.

    `kind` is "wash" (typology self, back_and_forth or common_funder; `operator` is who gains) or
    "lookalike" (typology buy_back: honest, though a rule may flag it).
    """

    kind: Literal["wash", "lookalike"]
    typology: str
    operator: str


@dataclass(frozen=True, slots=True)
class SendEth:
    """A plain transfer of ETH."""

    sender: str
    to: str
    value_wei: int


Operator = Literal["market", "auctions", "drops", "loans", "vault_factory"]
"""A contract that moves works of their owners."""


@dataclass(frozen=True, slots=True)
class Approve:
    """All works of the sender may be moved by one of our contracts."""

    sender: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class Mint:
    """A new work for its creator; the contract must give it `token_id`."""

    sender: str
    token_id: int
    work: Work


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing at a fixed price, new or changed."""

    sender: str
    token_id: int
    price_wei: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """A listing taken back."""

    sender: str
    token_id: int


@dataclass(frozen=True, slots=True)
class Buy:
    """A purchase at exactly the price asked."""

    sender: str
    token_id: int
    price_wei: int
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class Burn:
    """A work withdrawn for ever by its owner."""

    sender: str
    token_id: int


@dataclass(frozen=True, slots=True)
class PushPrice:
    """USD per ETH times 10^8, pushed by the feed's owner."""

    answer: int


Action = SendEth | Approve | Mint | Offer | Cancel | Buy | Burn | PushPrice | Call


@dataclass(frozen=True, slots=True)
class Block:
    """The actions of one block, in the chain's order, at `timestamp` (Unix seconds)."""

    timestamp: int
    actions: tuple[Action, ...]
