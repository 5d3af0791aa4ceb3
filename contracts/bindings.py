"""Typed calls of our contracts for one user: what generation, the command line and tests use.

For thousands of transactions on the local chain use `contracts.client` with the same encoders of
`contracts.calldata`.
"""

from pathlib import Path
from typing import Any

from contracts import calldata
from contracts.abi import event_topics
from contracts.addresses import DEFAULT_STATE_DIR, Addresses, known_addresses
from contracts.calldata import MintRequest, Parent
from contracts.errors import ContractError, DeploymentError
from contracts.rpc import Rpc, mask_url
from contracts.signers import Signer, open_signer
from contracts.transactions import read_call, send
from data.units import ZERO_ADDRESS

__all__ = ["MintRequest", "Parent", "Studio"]

SECONDS_PER_DAY = 86_400


class Studio:
    """Our contracts on one chain, called in the name of one signer.

    Every state change is simulated first; a refusal raises ContractError with the decoded reason
    and costs nothing.
    """

    def __init__(self, rpc: Rpc, addresses: Addresses, signer: Signer) -> None:
        self.rpc = rpc
        self.addresses = addresses
        self.signer = signer

    @classmethod
    def connect(
        cls,
        rpc_url: str,
        state_dir: Path = DEFAULT_STATE_DIR,
        signer: Signer | str | None = None,
    ) -> "Studio":
        """Returns a studio for the contracts known on the node's chain.

        `signer` names a keystore file or an environment variable; on chain 31337 it may be an
        address, or None for the node's first account.

        Raises:
            DeploymentError: no contracts are known there, or the chain holds no code at them.
            RpcError: the node cannot be reached.
            SignerError: nobody to sign with.
        """
        rpc = Rpc(rpc_url)
        chain_id = int(rpc.call("eth_chainId"), 16)
        addresses = known_addresses(chain_id, state_dir)
        if addresses is None or rpc.call("eth_getCode", [addresses.artwork, "latest"]) == "0x":
            message = (
                f"our contracts are not on chain {chain_id} at {mask_url(rpc_url)}; "
                "run: raisonne chain deploy"
            )
            raise DeploymentError(message)
        return cls(rpc, addresses, open_signer(signer, rpc, chain_id))

    def mint(self, request: MintRequest) -> int:
        """Mints a work, with the signer as its creator, and returns its token id."""
        receipt = self._send("Artwork.mint", self.addresses.artwork, calldata.encode_mint(request))
        return int(_first_log(receipt, "Artwork", "ArtworkMinted")["topics"][1], 16)

    def burn(self, token_id: int, reason: int = 0) -> None:
        """Destroys a work of the signer: 0 unstated, 1 withdrawn, 2 defect, 3 lost dispute."""
        data = calldata.encode_burn(token_id, reason)
        self._send("Artwork.burn", self.addresses.artwork, data)

    def set_royalty(self, token_id: int, recipient: str, bps: int) -> None:
        """Changes the royalty of a work that the signer created, at most 1 000 bps."""
        data = calldata.encode_set_royalty(token_id, recipient, bps)
        self._send("Artwork.setRoyalty", self.addresses.artwork, data)

    def approve(self, operator: str | None = None) -> None:
        """Lets an operator move all works of the signer: the market unless one is named."""
        data = calldata.encode_approve_all(operator or self.addresses.market)
        self._send("Artwork.setApprovalForAll", self.addresses.artwork, data)

    def transfer(self, to_address: str, token_id: int) -> None:
        """Gives a work of the signer away."""
        data = calldata.encode_transfer(self.signer.address, to_address, token_id)
        self._send("Artwork.transferFrom", self.addresses.artwork, data)

    def list(self, token_id: int, price_wei: int, days: float | None = None) -> None:
        """Offers a work of the signer for so many days, without end if None.

        Approves the market for all works first, if it is not yet.
        """
        if not self.is_approved(self.signer.address, self.addresses.market):
            self.approve()
        end_time = 0 if days is None else self._now() + round(days * SECONDS_PER_DAY)
        data = calldata.encode_list(token_id, price_wei, end_time)
        self._send("Market.list", self.addresses.market, data)

    def cancel(self, token_id: int) -> None:
        """Takes the signer's offer of a work back."""
        self._send("Market.cancel", self.addresses.market, calldata.encode_cancel(token_id))

    def buy(
        self,
        token_id: int,
        max_price_wei: int | None = None,
        *,
        recipient: str = ZERO_ADDRESS,
    ) -> int:
        """Buys a listed work and returns the price paid in wei.

        Without `max_price_wei` the price asked now is the most that is paid: a seller who raises
        it in between gets nothing. `recipient` gets the work instead of the signer.
        """
        _, asked_wei, _, _ = self.listing(token_id)
        limit_wei = asked_wei if max_price_wei is None else max_price_wei
        data = calldata.encode_buy(token_id, limit_wei, recipient)
        value_wei = min(asked_wei, limit_wei)
        receipt = self._send("Market.buy", self.addresses.market, data, value_wei)
        sold = bytes.fromhex(_first_log(receipt, "Market", "Sold")["data"].removeprefix("0x"))
        return int.from_bytes(sold[32:64], "big")

    def withdraw(self) -> None:
        """Takes what the market keeps for the signer after a refused payment."""
        self._send("Market.withdraw", self.addresses.market, calldata.encode_withdraw())

    def open_vault(
        self, token_id: int, name: str, symbol: str, supply: int, valuation_wei: int
    ) -> str:
        """Turns a work of the signer into `supply` share units and returns the vault's address.

        Pays the royalty on the valuation; approves the factory for the work first.
        """
        factory = self.addresses.vault_factory
        due = self._read(
            "VaultFactory.royaltyDue", factory, token_id, valuation_wei, self.signer.address
        )
        approval = calldata.encode_approve(factory, token_id)
        self._send("Artwork.approve", self.addresses.artwork, approval)
        data = calldata.encode_open_vault(token_id, name, symbol, supply, valuation_wei)
        royalty_wei = int.from_bytes(due[32:64], "big")
        receipt = self._send("VaultFactory.open", factory, data, royalty_wei)
        return _address(bytes.fromhex(_opened_topic(receipt)))

    def redeem(self, vault: str) -> None:
        """Takes the work out of a vault of which the signer holds every share."""
        self._send("Vault.redeem", vault, calldata.encode_redeem())

    def push_price(self, usd_per_eth: float) -> None:
        """Pushes an ETH/USD price, as the feed's owner."""
        data = calldata.encode_push_price(round(usd_per_eth * 10**8))
        self._send("PriceFeed.push", self.addresses.price_feed, data)

    def owner_of(self, token_id: int) -> str:
        """Returns the owner of a work, lower-case."""
        return _address(self._read("Artwork.ownerOf", self.addresses.artwork, token_id))

    def token_of_pixel_hash(self, pixel_hash: bytes) -> int | None:
        """Returns the one token that ever had these pixels, None if none had."""
        answer = self._read("Artwork.tokenOfPixelHash", self.addresses.artwork, pixel_hash)
        return int.from_bytes(answer, "big") or None

    def manifest_of(self, token_id: int) -> bytes:
        """Returns the 32 bytes bound to a work at its mint; zeros for an id never given."""
        return self._read("Artwork.manifestOf", self.addresses.artwork, token_id)

    def token_uri(self, token_id: int) -> str:
        """Returns the URI of a work."""
        from eth_abi.abi import decode

        answer = self._read("Artwork.tokenURI", self.addresses.artwork, token_id)
        return str(decode(["string"], answer)[0])

    def royalty_of(self, token_id: int, price_wei: int) -> tuple[str, int]:
        """Returns recipient and wei of the royalty on a price."""
        answer = self._read("Artwork.royaltyInfo", self.addresses.artwork, token_id, price_wei)
        return _address(answer[:32]), int.from_bytes(answer[32:64], "big")

    def listing(self, token_id: int) -> tuple[str, int, int, bool]:
        """Returns seller, price in wei, end time and whether it can be bought now."""
        answer = self._read("Market.listingOf", self.addresses.market, token_id)
        seller, price, end_time, live = (answer[i : i + 32] for i in range(0, 128, 32))
        return (
            _address(seller),
            int.from_bytes(price, "big"),
            int.from_bytes(end_time, "big"),
            bool(live[-1]),
        )

    def last_price(self, token_id: int) -> int:
        """Returns the price in wei of the last sale between two accounts, 0 before the first."""
        answer = self._read("Market.lastPrice", self.addresses.market, token_id)
        return int.from_bytes(answer, "big")

    def refund_of(self, account: str) -> int:
        """Returns the wei that the market keeps for an account."""
        return int.from_bytes(self._read("Market.refunds", self.addresses.market, account), "big")

    def is_approved(self, owner: str, operator: str) -> bool:
        """Returns whether an operator may move all works of an owner."""
        answer = self._read("Artwork.isApprovedForAll", self.addresses.artwork, owner, operator)
        return bool(answer[-1])

    def _read(self, what: str, at: str, *values: Any) -> bytes:
        contract, function = what.split(".")
        return read_call(self.rpc, at, calldata.encode_call(contract, function, *values), what)

    def _send(self, what: str, at: str, data: bytes, value_wei: int = 0) -> dict[str, Any]:
        return send(self.rpc, self.signer, to=at, data=data, what=what, value_wei=value_wei)

    def _now(self) -> int:
        return int(self.rpc.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)


def _first_log(receipt: dict[str, Any], contract: str, event: str) -> dict[str, Any]:
    topics = event_topics(contract)
    wanted = next(topic for signed, topic in topics.items() if signed.startswith(event + "("))
    for log in receipt["logs"]:
        if log["topics"][0] == wanted:
            found: dict[str, Any] = log
            return found
    message = f"transaction {receipt['transactionHash']} has no {event} event"
    raise ContractError(message)


def _opened_topic(receipt: dict[str, Any]) -> str:
    topic: str = _first_log(receipt, "VaultFactory", "VaultOpened")["topics"][1]
    return topic.removeprefix("0x")


def _address(word: bytes) -> str:
    return "0x" + word[-20:].hex()
