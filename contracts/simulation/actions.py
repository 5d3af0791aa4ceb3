"""What agents do, one value per transaction; `contracts.simulation.execution` sends them."""

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Approve:
    """All works of the sender may be moved by the market or by the vault factory."""

    sender: str
    operator: Literal["market", "vault_factory"]


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
class OpenVault:
    """A work turned into shares; the royalty on the valuation is sent along exactly."""

    sender: str
    token_id: int
    name: str
    symbol: str
    supply: int
    valuation_wei: int
    royalty_wei: int


@dataclass(frozen=True, slots=True)
class SendShares:
    """Shares of the vault that holds `token_id`, in units of 10^-18 share."""

    sender: str
    token_id: int
    to: str
    amount: int


@dataclass(frozen=True, slots=True)
class Redeem:
    """All shares given back for the work in the vault."""

    sender: str
    token_id: int


@dataclass(frozen=True, slots=True)
class PushPrice:
    """USD per ETH times 10^8, pushed by the feed's owner."""

    answer: int


Action = (
    SendEth
    | Approve
    | Mint
    | Offer
    | Cancel
    | Buy
    | Burn
    | OpenVault
    | SendShares
    | Redeem
    | PushPrice
)


@dataclass(frozen=True, slots=True)
class Block:
    """The actions of one block, in the chain's order, at `timestamp` (Unix seconds)."""

    timestamp: int
    actions: tuple[Action, ...]
