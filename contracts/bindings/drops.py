"""Calls of `Drops`: works sold one by one at a price that follows demand."""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import PayingBinding, Session
from contracts.decoding import first_event
from data.units import ZERO_ADDRESS


class PriceParams(NamedTuple):
    """How a drop's price moves: wei; decay a day and works a day times 10^18 (`Vrgda.Params`)."""

    start_wei: int
    floor_wei: int
    decay: int
    cap_wei: int
    rate: int


class Drop(NamedTuple):
    """A drop as it stands; times in Unix seconds, `repriced_at` 0 before the first repricing."""

    seller: str
    start_time: int
    repriced_at: int
    sold: int
    left: int
    params: PriceParams


class Drops(PayingBinding):
    """The house of drops."""

    NAME = "Drops"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def open(self, token_ids: Sequence[int], params: PriceParams, start_time: int = 0) -> int:
        """Puts works of the signer into a drop and returns its id; a start that is past is now.

        Approves the house for all works first, if it is not yet.
        """
        self._artwork.approve_once(self.address)
        receipt = self._send("open", list(token_ids), params, start_time)
        return int(first_event(receipt, self.NAME, "DropOpened")["dropId"])

    def take_back(self, drop_id: int, token_ids: Sequence[int]) -> None:
        """Returns unsold works to the signer, who sells them."""
        self._send("takeBack", drop_id, list(token_ids))

    def reprice(self, drop_id: int, params: PriceParams) -> None:
        """Changes the price of the signer's drop, once a day and by the governed step at most."""
        self._send("reprice", drop_id, params)

    def buy(
        self,
        drop_id: int,
        token_id: int,
        max_price_wei: int | None = None,
        *,
        recipient: str = ZERO_ADDRESS,
    ) -> int:
        """Buys a work of a drop and returns the price paid in wei.

        Without `max_price_wei` the price of this second is the most that is paid. What is sent
        above the price comes back.
        """
        limit_wei = self.price_of(drop_id) if max_price_wei is None else max_price_wei
        receipt = self._send("buy", drop_id, token_id, limit_wei, recipient, value_wei=limit_wei)
        return int(first_event(receipt, self.NAME, "Sold")["price"])

    def price_of(self, drop_id: int) -> int:
        """Returns the wei of the next work of a drop, now."""
        return int(self._read("priceOf", drop_id))

    def drop(self, drop_id: int) -> Drop:
        """Returns a drop."""
        *state, params = self._read("dropOf", drop_id)
        return Drop(*state, PriceParams(*params))

    def drop_of_token(self, token_id: int) -> int | None:
        """Returns the drop in which a work waits, None for none."""
        return int(self._read("dropOfToken", token_id)) or None

    def last_price(self, token_id: int) -> int:
        """Returns the price in wei of the last sale of a work here, 0 before the first."""
        return int(self._read("lastPrice", token_id))
