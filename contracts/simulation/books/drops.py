"""What Drops holds: works that are sold by a variable-rate gradual Dutch auction."""

from dataclasses import dataclass

from contracts.reference.vrgda import VrgdaParams
from contracts.reference.wad import contract_price_wei
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.calls import Place
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import DROP, Ledger, Sale

DROPS = Place("drops")
MOST_WORKS = 64


@dataclass(slots=True)
class Drop:
    """Works of one seller at one price that moves; `started` in Unix seconds."""

    drop_id: int
    seller: str
    style: int
    works: list[int]
    params: VrgdaParams
    started: int
    opened_day: int
    sold: int = 0
    repriced: bool = False

    def price_wei(self, now: int) -> int:
        """What the next work costs in the block of a time."""
        return contract_price_wei(self.params, self.sold, max(now - self.started, 0))


def params_tuple(params: VrgdaParams) -> tuple[int, int, int, int, int]:
    """Parameters in the order of the contract's struct."""
    return (
        params.start_wei, params.floor_wei, params.decay_wad, params.cap_wei, params.rate_wad,
    )  # fmt: skip


class Drops:
    """Books of the Drops contract; `next_drop` is the id that it gives next."""

    def __init__(self, ledger: Ledger, next_drop: int = 1) -> None:
        self.running: dict[int, Drop] = {}
        self.next_drop = next_drop
        self.opened = 0
        self._ledger = ledger

    def open(self, seller: str, token_ids: list[int], params: VrgdaParams) -> Drop:
        """Puts works of a person into a drop that starts at once."""
        self._ledger.approve(seller, "drops")
        self._ledger.call(
            seller, DROPS, "open", token_ids, params_tuple(params), self._ledger.now,
            extra_gas=115_000 * len(token_ids),
        )  # fmt: skip
        return self.note_opened(seller, token_ids, params)

    def note_opened(self, seller: str, token_ids: list[int], params: VrgdaParams) -> Drop:
        """Books a drop that somebody opens in this block, be it through another contract."""
        style = self._ledger.pieces[token_ids[0]].style
        drop = Drop(
            self.next_drop, seller, style, list(token_ids), params,
            self._ledger.now, self._ledger.day,
        )  # fmt: skip
        self.next_drop += 1
        self.opened += 1
        self.running[drop.drop_id] = drop
        for token_id in token_ids:
            self._ledger.hand_over(token_id, DROPS.name)
        return drop

    def buy(self, buyer: str, drop: Drop, token_id: int) -> Sale:
        """Buys a work at the price of this block.

        Raises:
            SimulationError: the work is not in the drop.
        """
        if token_id not in drop.works:
            message = f"work {token_id} is not in drop {drop.drop_id}"
            raise SimulationError(message)
        price_wei = drop.price_wei(self._ledger.now)
        self._ledger.call(
            buyer, DROPS, "buy", drop.drop_id, token_id, price_wei, buyer, value_wei=price_wei
        )
        drop.works.remove(token_id)
        drop.sold += 1
        self._close_if_empty(drop)
        return self._ledger.settle_sale(token_id, (drop.seller, buyer), price_wei, DROP)

    def reprice(self, drop: Drop, params: VrgdaParams) -> None:
        """Changes the price of a drop of a person."""
        self._ledger.call(drop.seller, DROPS, "reprice", drop.drop_id, params_tuple(params))
        self.note_repriced(drop, params)

    def note_repriced(self, drop: Drop, params: VrgdaParams) -> None:
        """Books other parameters of a drop."""
        drop.params, drop.repriced = params, True

    def take_back(self, drop: Drop) -> list[int]:
        """Takes all unsold works of a person back; returns them."""
        self._ledger.call(
            drop.seller, DROPS, "takeBack", drop.drop_id, list(drop.works),
            extra_gas=60_000 * len(drop.works),
        )  # fmt: skip
        return self.note_taken_back(drop)

    def note_taken_back(self, drop: Drop) -> list[int]:
        """Books that the seller has the unsold works again."""
        works, drop.works = list(drop.works), []
        for token_id in works:
            self._ledger.hand_over(token_id, drop.seller)
        self._close_if_empty(drop)
        return works

    def of_studio(self) -> list[Drop]:
        """The studio's own drops that run."""
        return [drop for drop in self.running.values() if drop.seller == TREASURY]

    def _close_if_empty(self, drop: Drop) -> None:
        if not drop.works:
            del self.running[drop.drop_id]
