"""`raisonne index --metadata` on a real chain: what contracts tell becomes tokens and traits."""

import asyncio
import hashlib
import itertools
import json
import threading
import time
from contextlib import contextmanager

import polars as pl
import pytest
from typer.testing import CliRunner

from contracts import chain
from contracts.bindings import Contracts, MintRequest
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.rpc import Rpc
from data.errors import UsageError
from data.schema import table
from data.store import Store
from indexer.link import rebuild_links
from indexer.metadata.cache import Cache
from indexer.metadata.gateways import Gateways
from indexer.metadata.http import Allowance
from indexer.metadata.limits import FetchLimits
from indexer.metadata.options import MetadataOptions, Network
from indexer.rebuild import check, rebuild
from indexer.run import IndexOptions, index
from tests.contracts.materials import DATASET, MODEL, PROCESS, register
from tests.indexer.metadata.site import Blocks, bomb_png, data_uri, png, serve
from tests.integration.emitter import Emitter

pytestmark = pytest.mark.chain

_counter = itertools.count()
QUICK = FetchLimits(connect_s=2, idle_s=2, total_s=5, retry_pause_s=0.01)
DOTS = {"name": "Dots", "attributes": [{"trait_type": "Style", "value": "Dots"}]}


# --- a chain, and contracts on it


class Edition:
    """An ERC-1155 of a few bytes: `uri` and `tokenURI` answer as told, other calls mint."""

    _SINGLE = "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"

    def __init__(self, rpc_url, answer):
        self._rpc = Rpc(rpc_url)
        self._sender = self._rpc.call("eth_accounts")[0]
        # One argument of 32 bytes: a question. Else mint(id, amount) to the caller.
        mint = "6040600060003733600033" + f"7f{self._SINGLE}" + "60406000a400"
        at = 7 + len(mint) // 2
        body = f"3660241460{at:02x}57" + mint + "5b" + answer(at + 1)
        init = f"61{len(body) // 2:04x}80600c6000396000f3"
        self.address = self._send(None, init + body)["contractAddress"]

    def mint(self, token_id, amount=1):
        self._send(self.address, f"{token_id:064x}{amount:064x}")

    def _send(self, to, data):
        call = {"from": self._sender, "data": f"0x{data}", "gas": hex(10_000_000)}
        sent = self._rpc.call("eth_sendTransaction", [{**call, **({"to": to} if to else {})}])
        deadline = time.monotonic() + 20
        while (receipt := self._rpc.call("eth_getTransactionReceipt", [sent])) is None:
            assert time.monotonic() < deadline, "anvil does not mine"
        assert receipt["status"] == "0x1", receipt
        return receipt


def telling(text):
    """Code that answers with a text."""
    raw = text.encode()
    blob = f"{32:064x}{len(raw):064x}" + raw.hex() + "00" * (-len(raw) % 32)

    def code(at):
        size = f"{len(blob) // 2:04x}"
        return f"61{size}61{at + 15:04x}60003961{size}6000f3" + blob

    return code


def reverting(_):
    return "60006000fd"


def endless(at):
    return f"5b60{at:02x}56"


