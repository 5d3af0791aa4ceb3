"""Fixtures of the black-box tests: the recorded chains, and a store indexed from them."""

from pathlib import Path

import pytest

from tests.integration.harness import index
from tests.node import ReplayNode
from tests.paths import MAINNET
from tests.recording import Recording


@pytest.fixture(scope="session")
def recordings() -> dict[int, Recording]:
    """Everything recorded, by chain."""
    return Recording.load_all(MAINNET / "logs.jsonl.gz")


@pytest.fixture(scope="session")
def replayed(recordings: dict[int, Recording], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of every chain from its first to its last recorded block, one chain after another."""
    store = tmp_path_factory.mktemp("replay") / "market.duckdb"
    # A sample of the empty blocks would be two million headers.
    widest = "--max-range", 5_000_000, "--verify", "off"
    for chain_id, recording in recordings.items():
        with ReplayNode(chain_id, recording=recording) as node:
            blocks = node.chain.block_numbers()
            index(store, node, f"{blocks[0]}:{blocks[-1] + 1}", *widest)
    return store
