"""Calls of shares whose holders divide what is paid to them (`Dividends`)."""

from contracts.bindings.base import Binding


class SharesBinding(Binding):
    """An ERC-20 of a fixed supply, in units of 10^-18 share, that pays dividends in wei."""

    def transfer(self, to_address: str, amount: int) -> None:
        """Gives shares of the signer away."""
        self._send("transfer", to_address, amount)

    def approve(self, spender: str, amount: int) -> None:
        """Lets somebody move so many shares of the signer."""
        self._send("approve", spender, amount)

    def distribute(self, amount_wei: int) -> None:
        """Pays wei to all holders, by their shares of this moment."""
        self._send("distribute", value_wei=amount_wei)

    def claim_dividend(self, to: str | None = None) -> None:
        """Takes the signer's dividends, to another account if `to` names one."""
        if to is None:
            self._send("claimDividend")
        else:
            self._send("claimDividendTo", to)

    def dividend_of(self, holder: str) -> int:
        """Returns the wei that a holder can claim."""
        return int(self._read("dividendOf", holder))

    def balance_of(self, holder: str) -> int:
        """Returns the shares of a holder."""
        return int(self._read("balanceOf", holder))

    def supply(self) -> int:
        """Returns the shares there are."""
        return int(self._read("totalSupply"))


class StudioShares(SharesBinding):
    """The shares of the studio."""

    NAME = "StudioShares"

    def balance_of_at(self, holder: str, time: int) -> int:
        """Returns the shares of a holder at the end of a second that is over (Unix seconds)."""
        return int(self._read("balanceOfAt", holder, time))