def huge(_):
    return "630030d4006000f3"  # 3.2 million zeros


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    try:
        chain.find_anvil()
    except ChainError as missing:
        pytest.skip(str(missing))
    state_dir = tmp_path_factory.mktemp("chain")
    with chain.local_chain(state_dir=state_dir) as running:
        deploy(running.rpc_url, state_dir)
        register(running.rpc_url, state_dir)
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
    artwork = Contracts.connect(rpc_url, state_dir, account).artwork
    return [
        artwork.mint(
            MintRequest(
                to=account, manifest=digest, pixel_hash=digest, model=MODEL,
                dataset=DATASET, process=PROCESS, seed=1, royalty_bps=0, uri=uri,
            )
        )
        for uri in uris
        for digest in [hashlib.sha256(b"%d %s" % (next(_counter), uri.encode())).digest()]
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


def test_largest_id_of_an_edition_is_put_into_its_uri(fresh, store, tmp_path):
    most = 2**256 - 1
    with site() as web:
        edition = Edition(fresh[0], telling(f"{web.url}/{{id}}.json"))
        web.pages[f"/{most:064x}.json"] = {"name": "The last one"}
        edition.mint(most, 5)
        run(fresh, store, fetching(tmp_path, web))
    assert store.query("SELECT token_id, name FROM tokens").rows() == [(str(most), "The last one")]


@pytest.mark.parametrize("answer", [reverting, endless, huge])
def test_hostile_contract_costs_its_own_tokens_only(fresh, store, tmp_path, answer):
    Edition(fresh[0], answer).mint(1)
    Edition(fresh[0], telling(data_uri({"name": "Honest"}))).mint(1)
    summary = run(fresh, store, fetching(tmp_path)).metadata
    found = store.query("SELECT name, metadata_status FROM tokens ORDER BY name NULLS FIRST").rows()
    assert found == [(None, "refused"), ("Honest", "fetched")]
    assert summary.documents["fetched"] == 1


def test_hostile_names_are_harmless_in_the_tables(fresh, store, tmp_path):
    document = {
        "name": "safe\u202etxt.exe\x00\x1b[31m",
        "attributes": [{"trait_type": "a\u200bb", "value": "c\u2066d"}],
    }
    Edition(fresh[0], telling(data_uri(document))).mint(1)
    run(fresh, store, fetching(tmp_path))
    assert tokens(store, "name") == [("safetxt.exe[31m",)]
    assert store.query("SELECT trait, value FROM token_traits").rows() == [("ab", "cd")]


@pytest.mark.parametrize(
    ("image", "status", "reason"),
    [
        (b"<html><script>alert(1)</script></html>", "refused", "text/html in place of media"),
        (b"what is this", "refused", "bytes of no known type in place of media"),
        (b'{"a": 1}', "refused", "application/json in place of media"),
        (bomb_png(30_000, 30_000), "refused", "an image of more than 36,000,000 pixels"),
        (png()[:50], "refused", "the image cannot be decoded"),
    ],
)
def test_hostile_image_is_refused_and_its_document_kept(
    fresh, store, tmp_path, image, status, reason
):
    with site({"/image": image}) as web:
        mint(fresh, data_uri({**DOTS, "image": f"{web.url}/image"}))
        run(fresh, store, fetching(tmp_path, web))
    ((name, found, text),) = tokens(store, "name, media_status, media_reason")
    assert (name, found) == ("Dots", status)
    assert text.startswith(reason)


def test_svg_is_kept_as_it_came_and_never_drawn(fresh, store, tmp_path):
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"><script>x</script></svg>'
    )
    Edition(fresh[0], telling(data_uri({"name": "Vector", "image_data": svg}))).mint(1)
    metadata = fetching(tmp_path)
    run(fresh, store, metadata)
    ((status, kind, sha256, thumbnail),) = tokens(
        store, "media_status, media_type, media_sha256, thumbnail_sha256"
    )
    assert (status, kind, thumbnail) == ("fetched", "image/svg+xml", None)
    assert Cache(metadata.cache_dir).get(sha256) == svg.encode()


# --- what is not asked


def test_nothing_is_fetched_unless_asked(fresh, store, tmp_path):
    with site({"/1.json": DOTS}) as web:
        mint(fresh, f"{web.url}/1.json")
        run(fresh, store)
        assert web.asked == []
    assert store.read("token_uris").is_empty()
    assert tokens(store, "metadata_status") == [(None,)]


def test_private_address_is_not_asked_without_a_word_of_the_user(fresh, store, tmp_path):
    with site({"/1.json": DOTS}) as web:
        mint(fresh, f"{web.url}/1.json", web.url.replace("http", "https") + "/2.json")
        summary = run(fresh, store, fetching(tmp_path)).metadata
        assert web.asked == []
    assert summary.documents == {"refused: scheme": 1, "refused: private-address": 1}
    (details,) = store.query("SELECT details FROM runs")["details"]
    assert json.loads(details)["metadata"]["documents"] == summary.documents


def test_media_can_be_left_out(fresh, store, tmp_path):
    with site({"/1.png": png()}) as web:
        mint(fresh, data_uri({**DOTS, "image": f"{web.url}/1.png"}))
        run(fresh, store, fetching(tmp_path, web, with_media=False))
        assert web.asked == []
        run(fresh, store, fetching(tmp_path, web))
        assert web.asked == ["/1.png"]
    assert tokens(store) == [("Dots", "dots", "fetched", "fetched")]


