"""What the simulated artists work with is registered before the market opens."""

from collections.abc import Iterable

from contracts.addresses import Addresses
from contracts.calldata import encode_call
from contracts.client import ChainClient, Tx
from contracts.simulation.agents import Artist
from contracts.simulation.works import named_hash
from data.styles import style_names

_GAS = 200_000
_MODEL, _DATASET, _PROCESS = 1, 2, 3


def register_materials(
    client: ChainClient, addresses: Addresses, registrar: str, artists: Iterable[Artist]
) -> None:
    """Registers each artist's model, a dataset per style and the process, in one block."""
    digests = [
        *((named_hash("artist", artist.name), _MODEL) for artist in artists),
        *((named_hash("style", style), _DATASET) for style in style_names()),
        (named_hash("process", "drawn by the simulated market"), _PROCESS),
    ]
    txs = [
        Tx(
            registrar,
            addresses.registry,
            encode_call("Registry", "register", digest, kind, bytes(32), "", []),
            gas=_GAS,
        )
        for digest, kind in dict(digests).items()
    ]
    latest = client.call("eth_getBlockByNumber", ["latest", False])
    with client.manual_mining():
        client.send_block(txs, int(latest["timestamp"], 16) + 1)
