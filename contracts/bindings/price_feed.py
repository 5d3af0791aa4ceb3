"""Calls of `PriceFeed`: the owner's price of ETH on chains without an oracle."""

from contracts.bindings.base import Binding


class PriceFeed(Binding):
    """The feed of ETH in USD."""

    NAME = "PriceFeed"

    def push(self, usd_per_eth: float) -> None:
        """Pushes a price, as the feed's owner."""
        self._send("push", round(usd_per_eth * 10**8))

    def owner(self) -> str:
        """Returns who may push prices."""
        return str(self._read("owner"))
