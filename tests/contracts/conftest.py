"""One local chain with our contracts for all tests of this package."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import chain
from contracts.addresses import Addresses
from contracts.bindings import Contracts, MintRequest
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.rpc import Rpc
from tests.contracts.materials import DATASET, MODEL, PROCESS, register

_counter = itertools.count(1)


@pytest.fixture(scope="session")
def anvil() -> Path:
    try:
        return chain.find_anvil()
    except ChainError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raisonne")


@pytest.fixture(scope="session")
def local(anvil: Path, state_dir: Path) -> Iterator[chain.LocalChain]:
    with chain.local_chain(state_dir=state_dir) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(local: chain.LocalChain, state_dir: Path) -> Addresses:
    deployed = deploy(local.rpc_url, state_dir)
    register(local.rpc_url, state_dir)
    return deployed


@pytest.fixture(scope="session")
def accounts(local: chain.LocalChain) -> list[str]:
    return [account.lower() for account in Rpc(local.rpc_url).call("eth_accounts")]


@pytest.fixture
def user(local: chain.LocalChain, state_dir: Path, addresses: Addresses, accounts: list[str]):
    """Connects one of anvil's accounts by its number; 0 deployed and is the platform."""
    return lambda number: Contracts.connect(local.rpc_url, state_dir, accounts[number])


@pytest.fixture
def request_of(accounts: list[str]):
    """A mint request that no other test made."""

    def make(to: str, **changes) -> MintRequest:
        digest = hashlib.sha256(f"work {next(_counter)}".encode()).digest()
        fields = {
            "to": to, "manifest": digest, "pixel_hash": digest, "model": MODEL,
            "dataset": DATASET, "process": PROCESS, "seed": 2**64 + 1, "royalty_bps": 750,
            "uri": "data:application/json,{}",
        }  # fmt: skip
        return MintRequest(**(fields | changes))

    return make
