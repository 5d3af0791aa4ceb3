"""The market's own books: who owns, offers and can pay what, kept while actions are made.

Every change goes through a method that applies what the contracts will do and notes the action,
so that the books and the chain agree without a question to the chain. This module keeps works,
offers and money; `contracts.simulation.books` keeps what each of the other contracts holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.reference.splits import ALL_BPS, Seat
from contracts.simulation.actions import (
    Action,
    Approve,
    Burn,
    Buy,
    Cancel,
    Mint,
    Offer,
    Operator,
    PushPrice,
    SendEth,
    Story,
)
from contracts.simulation.books.accounts import GAS_PRICE_WEI, Accounts
from contracts.simulation.books.royalties import TREASURY, Royalties, Source
from contracts.simulation.calls import (
    CALL_GAS,
    GUARDIAN,
    OPERATOR,
    Call,
    Place,
    VaultOf,
    contract_of,
)
from contracts.simulation.works import Work
from data.units import ZERO_ADDRESS

GAS_LIMITS: dict[type, int] = {
    SendEth: 21_000,
    Approve: 70_000,
    Mint: 900_000,
    Offer: 160_000,
    Cancel: 100_000,
    Buy: 520_000,
    Burn: 140_000,
    PushPrice: 130_000,
}
"""Most gas that a transaction of each kind may use; the books charge all of it."""

FIXED_PRICE, AUCTION, DROP = range(3)
"""How a work is sold: `kind` in the contracts' `Sold`."""


