"""Shares whose holders divide what is paid to them: the books of the contract `Dividends`."""

from contracts.simulation.errors import SimulationError


class Shares:
    """Who holds how many of a fixed number of shares, and what each can claim, to the wei.

    Everybody is owed the sum of their parts of all payments, rounded down once, when they claim.
    """

    def __init__(self, holder: str, issued: int) -> None:
        self.issued = issued
        self.supply = issued
        self.paid_wei = 0
        self.claimed_wei = 0
        self.balances: dict[str, int] = {holder: issued}
        self._marks: dict[str, int] = {}
        self._owed: dict[str, int] = {}

    def move(self, sender: str, to: str, amount: int) -> None:
        """Moves shares.

        Raises:
            SimulationError: the sender has fewer.
        """
        self._take(sender, amount)
        self._bring_up_to_date(to)
        self.balances[to] = self.balances.get(to, 0) + amount

    def burn(self, holder: str, amount: int) -> None:
        """Destroys shares; their holder keeps what was paid before."""
        self._take(holder, amount)
        self.supply -= amount

    def distribute(self, amount_wei: int) -> None:
        """Pays something to all holders of this moment.

        Raises:
            SimulationError: shares were burned, so that nothing can be paid in any more.
        """
        if self.supply != self.issued or amount_wei <= 0:
            message = f"{amount_wei} wei cannot be divided: {self.supply} of {self.issued} shares"
            raise SimulationError(message)
        self.paid_wei += amount_wei

    def claimable_wei(self, holder: str) -> int:
        """What a holder can claim now."""
        return self._owed_units(holder) // self.issued

    def claim(self, holder: str) -> int:
        """Takes out what a holder can claim; returns the wei.

        Raises:
            SimulationError: that is nothing.
        """
        owed = self._owed_units(holder)
        amount_wei = owed // self.issued
        if amount_wei == 0:
            message = f"{holder} can claim nothing"
            raise SimulationError(message)
        self._marks[holder] = self.paid_wei
        self._owed[holder] = owed - amount_wei * self.issued
        self.claimed_wei += amount_wei
        return amount_wei

    def holders(self) -> list[str]:
        """Everybody who has shares, or had some and may have something to claim."""
        return list(dict.fromkeys((*self.balances, *self._marks)))

    @property
    def unclaimed_wei(self) -> int:
        """What was paid in and not claimed, what nobody can claim included."""
        return self.paid_wei - self.claimed_wei

    def _take(self, holder: str, amount: int) -> None:
        held = self.balances.get(holder, 0)
        if held < amount:
            message = f"{holder} holds {held} shares, not {amount}"
            raise SimulationError(message)
        self._bring_up_to_date(holder)
        self.balances[holder] = held - amount
        if held == amount:
            del self.balances[holder]

    def _owed_units(self, holder: str) -> int:
        """In wei times shares, so that nothing is rounded before it is claimed."""
        since_wei = self.paid_wei - self._marks.get(holder, 0)
        return self._owed.get(holder, 0) + self.balances.get(holder, 0) * since_wei

    def _bring_up_to_date(self, holder: str) -> None:
        self._owed[holder] = self._owed_units(holder)
        self._marks[holder] = self.paid_wei
