"""The market's own books: who owns, offers and can pay what, kept while actions are made.

Every change goes through a method that applies what the contracts will do and notes the action,
so that the books and the chain agree without a question to the chain.
"""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.simulation.actions import (
    Action,
    Approve,
    Burn,
    Buy,
    Cancel,
    Mint,
    Offer,
    OpenVault,
    PushPrice,
    Redeem,
    SendEth,
    SendShares,
    Story,
)
from contracts.simulation.errors import SimulationError
from contracts.simulation.works import Work
from data.units import WEI_PER_ETH, ZERO_ADDRESS

GAS_LIMITS: dict[type, int] = {
    SendEth: 21_000,
    Approve: 70_000,
    Mint: 900_000,
    Offer: 160_000,
    Cancel: 100_000,
    Buy: 600_000,
    Burn: 140_000,
    OpenVault: 3_500_000,
    SendShares: 180_000,
    Redeem: 300_000,
    PushPrice: 130_000,
}
"""Most gas that a transaction of each kind may use; the books charge all of it."""

GAS_PRICE_WEI = 2_100_000_000
"""Above what the sender of blocks pays, so that the books never promise ETH that is not there."""

VAULT_OWNER = "vault"
_ALL_BPS = 10_000


@dataclass(slots=True)
class Piece:
    """A work that exists: what the market knows about it now.

    `log_appeal` is what it is worth beside its artist's level;
    works from outside the simulation have no `work`.
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
    """A sale as the books have it."""

    day: int
    token_id: int
    style: int
    seller: str
    buyer: str
    price_wei: int
    primary: bool
    story: Story | None

    @property
    def is_wash(self) -> bool:
        """Whether the sale was made up."""
        return self.story is not None and self.story.kind == "wash"


class Ledger:
    """Books of one market; `next_token` is the id that the contract gives next."""

    def __init__(self, fee_bps: int, next_token: int, styles: int, unlimited: str) -> None:
        self.day = 0
        self.next_token = next_token
        self.pieces: dict[int, Piece] = {}
        self.listings: dict[int, Listing] = {}
        self.offered: list[list[int]] = [[] for _ in range(styles)]
        self.sales: list[Sale] = []
        self.minted = 0
        self.vaults: dict[int, dict[str, int]] = {}
        self.on_sale: Callable[[Sale], None] = lambda _: None
        self._fee_bps = fee_bps
        self._unlimited = unlimited
        self._balances_wei: dict[str, int] = {}
        self._incoming_wei: dict[str, int] = {}
        self._approved: set[tuple[str, str]] = set()
        self._actions: list[Action] = []

    def close_block(self) -> tuple[Action, ...]:
        """The actions noted since the last call, in order; what they paid can be spent from now."""
        actions, self._actions = tuple(self._actions), []
        for address, value_wei in self._incoming_wei.items():
            self._balances_wei[address] = self.balance_wei(address) + value_wei
        self._incoming_wei.clear()
        return actions

    def balance_wei(self, address: str) -> int:
        """The least that an account held on the chain when this block began, less its payments.

        A node takes a transaction only if the sender could pay for it at the last block.
        """
        return self._balances_wei.get(address, 0)

    def can_pay(self, address: str, value_wei: int) -> bool:
        """Whether an account can spend so much and still has gas for its next steps."""
        reserve_wei = 3 * GAS_LIMITS[Buy] * GAS_PRICE_WEI
        return self.balance_wei(address) >= value_wei + reserve_wei

    def send_eth(self, sender: str, to: str, value_wei: int) -> None:
        """Moves ETH."""
        self._pay(SendEth, sender, value_wei)
        self._receive(to, value_wei)
        self._actions.append(SendEth(sender, to, value_wei))

    def mint(self, work: Work) -> int:
        """Makes a work exist, owned by its creator; returns its id."""
        token_id = self.next_token
        self._pay(Mint, work.creator)
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
            )
        )
        self._actions.append(Mint(work.creator, token_id, work))
        return token_id

    def add_piece(self, piece: Piece) -> None:
        """Takes a work into the books that exists on the chain, or soon will."""
        self.pieces[piece.token_id] = piece

    def offer(self, token_id: int, price_wei: int, *, public: bool = True) -> None:
        """Lists a work of its owner, or changes the price; approves the market first if needed."""
        piece = self.pieces[token_id]
        self._approve(piece.owner, "market")
        self._pay(Offer, piece.owner)
        self.add_listing(piece.owner, token_id, price_wei, public=public)
        self._actions.append(Offer(piece.owner, token_id, price_wei))

    def move(self, token_id: int, owner: str) -> None:
        """Notes a transfer that others made; the zero address burned the work."""
        if token_id not in self.pieces:
            return
        self.drop_listing(token_id)
        self.pieces[token_id].owner = owner
        if owner == ZERO_ADDRESS:
            del self.pieces[token_id]

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
        """Sells a listed work: seller and platform are paid as the contract does it."""
        listing, piece = self.listings[token_id], self.pieces[token_id]
        price_wei = listing.price_wei
        self._pay(Buy, buyer, price_wei)
        royalty_wei = self.royalty_wei(token_id, price_wei)
        self._receive(
            listing.seller, price_wei - royalty_wei - price_wei * self._fee_bps // _ALL_BPS
        )
        self.drop_listing(token_id)
        sale = Sale(
            day=self.day,
            token_id=token_id,
            style=piece.style,
            seller=listing.seller,
            buyer=buyer,
            price_wei=price_wei,
            primary=listing.seller == piece.creator,
            story=story,
        )
        piece.owner, piece.acquired_day = buyer, self.day
        if buyer != listing.seller:
            piece.last_price_wei = price_wei
        self.sales.append(sale)
        self._actions.append(Buy(buyer, token_id, price_wei, story))
        self.on_sale(sale)
        return sale

    def burn(self, token_id: int) -> None:
        """Destroys a work of its owner; an offer of it becomes void."""
        owner = self.pieces[token_id].owner
        self._pay(Burn, owner)
        self.drop_listing(token_id)
        del self.pieces[token_id]
        self._actions.append(Burn(owner, token_id))

    def open_vault(
        self, token_id: int, *, name: str, symbol: str, supply: int, valuation_wei: int
    ) -> None:
        """Turns a work into shares of its owner, who pays the royalty on the valuation."""
        piece = self.pieces[token_id]
        curator = piece.owner
        royalty_wei = self.royalty_wei(token_id, valuation_wei)
        self._approve(curator, "vault_factory")
        self._pay(OpenVault, curator, royalty_wei)
        self.drop_listing(token_id)
        piece.owner = VAULT_OWNER
        self.vaults[token_id] = {curator: supply}
        self._actions.append(
            OpenVault(curator, token_id, name, symbol, supply, valuation_wei, royalty_wei)
        )

    def send_shares(self, sender: str, token_id: int, to: str, amount: int) -> None:
        """Moves shares of the vault that holds a work."""
        shares = self.vaults[token_id]
        if shares.get(sender, 0) < amount:
            message = (
                f"{sender} holds {shares.get(sender, 0)} shares of work {token_id}, not {amount}"
            )
            raise SimulationError(message)
        self._pay(SendShares, sender)
        shares[sender] -= amount
        shares[to] = shares.get(to, 0) + amount
        self._actions.append(SendShares(sender, token_id, to, amount))

    def redeem(self, holder: str, token_id: int) -> None:
        """Gives all shares back and the work to their holder."""
        self._pay(Redeem, holder)
        del self.vaults[token_id]
        piece = self.pieces[token_id]
        piece.owner, piece.acquired_day = holder, self.day
        self._actions.append(Redeem(holder, token_id))

    def push_price(self, answer: int) -> None:
        """Publishes USD per ETH, times 10^8."""
        self._actions.append(PushPrice(answer))

    def royalty_wei(self, token_id: int, price_wei: int) -> int:
        """What `Royalties.due` asks, also of creators; it waits in the Splitter for its payees."""
        return price_wei * self.pieces[token_id].royalty_bps // _ALL_BPS

    def _approve(self, owner: str, operator: str) -> None:
        if (owner, operator) in self._approved:
            return
        self._approved.add((owner, operator))
        self._pay(Approve, owner)
        self._actions.append(Approve(owner, "market" if operator == "market" else "vault_factory"))

    def _pay(self, kind: type, sender: str, value_wei: int = 0) -> None:
        if sender == self._unlimited:
            return
        cost_wei = value_wei + GAS_LIMITS[kind] * GAS_PRICE_WEI
        left_wei = self.balance_wei(sender) - cost_wei
        if left_wei < 0:
            message = (
                f"{sender} cannot pay {cost_wei / WEI_PER_ETH:.4f} ETH for {kind.__name__} on day "
                f"{self.day}: {self.balance_wei(sender) / WEI_PER_ETH:.4f} ETH left"
            )
            raise SimulationError(message)
        self._balances_wei[sender] = left_wei

    def _receive(self, address: str, value_wei: int) -> None:
        if value_wei:
            self._incoming_wei[address] = self._incoming_wei.get(address, 0) + value_wei