@dataclass(slots=True)
class Piece:
    """A work that exists: what the market knows about it now.

    `owner` is a person, or the name of the contract that holds it. `log_appeal` is what the work
    is worth beside its artist's level; works from outside the simulation have no `work`.
    """

    token_id: int
    creator: str
    style: int
    royalty_bps: int
    log_appeal: float
    owner: str
    acquired_day: int
    work: Work | None = None
    last_price_wei: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """An offer; only `public` ones are seen by collectors. `cuts` counts lowered prices."""

    token_id: int
    seller: str
    price_wei: int
    day: int
    cuts: int
    public: bool


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as the books have it; `kind` 0 at a fixed price, 1 by auction, 2 out of a drop."""

    day: int
    token_id: int
    style: int
    seller: str
    buyer: str
    price_wei: int
    primary: bool
    story: Story | None
    kind: int = FIXED_PRICE

    @property
    def is_wash(self) -> bool:
        """Whether the sale was made up."""
        return self.story is not None and self.story.kind == "wash"


class Ledger:
    """Books of one market; `next_token` is the id that the contract gives next.

    `now` is the time of the block that is being made, in Unix seconds.
    """

    def __init__(self, fee_bps: int, next_token: int, styles: int, unlimited: str) -> None:
        self.day = 0
        self.now = 0
        self.next_token = next_token
        self.pieces: dict[int, Piece] = {}
        self.listings: dict[int, Listing] = {}
        self.offered: list[list[int]] = [[] for _ in range(styles)]
        self.sales: list[Sale] = []
        self.minted = 0
        self.royalties = Royalties()
        self.on_sale: Callable[[Sale], None] = lambda _: None
        self._fee_bps = fee_bps
        self._accounts = Accounts((unlimited, OPERATOR, GUARDIAN), contracts=(TREASURY,))
        self._approved: set[tuple[str, str]] = set()
        self._last_prices_wei: dict[tuple[int, int], int] = {}
        self._actions: list[Action] = []

    def close_block(self) -> tuple[Action, ...]:
        """The actions noted since the last call, in order; what they paid can be spent from now."""
        actions, self._actions = tuple(self._actions), []
        self._accounts.close_block()
        return actions

    def balance_wei(self, address: str) -> int:
        """The least that an account held on the chain when this block began, less its payments.

        A node takes a transaction only if the sender could pay for it at the last block.
        """
        return self._accounts.balance_wei(address)

    def can_pay(self, address: str, value_wei: int) -> bool:
        """Whether an account can spend so much and still has gas for its next steps."""
        reserve_wei = 3 * GAS_LIMITS[Buy] * GAS_PRICE_WEI
        return self.balance_wei(address) >= value_wei + reserve_wei

    def call(
        self,
        sender: str,
        to: Place | VaultOf,
        function: str,
        *values: Any,
        value_wei: int = 0,
        extra_gas: int = 0,
        expects: int | None = None,
    ) -> None:
        """Notes a call of a contract and charges its sender for it."""
        what = f"{contract_of(to)}.{function}"
        gas = CALL_GAS[what] + extra_gas
        self._accounts.pay(sender, value_wei, gas, f"{what} on day {self.day}")
        self._actions.append(Call(sender, to, function, values, value_wei, gas, expects))

    def receive(self, address: str, value_wei: int) -> None:
        """Books what a contract pays somebody."""
        self._accounts.receive(address, value_wei)

    def note_balance(self, contract: str, value_wei: int) -> None:
        """Takes in what a contract holds on the chain, when others have paid it, too."""
        self._accounts.receive(contract, value_wei - self.balance_wei(contract))

    def pay_out(self, contract: str, value_wei: int) -> None:
        """Books what a contract pays: it costs the contract no gas."""
        self._accounts.pay(contract, value_wei, 0, f"a payment on day {self.day}")

    def send_eth(self, sender: str, to: str, value_wei: int) -> None:
        """Moves ETH."""
        self._pay(SendEth, sender, value_wei)
        self.receive(to, value_wei)
        self._actions.append(SendEth(sender, to, value_wei))

    def mint(self, work: Work, seats: Sequence[Seat] = ()) -> int:
        """Makes a work exist, owned by its creator, its royalties shared by `seats`; its id."""
        self._pay(Mint, work.creator)
        token_id = self.note_minted(work, seats)
        self._actions.append(Mint(work.creator, token_id, work))
        return token_id

    def note_minted(self, work: Work, seats: Sequence[Seat]) -> int:
        """Books a work that is minted in this block, be it through another contract; its id."""
        token_id = self.next_token
        self.next_token += 1
        self.minted += 1
        self.add_piece(
            Piece(
                token_id=token_id,
                creator=work.creator,
                style=work.style,
                royalty_bps=work.royalty_bps,
                log_appeal=work.log_appeal,
                owner=work.creator,
                acquired_day=self.day,
                work=work,
            ),
            seats,
        )
        return token_id

    def add_piece(self, piece: Piece, seats: Sequence[Seat] = ()) -> None:
        """Takes a work into the books that exists on the chain, or soon will."""
        self.pieces[piece.token_id] = piece
        self.royalties.set_split(piece.token_id, piece.creator, seats)
        self.royalties.set_terms(piece.token_id, piece.royalty_bps)

    def offer(self, token_id: int, price_wei: int, *, public: bool = True) -> None:
        """Lists a work of its owner, or changes the price; approves the market first if needed."""
        piece = self.pieces[token_id]
        self.approve(piece.owner, "market")
        self._pay(Offer, piece.owner)
        self.add_listing(piece.owner, token_id, price_wei, public=public)
        self._actions.append(Offer(piece.owner, token_id, price_wei))

    def move(self, token_id: int, owner: str) -> None:
        """Notes a transfer that others made; the zero address burned the work."""
        if token_id not in self.pieces:
            return
        self.hand_over(token_id, owner)
        if owner == ZERO_ADDRESS:
            del self.pieces[token_id]

    def hand_over(self, token_id: int, owner: str) -> None:
        """Books a new owner of a work, a person or a contract; an offer of it becomes void."""
        self.drop_listing(token_id)
        piece = self.pieces[token_id]
        piece.owner, piece.acquired_day = owner, self.day

    def add_listing(
        self, seller: str, token_id: int, price_wei: int, *, public: bool = True
    ) -> None:
        """Takes an offer into the books that stands on the chain, or soon will."""
        before = self.listings.get(token_id)
        cuts = before.cuts + 1 if before and price_wei < before.price_wei else 0
        self.drop_listing(token_id)
        self.listings[token_id] = Listing(token_id, seller, price_wei, self.day, cuts, public)
        if public:
            self.offered[self.pieces[token_id].style].append(token_id)

    def drop_listing(self, token_id: int) -> None:
        """Strikes an offer that is void on the chain."""
        listing = self.listings.pop(token_id, None)
        if listing and listing.public:
            self.offered[self.pieces[token_id].style].remove(token_id)

    def cancel(self, token_id: int) -> None:
        """Takes an offer back."""
        seller = self.listings[token_id].seller
        self._pay(Cancel, seller)
        self.drop_listing(token_id)
        self._actions.append(Cancel(seller, token_id))

    def buy(self, buyer: str, token_id: int, story: Story | None = None) -> Sale:
        """Sells a listed work: seller, creator and platform are paid as the contract does it."""
        listing = self.listings[token_id]
        self._pay(Buy, buyer, listing.price_wei)
        self._actions.append(Buy(buyer, token_id, listing.price_wei, story))
        people = (listing.seller, buyer)
        return self.settle_sale(token_id, people, listing.price_wei, FIXED_PRICE, story)

    def settle_sale(
        self,
        token_id: int,
        people: tuple[str, str],
        price_wei: int,
        kind: int,
        story: Story | None = None,
    ) -> Sale:
        """Books a sale from `people[0]` to `people[1]` at any venue.

        The royalty goes to the Splitter, the fee to the studio, the rest to the seller.
        """
        seller, buyer = people
        piece = self.pieces[token_id]
        primary = seller == piece.creator
        source = Source.PRIMARY if primary else Source.RESALE
        royalty_wei = self.royalties.owed_wei(token_id, price_wei)
        fee_wei = price_wei * self._fee_bps // ALL_BPS
        self.royalties.pay(token_id, royalty_wei, Source.AUCTION if kind == AUCTION else source)
        self.receive(seller, price_wei - royalty_wei - fee_wei)
        self.receive(TREASURY, fee_wei)
        self.hand_over(token_id, buyer)
        if buyer != seller:
            piece.last_price_wei = price_wei
            self._last_prices_wei[token_id, kind] = price_wei
        sale = Sale(self.day, token_id, piece.style, seller, buyer, price_wei, primary, story, kind)
        self.sales.append(sale)
        self.on_sale(sale)
        return sale

    def highest_last_price_wei(self, token_id: int) -> int:
        """The highest of the last prices at the venues: the least a vault may value a work at."""
        prices = (self._last_prices_wei.get((token_id, kind), 0) for kind in range(3))
        return max(prices)

    def burn(self, token_id: int) -> None:
        """Destroys a work of its owner; an offer of it becomes void."""
        owner = self.pieces[token_id].owner
        self._pay(Burn, owner)
        self.drop_listing(token_id)
        del self.pieces[token_id]
        self._actions.append(Burn(owner, token_id))

    def set_royalty(self, token_id: int, bps: int) -> None:
        """Changes the royalty of a work for later sales; its creator does it."""
        piece = self.pieces[token_id]
        self.call(piece.creator, Place("artwork"), "setRoyalty", token_id, bps)
        piece.royalty_bps = bps
        self.royalties.set_terms(token_id, bps)

    def release(self, sender: str, payee: str, token_ids: Sequence[int]) -> int:
        """Fetches what waits in the Splitter for a payee from these works; returns the wei."""
        tokens = list(token_ids)
        gas = 25_000 * len(tokens)
        self.call(sender, Place("splitter"), "release", tokens, ZERO_ADDRESS, payee, extra_gas=gas)
        amount_wei = self.royalties.release(payee, tokens)
        self.receive(payee, amount_wei)
        return amount_wei

    def reassign(self, token_id: int, seat: int, payee: str) -> None:
        """Hands a place in a work's split on to somebody else."""
        holder = self.royalties.seats_of(token_id)[seat].payee
        self.call(holder, Place("splitter"), "reassign", token_id, seat, payee)
        self.royalties.reassign(token_id, seat, payee)

    def push_price(self, answer: int) -> None:
        """Publishes USD per ETH, times 10^8."""
        self._actions.append(PushPrice(answer))

    def approve(self, owner: str, operator: Operator) -> None:
        """Lets a contract move all works of an owner, unless it may already."""
        if (owner, operator) in self._approved:
            return
        self._approved.add((owner, operator))
        self._pay(Approve, owner)
        self._actions.append(Approve(owner, operator))

    def _pay(self, kind: type, sender: str, value_wei: int = 0) -> None:
        what = f"{kind.__name__} on day {self.day}"
        self._accounts.pay(sender, value_wei, GAS_LIMITS[kind], what)
