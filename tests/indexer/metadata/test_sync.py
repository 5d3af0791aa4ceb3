"""`raisonne index --metadata` on a real chain: what contracts tell becomes tokens and traits."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from contracts import chain
from contracts.bindings import MintRequest, Studio
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.rpc import Rpc
from indexer.metadata.cache import Cache
from indexer.metadata.gateways import Gateways
from indexer.metadata.http import Allowance
from indexer.metadata.limits import FetchLimits
from indexer.metadata.options import MetadataOptions, Network
from indexer.run import IndexOptions, index
from tests.indexer.metadata.site import data_uri, png, serve

pytestmark = pytest.mark.chain

QUICK = FetchLimits(connect_s=2, idle_s=2, total_s=5, retry_pause_s=0.01)
DOTS = {"name": "Dots", "attributes": [{"trait_type": "Style", "value": "Dots"}]}


# --- a chain, and contracts on it


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    try:
        chain.find_anvil()
    except ChainError as missing:
        pytest.skip(str(missing))
    state_dir = tmp_path_factory.mktemp("chain")
    with chain.local_chain(state_dir=state_dir) as running:
        deploy(running.rpc_url, state_dir)
        yield running.rpc_url, state_dir


@pytest.fixture
def fresh(local):
    """The chain as it was right after the deployment."""
    rpc = Rpc(local[0])
    snapshot = rpc.call("evm_snapshot")
    yield local
    rpc.call("evm_revert", [snapshot])


def mint(local, *uris):
    """Works of the studio with these URIs; their ids."""
    rpc_url, state_dir = local
    account = Rpc(rpc_url).call("eth_accounts")[0]
    studio = Studio.connect(rpc_url, state_dir, account)
    return [
        studio.mint(
            MintRequest(
                to=account, manifest=digest, pixel_hash=digest, model=bytes(32),
                dataset=bytes(32), process=bytes(32), seed=1, royalty_recipient=account,
                royalty_bps=0, uri=uri,
            )
        )
        for number, uri in enumerate(uris)
        for digest in [bytes([number + 1]) * 32]
    ]  # fmt: skip


@contextmanager
def site(pages=None):
    """A site that is served from a thread while the indexer runs in this one."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def run():
        done = asyncio.Event()
        async with serve(pages) as running:
            found.extend([running, done])
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(found[1].set)
        thread.join(10)
        loop.close()


def fetching(tmp_path, *sites, gateways=None, **changes):
    allowance = Allowance.of([each.url for each in sites])
    options = {
        "cache_dir": tmp_path / "cache",
        "gateways": gateways or Gateways(),
        "network": Network(QUICK, allowance),
    }
    return MetadataOptions(**{**options, **changes})


def run(local, store, metadata=None, **changes):
    rpc_url, state_dir = local
    return index(store, IndexOptions((rpc_url,), state_dir=state_dir, metadata=metadata, **changes))


def tokens(store, columns="name, style, metadata_status, media_status"):
    return store.query(
        f"SELECT {columns} FROM tokens ORDER BY collection, token_id::UHUGEINT"
    ).rows()


# --- what is read


def test_data_and_http_documents_with_their_images_are_read_from_contracts(fresh, store, tmp_path):
    picture = png(40, 20)
    with site({"/1.json": {**DOTS, "image": "/"}, "/1.png": picture}) as web:
        web.pages["/1.json"] = {**DOTS, "name": "From the web", "image": f"{web.url}/1.png"}
        mint(fresh, data_uri(DOTS), f"{web.url}/1.json")
        # Without the protocol that reads the studio's own events, the contract has to be asked.
        metadata = fetching(tmp_path, web)
        summary = run(fresh, store, metadata, protocols=("erc721",)).metadata
    assert tokens(store) == [
        ("Dots", "dots", "fetched", None),
        ("From the web", "dots", "fetched", "fetched"),
    ]
    assert store.read("token_uris")["method"].to_list() == ["tokenURI", "tokenURI"]
    assert (summary.tokens, summary.documents, summary.media) == (2, {"fetched": 2}, {"fetched": 1})
    (row,) = store.query("SELECT * FROM metadata_documents WHERE kind = 'media'").rows(named=True)
    assert (row["media_type"], row["width"], row["height"]) == ("image/png", 40, 20)
    assert Cache(metadata.cache_dir).get(row["sha256"]) == picture
    traits = store.query("SELECT token_id, trait, value FROM token_traits ORDER BY token_id")
    assert traits.rows() == [("1", "Style", "Dots"), ("2", "Style", "Dots")]


def test_uris_of_events_are_not_asked_of_contracts(fresh, store, tmp_path):
    mint(fresh, data_uri(DOTS))
    run(fresh, store, fetching(tmp_path))
    assert store.read("token_uris")["method"].to_list() == ["event"]
    assert tokens(store) == [("Dots", "dots", "fetched", None)]