# --- again


def test_second_run_asks_for_nothing_that_it_has(fresh, store, tmp_path):
    with site({"/1.json": DOTS, "/1.png": png()}) as web:
        web.pages["/1.json"] = {**DOTS, "image": f"{web.url}/1.png"}
        mint(fresh, f"{web.url}/1.json")
        run(fresh, store, fetching(tmp_path, web))
        assert web.asked == ["/1.json", "/1.png"]
        assert run(fresh, store, fetching(tmp_path, web)).metadata.tokens == 0
        assert len(web.asked) == 2
        run(fresh, store, fetching(tmp_path, web, again=True))
        assert web.asked == ["/1.json", "/1.png"] * 2


def test_what_failed_is_asked_for_by_the_next_run_and_what_was_refused_is_not(
    fresh, store, tmp_path
):
    with site({"/bad.json": b"<html>"}) as web:
        mint(fresh, f"{web.url}/late.json", f"{web.url}/bad.json")
        run(fresh, store, fetching(tmp_path, web))
        assert tokens(store, "metadata_status") == [("failed",), ("refused",)]
        web.pages["/late.json"] = DOTS
        summary = run(fresh, store, fetching(tmp_path, web)).metadata
    assert (summary.tokens, summary.documents) == (1, {"fetched": 1})
    assert tokens(store, "metadata_status") == [("fetched",), ("refused",)]


def test_documents_on_ipfs_wait_for_a_gateway_and_are_verified(fresh, store, tmp_path):
    blocks = Blocks()
    image = blocks.file(png(60, 30), piece=40)
    document = json.dumps({"name": "On IPFS", "image": f"ipfs://{image.key}"}).encode()
    root = blocks.node(1, [("1.json", blocks.raw(document))])
    lie = blocks.raw(b'{"name": "Honest"}')
    mint(fresh, f"ipfs://{root.key}/1.json", f"ipfs://{lie.key}")
    assert run(fresh, store, fetching(tmp_path)).metadata.documents == {
        "waiting: no-ipfs-gateway": 2
    }
    assert run(fresh, store, fetching(tmp_path)).metadata.tokens == 0
    with site({**blocks.pages, f"/ipfs/{lie.key}": b'{"name": "Forged"}'}) as web:
        run(fresh, store, fetching(tmp_path, gateways=Gateways(ipfs=web.url)))
    assert tokens(store) == [
        ("On IPFS", None, "fetched", "fetched"),
        (None, None, "failed", None),
    ]
    proofs = store.query("SELECT DISTINCT verified_by FROM metadata_documents WHERE sha256 <> ''")
    assert proofs.rows() == [("cid",)]


@pytest.mark.parametrize(
    ("first", "last", "name"), [("9", "100", "Revealed"), ("1", "9", "Dots"), ("11", "20", "Dots")]
)
def test_document_that_its_contract_calls_updated_is_read_again(
    fresh, store, tmp_path, first, last, name
):
    with site({"/1.json": {**DOTS, "name": "Dots"}}) as web:
        edition = Edition(fresh[0], telling(f"{web.url}/1.json"))
        edition.mint(10)
        run(fresh, store, fetching(tmp_path, web))
        web.pages["/1.json"] = {**DOTS, "name": "Revealed"}
        assert run(fresh, store, fetching(tmp_path, web)).metadata.tokens == 0
        Rpc(fresh[0]).call("anvil_mine", ["0x2"])
        moved = store.read("transfers").row(0, named=True)
        head = int(Rpc(fresh[0]).call("eth_blockNumber"), 16)
        update = {"from_token_id": first, "to_token_id": last, "block_number": head}
        place = {key: moved[key] for key in ("chain_id", "block_hash", "log_index", "collection")}
        store.append("metadata_updates", pl.DataFrame([{**place, **update, "item_index": 0}]))
        run(fresh, store, fetching(tmp_path, web))
        assert tokens(store, "name") == [(name,)]
        assert run(fresh, store, fetching(tmp_path, web)).metadata.tokens == 0


