"""Actions become transactions: real ones, sent in whole blocks to the local chain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts import calldata
from contracts.abi import event_topics
from contracts.addresses import Addresses
from contracts.client import ChainClient, Receipt, Tx
from contracts.simulation.actions import (
    Action,
    Approve,
    Block,
    Burn,
    Buy,
    Cancel,
    Mint,
    Offer,
    PushPrice,
    SendEth,
)
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.books.vaults import FACTORY
from contracts.simulation.calls import (
    GUARDIAN,
    OPERATOR,
    Call,
    Calldata,
    Hashed,
    Place,
    VaultOf,
    contract_of,
)
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import GAS_LIMITS
from contracts.simulation.works import manifest_hash, metadata, token_uri

BURN_WITHDRAWN = 1


@dataclass(frozen=True, slots=True)
class Mined:
    """An action and the transaction that carried it."""

    action: Action
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Officers:
    """Who acts for the project on a chain: the names in a `Call` that are no contracts."""

    operator: str
    guardian: str


class Executor:
    """Sends blocks of actions to our contracts and checks every receipt.

    `vaults` maps the number of each vault of the market, from 1, to its address.
    """

    def __init__(
        self,
        client: ChainClient,
        addresses: Addresses,
        officers: Officers,
        vaults: dict[int, str] | None = None,
    ) -> None:
        self.vaults = dict(vaults or {})
        self._client = client
        self._addresses = addresses
        self._people = {
            OPERATOR: officers.operator,
            GUARDIAN: officers.guardian,
            TREASURY: addresses.studio,
        }
        self._encoders: dict[type, Callable[[Any], Tx]] = {
            SendEth: lambda a: Tx(a.sender, a.to, b"", a.value_wei),
            Approve: self._approve,
            Mint: self._mint,
            Offer: self._offer,
            Cancel: lambda a: Tx(a.sender, addresses.market, calldata.encode_cancel(a.token_id)),
            Buy: self._buy,
            Burn: self._burn,
            PushPrice: self._push_price,
            Call: self._call,
        }

    def send(self, block: Block) -> list[Mined]:
        """Mines one block and returns its actions with their transaction hashes.

        Raises:
            ContractError: a transaction reverted; the reason is decoded.
            SimulationError: a mint got another id than the books expected.
        """
        txs = [self.encode(action) for action in block.actions]
        # Reverts are looked at in order: a work that got another id is why later ones fail.
        receipts = self._client.send_block(txs, block.timestamp, allow_reverts=True)
        mined = []
        for action, tx, receipt in zip(block.actions, txs, receipts, strict=True):
            if receipt["status"] != "0x1":
                raise self._client.revert_error(receipt["transactionHash"], tx)
            if isinstance(action, Mint):
                self._check_mint(action.token_id, receipt)
            elif isinstance(action, Call) and action.expects is not None:
                self._check_mint(action.expects, receipt)
            elif isinstance(action, Call) and action.to == FACTORY:
                self.vaults[len(self.vaults) + 1] = _vault_of(receipt)
            mined.append(Mined(action, receipt["transactionHash"]))
        return mined

    def encode(self, action: Action) -> Tx:
        """The transaction of an action, with the gas limit of its kind."""
        tx = self._encoders[type(action)](action)
        if isinstance(action, Call):
            return tx
        return replace(tx, gas=GAS_LIMITS[type(action)])

    def _approve(self, action: Approve) -> Tx:
        data = calldata.encode_approve_all(getattr(self._addresses, action.operator))
        return Tx(action.sender, self._addresses.artwork, data)

    def _mint(self, action: Mint) -> Tx:
        work = action.work
        document = metadata(work)
        artwork = self._addresses.artwork
        request = calldata.MintRequest(
            to=action.sender,
            manifest=manifest_hash(work, document),
            pixel_hash=work.pixel_hash,
            model=work.materials.model,
            dataset=work.materials.dataset,
            process=work.materials.process,
            seed=work.seed,
            royalty_bps=work.royalty_bps,
            uri=token_uri(document),
            parents=tuple(
                calldata.Parent(artwork, parent.token_id, parent.relation, parent.share_bps)
                for parent in work.parents
            ),
        )
        return Tx(action.sender, artwork, calldata.encode_mint(request))

    def _offer(self, action: Offer) -> Tx:
        data = calldata.encode_list(action.token_id, action.price_wei)
        return Tx(action.sender, self._addresses.market, data)

    def _buy(self, action: Buy) -> Tx:
        data = calldata.encode_buy(action.token_id, action.price_wei)
        return Tx(action.sender, self._addresses.market, data, action.price_wei)

    def _burn(self, action: Burn) -> Tx:
        data = calldata.encode_burn(action.token_id, BURN_WITHDRAWN)
        return Tx(action.sender, self._addresses.artwork, data)

    def _push_price(self, action: PushPrice) -> Tx:
        data = calldata.encode_push_price(action.answer)
        return Tx(self._people[OPERATOR], self._addresses.price_feed, data)

    def _call(self, call: Call) -> Tx:
        sender = self._people.get(call.sender, call.sender)
        data = self._resolve(Calldata(call.to, call.function, call.values))
        return Tx(sender, self._resolve(call.to), data, call.value_wei, call.gas)

    def _resolve(self, value: Any) -> Any:
        """What a name in a call stands for on this chain; lists and tuples part by part."""
        match value:
            case Place(name):
                return getattr(self._addresses, name)
            case VaultOf(number):
                return self.vaults[number]
            case Calldata(to, function, values):
                parts = [self._resolve(part) for part in values]
                value = calldata.encode_call(contract_of(to), function, *parts)
            case Hashed(types, values):
                value = _keccak_of(types, [self._resolve(part) for part in values])
            case list() | tuple():
                value = type(value)(self._resolve(part) for part in value)
            case str():
                value = self._people.get(value, value)
        return value

    def _check_mint(self, token_id: int, receipt: Receipt) -> None:
        """The books name works before they exist: the contract must have counted alike."""
        topic = topic_of("Artwork", "ArtworkMinted")
        given = next(
            int(log["topics"][1], 16) for log in receipt["logs"] if log["topics"][0] == topic
        )
        if given != token_id:
            message = (
                f"work {token_id} of the books became {given} on the chain: somebody else "
                "minted meanwhile; start anew: raisonne chain down, chain up, chain simulate"
            )
            raise SimulationError(message)


def topic_of(contract: str, event: str) -> str:
    """topic0 of one event of our contracts, as 0x text."""
    return next(
        topic for name, topic in event_topics(contract).items() if name.startswith(f"{event}(")
    )


def _keccak_of(types: Sequence[str], values: Sequence[Any]) -> bytes:
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    return bytes(keccak(encode(types, values)))


def _vault_of(receipt: Receipt) -> str:
    topic = topic_of("VaultFactory", "VaultOpened")
    words = next(log["topics"][1] for log in receipt["logs"] if log["topics"][0] == topic)
    return f"0x{words[-40:]}"
