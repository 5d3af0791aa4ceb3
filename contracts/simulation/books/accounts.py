"""What everybody can spend: the least that an account holds on the chain."""

from collections.abc import Iterable

from contracts.simulation.errors import SimulationError
from data.units import WEI_PER_ETH

GAS_PRICE_WEI = 2_100_000_000
"""Above what the sender of blocks pays, so that the books never promise ETH that is not there."""


class Accounts:
    """Balances in wei; those of `unlimited` are not kept, those of `contracts` are exact.

    People pay for gas, and the books charge all that a transaction may use: what they hold on the
    chain is a little more. What they are paid can be spent from the next block on, because a node
    takes a transaction only if its sender could pay for it at the last one. A contract can spend
    at once what it was paid.
    """

    def __init__(self, unlimited: Iterable[str], contracts: Iterable[str] = ()) -> None:
        self._unlimited = frozenset(unlimited)
        self._contracts = frozenset(contracts)
        self._balances_wei: dict[str, int] = {}
        self._incoming_wei: dict[str, int] = {}

    def balance_wei(self, address: str) -> int:
        """What an account can spend in this block."""
        return self._balances_wei.get(address, 0)

    def pay(self, sender: str, value_wei: int, gas: int, what: str) -> None:
        """Takes a payment and the gas for it.

        Raises:
            SimulationError: the account cannot pay so much.
        """
        if sender in self._unlimited:
            return
        cost_wei = value_wei + gas * GAS_PRICE_WEI
        left_wei = self.balance_wei(sender) - cost_wei
        if left_wei < 0:
            message = (
                f"{sender} cannot pay {cost_wei / WEI_PER_ETH:.4f} ETH for {what}: "
                f"{self.balance_wei(sender) / WEI_PER_ETH:.4f} ETH left"
            )
            raise SimulationError(message)
        self._balances_wei[sender] = left_wei

    def receive(self, address: str, value_wei: int) -> None:
        """Books what an account is paid."""
        if value_wei == 0 or address in self._unlimited:
            return
        book = self._balances_wei if address in self._contracts else self._incoming_wei
        book[address] = book.get(address, 0) + value_wei

    def close_block(self) -> None:
        """Lets what was paid in this block be spent in the next."""
        for address, value_wei in self._incoming_wei.items():
            self._balances_wei[address] = self.balance_wei(address) + value_wei
        self._incoming_wei.clear()