def test_shared_document_is_asked_for_once_and_a_dead_one_too(fresh, store, tmp_path):
    with site({"/all.json": DOTS}) as web:
        edition = Edition(fresh[0], telling(f"{web.url}/all.json"))
        dead = Edition(fresh[0], telling(f"{web.url}/none.json"))
        for number in range(1, 6):
            edition.mint(number)
            dead.mint(number)
        run(fresh, store, fetching(tmp_path, web, page=2))
        assert sorted(web.asked) == ["/all.json", "/none.json"]
    counts = store.query("SELECT metadata_status, count(*) FROM tokens GROUP BY 1 ORDER BY 1")
    assert counts.rows() == [("failed", 5), ("fetched", 5)]


def test_run_that_was_stopped_goes_on_where_it_ended(fresh, store, tmp_path):
    Edition(fresh[0], telling(data_uri(DOTS))).mint(1)
    uris = [data_uri({"name": f"Work {n}"}) for n in range(7)]
    mint(fresh, *uris)

    class StopError(Exception):
        pass

    def stop(done, total, note):
        if done:
            raise StopError

    with pytest.raises(StopError):
        run(fresh, store, fetching(tmp_path, page=3, on_progress=stop))
    assert store.read("metadata_documents").height == 3
    told = []
    metadata = fetching(tmp_path, page=3, on_progress=lambda *step: told.append(step))
    assert run(fresh, store, metadata).metadata.tokens == 5
    assert [step[:2] for step in told] == [(0, 5), (3, 5), (2, 5)]
    assert "documents" in told[-1][2]
    assert len(tokens(store, "name")) == 8


# --- the store


def test_digest_does_not_depend_on_fetching_and_rebuild_keeps_what_was_fetched(
    fresh, store, tmp_path
):
    with site({"/1.json": DOTS}) as web:
        mint(fresh, f"{web.url}/1.json", data_uri(DOTS))
        run(fresh, store)
        before = store.digest()
        run(fresh, store, fetching(tmp_path, web))
    assert store.digest() == before
    held = {name: store.read(name) for name in ("tokens", "token_traits", "metadata_documents")}
    assert held["token_traits"].height == 2
    assert check(store, state_dir=fresh[1]) == []
    rebuild(store, state_dir=fresh[1])
    for name, rows in held.items():
        assert store.read(name).equals(rows), name


def test_reorg_takes_uris_of_its_blocks_away_and_leaves_documents(fresh, store, tmp_path):
    emitter = Emitter(fresh[0])
    emitter.mine(3)
    mint(fresh, data_uri(DOTS))
    run(fresh, store, fetching(tmp_path))
    assert store.read("token_uris").height == 1
    emitter.reorg(3)
    emitter.mine(2)
    run(fresh, store)
    assert store.read("tokens").is_empty()
    assert store.read("token_uris").is_empty()
    assert store.read("token_traits").is_empty()
    assert store.read("metadata_documents").height == 1
    rebuild_links(store)
    assert store.read("token_traits").is_empty()


# --- the command line


def test_command_line_says_what_was_fetched_and_refused_and_why(fresh, tmp_path):
    from raisonne import app

    rpc_url, state_dir = fresh
    mint(
        fresh,
        data_uri(DOTS),
        "file:///etc/passwd",
        "ipfs://QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
    )
    command = ["index", "--rpc-url", rpc_url, "--store", str(tmp_path / "s.duckdb")]
    command += ["--state-dir", str(state_dir)]
    done = CliRunner().invoke(app, [*command, "--metadata"])
    assert done.exit_code == 0, done.output
    assert "metadata: 3 tokens asked, 3 URIs read" in done.stdout
    assert "documents: 1 fetched; 1 refused: scheme, 1 waiting: no-ipfs-gateway" in done.stdout
    done = CliRunner().invoke(app, [*command, "--metadata", "--json"])
    assert json.loads(done.stdout)["metadata"]["tokens"] == 0
    done = CliRunner().invoke(app, [*command, "--metadata", "--ipfs-gateway", "ipfs.io"])
    assert isinstance(done.exception, UsageError)
    with Store.open(tmp_path / "s.duckdb") as opened:
        assert set(opened.read("token_uris").columns) == set(table("token_uris").column_names)
