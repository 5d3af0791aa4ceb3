"""Calls of `VaultFactory` and of the vaults it opened: works held for the holders of shares."""

from enum import IntEnum
from typing import NamedTuple

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import PayingBinding, Session
from contracts.bindings.shares import SharesBinding
from contracts.decoding import first_event


class Vaults(PayingBinding):
    """The factory of vaults."""

    NAME = "VaultFactory"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def open(self, token_id: int, name: str, symbol: str, supply: int, valuation_wei: int) -> str:
        """Turns a work of the signer into `supply` share units and returns the vault's address.

        Pays the royalty on the valuation; approves the factory for the work first.
        """
        royalty_wei = self.royalty_due(token_id, valuation_wei)
        self._artwork.approve(self.address, token_id)
        receipt = self._send(
            "open", token_id, name, symbol, supply, valuation_wei, value_wei=royalty_wei
        )
        return str(first_event(receipt, self.NAME, "VaultOpened")["vault"])

    def at(self, address: str) -> "Vault":
        """Returns the vault at an address; trust only one that `token_of` knows."""
        return Vault(self.session, address)

    def token_of(self, vault: str) -> int | None:
        """Returns the work of a vault opened here, None for any other address."""
        return int(self._read("tokenOfVault", vault)) or None

    def royalty_due(self, token_id: int, valuation_wei: int) -> int:
        """Returns the wei that opening a vault costs; refuses too low a valuation."""
        return int(self._read("royaltyDue", token_id, valuation_wei))


class VaultPhase(IntEnum):
    """What can be done with a vault: votes count, bids count, or the work is gone."""

    OPEN = 0
    BUYOUT = 1
    OVER = 2


class Buyout(NamedTuple):
    """The auction of a vault's work; `end_time` is the last second to bid. Zeros before one."""

    bidder: str
    end_time: int
    bid_wei: int


class Vote(NamedTuple):
    """What a holder named for the whole work, and the shares locked behind it."""

    price_wei: int
    shares: int


class Vault(PayingBinding, SharesBinding):
    """One vault and its shares."""

    NAME = "Vault"

    def vote(self, price_wei: int, shares: int | None = None) -> None:
        """Names a price for the whole work and locks shares, all of the signer's unless told."""
        locked = self.balance_of(self.me) if shares is None else shares
        self._send("vote", price_wei, locked)

    def unvote(self) -> None:
        """Takes the signer's vote back and frees the shares behind it."""
        self._send("unvote")

    def start_buyout(self, amount_wei: int | None = None) -> int:
        """Opens the auction of the work, with the least that is taken unless told more."""
        bid_wei = self.least_bid() if amount_wei is None else amount_wei
        self._send("startBuyout", value_wei=bid_wei)
        return bid_wei

    def bid(self, amount_wei: int | None = None) -> int:
        """Bids, the least that is taken unless told more, and returns the wei bid."""
        bid_wei = self.least_bid() if amount_wei is None else amount_wei
        self._send("bid", value_wei=bid_wei)
        return bid_wei

    def settle(self) -> None:
        """Ends an auction whose time is over: the work goes to the highest bidder."""
        self._send("settle")

    def take_out(self) -> int:
        """Takes the work, as holder of 95 % of the shares, and returns the wei paid for the rest.

        The holder of all shares pays nothing.
        """
        price_wei = int(self._read("takeOutPrice", self.me))
        self._send("takeOut", value_wei=price_wei)
        return price_wei

    def redeem(self, to: str | None = None) -> int:
        """Burns the signer's shares for their part of what the work brought; returns the wei."""
        receipt = self._send("redeem") if to is None else self._send("redeemTo", to)
        return int(first_event(receipt, self.NAME, "SharesRedeemed")["amountWei"])

    def phase(self) -> VaultPhase:
        """Returns what can be done now."""
        return VaultPhase(self._read("phase"))

    def reserve(self) -> int:
        """Returns the wei that the votes ask for the work, 0 without any."""
        return int(self._read("reserve"))

    def vote_of(self, holder: str) -> Vote:
        """Returns a holder's vote; zeros without one."""
        return Vote(*self._read("voteOf", holder))

    def vote_bounds(self, voter: str, shares: int) -> tuple[int, int]:
        """Returns the lowest and highest price in wei that a voter may name now."""
        least_wei, most_wei = self._read("voteBounds", voter, shares)
        return int(least_wei), int(most_wei)

    def least_bid(self) -> int:
        """Returns the wei of the lowest bid that would be taken now."""
        return int(self._read("leastBid"))

    def buyout(self) -> Buyout:
        """Returns the auction of the work."""
        return Buyout(*self._read("buyout"))

    def redemption_of(self, holder: str) -> int:
        """Returns the wei that a holder's shares are worth since the work is gone."""
        return int(self._read("redemptionOf", holder))
