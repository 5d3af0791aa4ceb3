"""Fixtures that several packages share."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from contracts.chain import local_chain
from tests.spread import share_out

# A busy machine is slow, not wrong: what must be fast is measured by benchmarks.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shares the tests out, where several workers run them; before xdist reads the marks."""
    if hasattr(config, "workerinput"):
        share_out(items)


@dataclass(frozen=True)
class DemoStore:
    """A store that was really indexed from a chain that was really traded on."""

    path: Path
    state_dir: Path
    rpc_url: str
    seconds: float


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory) -> Iterator[DemoStore]:
    """Thirty days of the simulated market, indexed and analysed; its chain still runs."""
    from analytics.run import analyze
    from contracts.simulation.run import simulate
    from data.store import Store
    from indexer.run import IndexOptions, index

    started = time.monotonic()
    folder = tmp_path_factory.mktemp("demo")
    state_dir, path = folder / "state", folder / "market.duckdb"
    with local_chain(state_dir=state_dir) as chain:
        simulate(chain.rpc_url, days=30, seed=7, state_dir=state_dir, on_progress=ignore)
        with Store.open(path) as store:
            index(store, IndexOptions((chain.rpc_url,), state_dir=state_dir))
            analyze(store, ["all"])
        yield DemoStore(path, state_dir, chain.rpc_url, time.monotonic() - started)


def ignore(*_: object) -> None:
    """Reports progress to nobody."""
