"""Calls of `Market`: sales at a fixed price."""

from typing import NamedTuple

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import SECONDS_PER_DAY, PayingBinding, Session
from contracts.decoding import first_event
from data.units import ZERO_ADDRESS


class Listing(NamedTuple):
    """An offer: `end_time` in Unix seconds, 0 for none; `is_live` if it can be bought now."""

    seller: str
    price_wei: int
    end_time: int
    is_live: bool


class Market(PayingBinding):
    """The market at fixed prices."""

    NAME = "Market"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def list(self, token_id: int, price_wei: int, days: float | None = None) -> None:
        """Offers a work of the signer for so many days, without end if None.

        Approves the market for all works first, if it is not yet.
        """
        self._artwork.approve_once(self.address)
        end_time = 0 if days is None else self.session.now() + round(days * SECONDS_PER_DAY)
        self._send("list", token_id, price_wei, end_time)

    def cancel(self, token_id: int) -> None:
        """Takes the signer's offer of a work back."""
        self._send("cancel", token_id)

    def buy(
        self, token_id: int, max_price_wei: int | None = None, *, recipient: str = ZERO_ADDRESS
    ) -> int:
        """Buys a listed work and returns the price paid in wei.

        Without `max_price_wei` the price asked now is the most that is paid: a seller who raises
        it in between gets nothing. `recipient` gets the work instead of the signer.
        """
        asked_wei = self.listing(token_id).price_wei
        limit_wei = asked_wei if max_price_wei is None else max_price_wei
        value_wei = min(asked_wei, limit_wei)
        receipt = self._send("buy", token_id, limit_wei, recipient, value_wei=value_wei)
        return int(first_event(receipt, self.NAME, "Sold")["price"])

    def listing(self, token_id: int) -> Listing:
        """Returns the stored offer of a work; zeros where there is none."""
        return Listing(*self._read("listingOf", token_id))

    def last_price(self, token_id: int) -> int:
        """Returns the price in wei of the last sale between two accounts, 0 before the first."""
        return int(self._read("lastPrice", token_id))
