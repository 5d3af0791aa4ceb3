"""What Auctions holds: works that are bid for, the highest bids, and what the outbid can fetch."""

from dataclasses import dataclass

from contracts.reference.splits import ALL_BPS
from contracts.simulation.calls import Place
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import AUCTION, Ledger, Sale

AUCTIONS = Place("auctions")
STEP_BPS = 500
EXTENSION_S = 15 * 60
MIN_DURATION_S = 3_600


@dataclass(slots=True)
class Auction:
    """A work in escrow; `bidder` is None before the first bid."""

    token_id: int
    seller: str
    reserve_wei: int
    end_time: int
    bidder: str | None = None
    bid_wei: int = 0
    bids: int = 0
    extended: bool = False

    @property
    def least_bid_wei(self) -> int:
        """The lowest bid that would be taken next: 5 % above the last, rounded up."""
        if self.bidder is None:
            return self.reserve_wei
        return self.bid_wei + -(-self.bid_wei * STEP_BPS // ALL_BPS)


@dataclass(slots=True)
class Counts:
    """What happened so far."""

    opened: int = 0
    unsold: int = 0
    cancelled: int = 0
    outbid: int = 0
    extended: int = 0
    settled: int = 0


class Auctions:
    """Books of the Auctions contract."""

    def __init__(self, ledger: Ledger) -> None:
        self.running: dict[int, Auction] = {}
        self.refunds_wei: dict[str, int] = {}
        self.counts = Counts()
        self._ledger = ledger

    def open(self, token_id: int, reserve_wei: int, duration_s: int) -> Auction:
        """Puts a work of its owner up; it stays in escrow until the auction is over."""
        seller = self._ledger.pieces[token_id].owner
        self._ledger.approve(seller, "auctions")
        self._ledger.call(seller, AUCTIONS, "open", token_id, reserve_wei, duration_s)
        self._ledger.hand_over(token_id, AUCTIONS.name)
        auction = Auction(token_id, seller, reserve_wei, self._ledger.now + duration_s)
        self.running[token_id] = auction
        self.counts.opened += 1
        return auction

    def bid(self, bidder: str, token_id: int, amount_wei: int) -> None:
        """Bids; who led before can fetch their bid from now on.

        Raises:
            SimulationError: the contract would refuse the bid.
        """
        auction, ledger = self.running[token_id], self._ledger
        late = ledger.now > auction.end_time
        if late or bidder == auction.seller or amount_wei < auction.least_bid_wei:
            message = f"{bidder} cannot bid {amount_wei} wei at {ledger.now} for {auction}"
            raise SimulationError(message)
        ledger.call(bidder, AUCTIONS, "bid", token_id, value_wei=amount_wei)
        if auction.bidder is not None:
            before_wei = self.refunds_wei.get(auction.bidder, 0)
            self.refunds_wei[auction.bidder] = before_wei + auction.bid_wei
            self.counts.outbid += 1
        auction.bidder, auction.bid_wei = bidder, amount_wei
        auction.bids += 1
        if auction.end_time - ledger.now < EXTENSION_S:
            auction.end_time = ledger.now + EXTENSION_S
            auction.extended = True
            self.counts.extended += 1

    def cancel(self, token_id: int) -> None:
        """Takes a work back for which nobody has bid."""
        auction = self.running.pop(token_id)
        self._ledger.call(auction.seller, AUCTIONS, "cancel", token_id)
        self._ledger.hand_over(token_id, auction.seller)
        self.counts.cancelled += 1

    def settle(self, sender: str, token_id: int) -> Sale | None:
        """Ends an auction that is over: a sale, or None when the work goes back.

        Raises:
            SimulationError: it still runs.
        """
        auction = self.running[token_id]
        if self._ledger.now <= auction.end_time:
            message = f"the auction of work {token_id} runs until {auction.end_time}"
            raise SimulationError(message)
        del self.running[token_id]
        self._ledger.call(sender, AUCTIONS, "settle", token_id)
        if auction.bidder is None:
            self._ledger.hand_over(token_id, auction.seller)
            self.counts.unsold += 1
            return None
        self.counts.settled += 1
        people = (auction.seller, auction.bidder)
        return self._ledger.settle_sale(token_id, people, auction.bid_wei, AUCTION)

    def withdraw(self, account: str) -> None:
        """Fetches what is kept for somebody who was outbid."""
        self._ledger.call(account, AUCTIONS, "withdraw")
        self._ledger.receive(account, self.refunds_wei.pop(account))

    @property
    def held_wei(self) -> int:
        """What the contract holds: the highest bids, and what the outbid have not fetched."""
        bids_wei = sum(auction.bid_wei for auction in self.running.values())
        return bids_wei + sum(self.refunds_wei.values())
