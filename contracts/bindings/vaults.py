"""Calls of `VaultFactory` and of the vaults it opened: works held for the holders of shares."""

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import Binding, PayingBinding, Session
from contracts.decoding import first_event


class Vaults(PayingBinding):
    """The factory of vaults."""

    NAME = "VaultFactory"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def open(self, token_id: int, name: str, symbol: str, supply: int, valuation_wei: int) -> str:
        """Turns a work of the signer into `supply` share units and returns the vault's address.

        Pays the royalty on the valuation; approves the factory for the work first.
        """
        royalty_wei = self.royalty_due(token_id, valuation_wei)
        self._artwork.approve(self.address, token_id)
        receipt = self._send(
            "open", token_id, name, symbol, supply, valuation_wei, value_wei=royalty_wei
        )
        return str(first_event(receipt, self.NAME, "VaultOpened")["vault"])

    def at(self, address: str) -> "Vault":
        """Returns the vault at an address; trust only one that `token_of` knows."""
        return Vault(self.session, address)

    def token_of(self, vault: str) -> int | None:
        """Returns the work of a vault opened here, None for any other address."""
        return int(self._read("tokenOfVault", vault)) or None

    def royalty_due(self, token_id: int, valuation_wei: int) -> int:
        """Returns the wei that opening a vault costs the signer; refuses too low a valuation."""
        return int(self._read("royaltyDue", token_id, valuation_wei, self.me)[1])


class Vault(Binding):
    """One vault and its shares."""

    NAME = "Vault"

    def redeem(self) -> None:
        """Takes the work out of a vault of which the signer holds every share."""
        self._send("redeem")

    def transfer(self, to_address: str, amount: int) -> None:
        """Gives shares of the signer away, in units of 10^-18 share."""
        self._send("transfer", to_address, amount)

    def approve(self, spender: str, amount: int) -> None:
        """Lets somebody move so many shares of the signer."""
        self._send("approve", spender, amount)

    def balance_of(self, holder: str) -> int:
        """Returns the shares of a holder, in units of 10^-18 share."""
        return int(self._read("balanceOf", holder))

    def supply(self) -> int:
        """Returns the shares there are, in units of 10^-18 share."""
        return int(self._read("totalSupply"))
