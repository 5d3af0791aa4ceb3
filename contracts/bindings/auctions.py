"""Calls of `Auctions`: English auctions with the work in escrow."""

from typing import NamedTuple

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import SECONDS_PER_DAY, PayingBinding, Session


class Auction(NamedTuple):
    """A running auction: `end_time` is the last second to bid; bidder zero before the first bid."""

    seller: str
    end_time: int
    bidder: str
    reserve_wei: int
    bid_wei: int


class Auctions(PayingBinding):
    """The auction house."""

    NAME = "Auctions"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def open(self, token_id: int, reserve_wei: int, days: float) -> None:
        """Puts a work of the signer up, after approving the house for all works if it is not."""
        self._artwork.approve_once(self.address)
        self._send("open", token_id, reserve_wei, round(days * SECONDS_PER_DAY))

    def cancel(self, token_id: int) -> None:
        """Takes the signer's work back, before the first bid."""
        self._send("cancel", token_id)

    def bid(self, token_id: int, amount_wei: int | None = None) -> int:
        """Bids, the least that is taken unless told more, and returns the wei bid."""
        bid_wei = self.least_bid(token_id) if amount_wei is None else amount_wei
        self._send("bid", token_id, value_wei=bid_wei)
        return bid_wei

    def settle(self, token_id: int) -> None:
        """Ends an auction whose time is over: the work to the winner, or back."""
        self._send("settle", token_id)

    def least_bid(self, token_id: int) -> int:
        """Returns the wei of the lowest bid that would be taken now."""
        return int(self._read("leastBid", token_id))

    def auction(self, token_id: int) -> Auction:
        """Returns the auction of a work; zeros where there is none."""
        return Auction(*self._read("auctionOf", token_id)[:5])

    def last_price(self, token_id: int) -> int:
        """Returns the price in wei of the last auction of a work, 0 before the first."""
        return int(self._read("lastPrice", token_id))
