"""Calldata of every call that the project makes, encoded straight from the committed ABI.

Pure functions of their arguments: bytes out, no node, no contract object per call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from contracts.abi import canonical_type, entry_of, selector
from contracts.errors import CalldataError
from data.units import ZERO_ADDRESS

DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Parent:
    """A work that another was made from; relation 0 derived, 1 variation, 2 inspired, 3 cell."""

    collection: str
    token_id: int
    relation: int
    share_bps: int


@dataclass(frozen=True, slots=True)
class MintRequest:
    """Everything that `Artwork.mint` records; digests are 32 bytes, the creator is the sender."""

    to: str
    manifest: bytes
    pixel_hash: bytes
    model: bytes
    dataset: bytes
    process: bytes
    seed: int
    royalty_bps: int
    uri: str
    parents: tuple[Parent, ...] = ()

    def __post_init__(self) -> None:
        # The encoder would fill a shorter digest with zeros and mint it for ever.
        for name in ("manifest", "pixel_hash", "model", "dataset", "process"):
            length = len(getattr(self, name))
            if length != DIGEST_BYTES:
                message = f"{name} has {length} bytes; a digest has {DIGEST_BYTES}"
                raise CalldataError(message)


def encode_call(contract: str, function: str, *values: Any) -> bytes:
    """Returns the calldata of one call; tuples and lists stand for structs and arrays.

    Raises:
        CalldataError: a value does not fit its type, such as a negative price.
    """
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    try:
        return selector(contract, function) + encode(_input_types(contract, function), values)
    except EncodingError as problem:
        message = f"cannot call {contract}.{function}: {problem}"
        raise CalldataError(message) from problem


def encode_deployment(bytecode: str, types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Returns creation code: 0x bytecode followed by the constructor's arguments."""
    from eth_abi.abi import encode

    return bytes.fromhex(bytecode.removeprefix("0x")) + encode(types, values)


def encode_mint(request: MintRequest) -> bytes:
    """Returns the calldata of `Artwork.mint`."""
    return encode_call("Artwork", "mint", mint_fields(request))


def mint_fields(request: MintRequest) -> tuple[Any, ...]:
    """Returns a request as the struct that `Artwork.mint` and `Studio.mint` take."""
    parents = [(p.collection, p.token_id, p.relation, p.share_bps) for p in request.parents]
    return (
        request.to,
        request.manifest,
        request.pixel_hash,
        request.model,
        request.dataset,
        request.process,
        request.seed,
        request.royalty_bps,
        request.uri,
        parents,
    )


def encode_burn(token_id: int, reason: int = 0) -> bytes:
    """Returns the calldata of `Artwork.burn`; reason 0 unstated, 1 withdrawn, 2 defect, 3 lost."""
    return encode_call("Artwork", "burn", token_id, reason)


def encode_set_royalty(token_id: int, bps: int) -> bytes:
    """Returns the calldata of `Artwork.setRoyalty`."""
    return encode_call("Artwork", "setRoyalty", token_id, bps)


def encode_transfer(from_address: str, to_address: str, token_id: int) -> bytes:
    """Returns the calldata of `Artwork.transferFrom`."""
    return encode_call("Artwork", "transferFrom", from_address, to_address, token_id)


def encode_approve(spender: str, token_id: int) -> bytes:
    """Returns the calldata of `Artwork.approve`, for one work."""
    return encode_call("Artwork", "approve", spender, token_id)


def encode_approve_all(operator: str, approved: bool = True) -> bytes:
    """Returns the calldata of `Artwork.setApprovalForAll`."""
    return encode_call("Artwork", "setApprovalForAll", operator, approved)


def encode_list(token_id: int, price_wei: int, end_time: int = 0) -> bytes:
    """Returns the calldata of `Market.list`; `end_time` in Unix seconds, 0 for no end."""
    return encode_call("Market", "list", token_id, price_wei, end_time)


def encode_cancel(token_id: int) -> bytes:
    """Returns the calldata of `Market.cancel`."""
    return encode_call("Market", "cancel", token_id)


def encode_buy(token_id: int, max_price_wei: int, recipient: str = ZERO_ADDRESS) -> bytes:
    """Returns the calldata of `Market.buy`; the zero address stands for the sender."""
    return encode_call("Market", "buy", token_id, max_price_wei, recipient)


def encode_withdraw() -> bytes:
    """Returns the calldata of `withdraw` of Market and VaultFactory alike."""
    return encode_call("Market", "withdraw")


def encode_open_vault(
    token_id: int, name: str, symbol: str, supply: int, valuation_wei: int
) -> bytes:
    """Returns the calldata of `VaultFactory.open`; `supply` in units of 10^-18 share."""
    return encode_call("VaultFactory", "open", token_id, name, symbol, supply, valuation_wei)


def encode_share_transfer(to_address: str, amount: int) -> bytes:
    """Returns the calldata of `Vault.transfer`; `amount` in units of 10^-18 share."""
    return encode_call("Vault", "transfer", to_address, amount)


def encode_take_out() -> bytes:
    """Returns the calldata of `Vault.takeOut`: the holder of all shares gets the work."""
    return encode_call("Vault", "takeOut")


def encode_push_price(answer: int) -> bytes:
    """Returns the calldata of `PriceFeed.push`; `answer` is USD per ETH times 10^8."""
    return encode_call("PriceFeed", "push", answer)


@cache
def _input_types(contract: str, function: str) -> tuple[str, ...]:
    inputs = entry_of(contract, "function", function)["inputs"]
    return tuple(canonical_type(parameter) for parameter in inputs)
