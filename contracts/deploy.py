"""Deploys the contracts, once per chain."""

from pathlib import Path

from contracts.abi import ContractArtifact, load
from contracts.addresses import DEFAULT_STATE_DIR, Addresses, known_addresses, write_addresses
from contracts.calldata import encode_call, encode_deployment
from contracts.errors import ContractError
from contracts.rpc import Rpc
from contracts.signers import Signer, open_signer
from contracts.transactions import read_call, send

COLLECTION_NAME = "Raisonne"
COLLECTION_SYMBOL = "RSN"
FEED_DESCRIPTION = "ETH / USD"
DEFAULT_FEE_BPS = 250


def deploy(
    rpc_url: str,
    state_dir: Path = DEFAULT_STATE_DIR,
    signer: Signer | str | None = None,
    *,
    fee_recipient: str | None = None,
    fee_bps: int = DEFAULT_FEE_BPS,
) -> Addresses:
    """Returns the chain's contracts, deploying them first where they are not there yet.

    Known addresses are kept if the chain holds the committed code at every one of them. The
    signer pays, owns the price feed, and gets the platform fee unless `fee_recipient` is given.

    Raises:
        ContractError: a constructor refuses its arguments, such as a fee above 5 %.
        RpcError: the node cannot be reached.
        SignerError: nobody to sign with.
    """
    rpc = Rpc(rpc_url)
    chain_id = int(rpc.call("eth_chainId"), 16)
    known = known_addresses(chain_id, state_dir)
    if known is not None and is_deployed(rpc, known):
        return known
    account = open_signer(signer, rpc, chain_id)
    payee = fee_recipient or account.address
    artwork, block = _create(
        rpc, account, "Artwork", ["string", "string"], [COLLECTION_NAME, COLLECTION_SYMBOL]
    )
    market, _ = _create(
        rpc, account, "Market", ["address", "address", "uint256"], [artwork, payee, fee_bps]
    )
    factory, _ = _create(rpc, account, "VaultFactory", ["address", "address"], [artwork, market])
    feed, _ = _create(
        rpc, account, "PriceFeed", ["address", "string"], [account.address, FEED_DESCRIPTION]
    )
    addresses = Addresses(chain_id, artwork, market, factory, feed, block)
    write_addresses(addresses, state_dir)
    return addresses


def is_deployed(rpc: Rpc, addresses: Addresses) -> bool:
    """Returns whether the chain holds our committed code at every address, wired to each other."""
    places = {
        "Artwork": addresses.artwork,
        "Market": addresses.market,
        "VaultFactory": addresses.vault_factory,
        "PriceFeed": addresses.price_feed,
    }
    codes = rpc.batch([("eth_getCode", [address, "latest"]) for address in places.values()])
    if not all(matches(load(name), code) for name, code in zip(places, codes, strict=True)):
        return False
    links = (
        ("Market", addresses.market, "artwork", addresses.artwork),
        ("VaultFactory", addresses.vault_factory, "artwork", addresses.artwork),
        ("VaultFactory", addresses.vault_factory, "market", addresses.market),
    )
    return all(
        "0x" + read_call(rpc, at, encode_call(name, getter), f"{name}.{getter}")[-20:].hex() == to
        for name, at, getter, to in links
    )


def matches(artifact: ContractArtifact, code: str) -> bool:
    """Returns whether deployed code (0x text) is the artifact's, whatever its immutables hold."""
    deployed = bytearray.fromhex(code.removeprefix("0x"))
    expected = bytearray.fromhex(artifact.runtime.removeprefix("0x"))
    if len(deployed) != len(expected):
        return False
    for start, length in artifact.immutables:
        deployed[start : start + length] = bytes(length)
        expected[start : start + length] = bytes(length)
    return deployed == expected


def _create(
    rpc: Rpc, signer: Signer, name: str, types: list[str], values: list[object]
) -> tuple[str, int]:
    """Deploys one contract; returns its address (lower-case) and its block."""
    data = encode_deployment(load(name).bytecode, types, values)
    receipt = send(rpc, signer, to=None, data=data, what=f"deployment of {name}")
    address = receipt.get("contractAddress")
    if not address:
        message = f"deployment of {name} left no contract behind: {receipt['transactionHash']}"
        raise ContractError(message)
    return str(address).lower(), int(receipt["blockNumber"], 16)
