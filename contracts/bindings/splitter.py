"""Calls of `Splitter`: royalties divided work by work."""

from collections.abc import Sequence

from contracts.bindings.base import Binding
from data.units import ZERO_ADDRESS


class Splitter(Binding):
    """The receiver of royalties."""

    NAME = "Splitter"

    def split_of(self, token_id: int) -> list[tuple[str, int]]:
        """Returns payee and share in bps of each place; empty before the split is set."""
        payees, bps = self._read("splitOf", token_id)
        return list(zip(payees, bps, strict=True))

    def releasable(self, token_id: int, payee: str, currency: str = ZERO_ADDRESS) -> int:
        """Returns what a payee can fetch of a work, in the currency's smallest unit."""
        return int(self._read("releasable", token_id, currency, payee))

    def received(self, token_id: int, currency: str = ZERO_ADDRESS) -> int:
        """Returns what a work received since its split was set."""
        return int(self._read("received", token_id, currency))

    def dust(self, token_id: int, currency: str = ZERO_ADDRESS) -> int:
        """Returns what a work received and could not divide yet."""
        return int(self._read("dust", token_id, currency))

    def release(
        self, token_ids: Sequence[int], payee: str | None = None, currency: str = ZERO_ADDRESS
    ) -> None:
        """Sends a payee, the signer unless named, what waits for them from these works."""
        self._send("release", list(token_ids), currency, payee or self.me)

    def release_to(
        self, token_ids: Sequence[int], to_address: str, currency: str = ZERO_ADDRESS
    ) -> None:
        """Sends what waits for the signer to another account."""
        self._send("releaseTo", list(token_ids), currency, to_address)

    def reassign(self, token_id: int, seat: int, payee: str) -> None:
        """Hands the signer's place in a split on, for later payments."""
        self._send("reassign", token_id, seat, payee)

    def collect(self, currency: str = ZERO_ADDRESS) -> None:
        """Books for the treasury what came without naming a work."""
        self._send("collect", currency)
