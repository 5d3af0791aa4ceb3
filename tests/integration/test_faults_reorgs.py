"""A reorganisation leaves the tables of a straight run over the chain that won, or exit 5.

The chain is a recorded one near its head: NFT transfers and Seaport sales of two complete mainnet
blocks, and empty blocks between and after. `tests/forks.py` says how its other histories are made.
The default suite takes one of each kind that `tests/indexer/test_reorg.py` does not take already;
`-m slow` takes all.
"""

import pytest

from tests.faults import ChainChange
from tests.forks import fork
from tests.integration.campaign import Truth
from tests.integration.harness import digest_of, query, raisonne, windows, write_blocks
from tests.integration.hasty import hurried
from tests.node import ReplayNode
from tests.paths import needs_mainnet
from tests.quick import quick_and_slow

pytestmark = needs_mainnet

FIRST, LAST = 14_000_003, 14_000_011
"""Complete blocks 14,000,003, -004, -005 and -011: 1,681 logs with 285 NFT transfers."""
WINDOW = 256  # hashes an indexer keeps (reference, section 8)


class World:
    """A node whose chain may change, and what straight runs find on each of its chains."""

    def __init__(self, node, folder):
        self.node, self.folder, self.honest = node, folder, node.chain
        self._truths = {}

    def index(self, store, blocks, *options):
        with hurried():
            return raisonne(
                "index", "--rpc-url", self.node.url, "--blocks", blocks, "--store", store,
                *options, cwd=self.folder,
            )  # fmt: skip

    def straight(self, chain, blocks):
        """The truth of a chain: a run that sees no other."""
        key = id(chain), blocks
        if key not in self._truths:
            before, self.node.chain = self.node.chain, chain
            store = self.folder / f"straight{len(self._truths)}.duckdb"
            assert self.index(store, blocks).code == 0
            self._truths[key] = Truth.of(store)
            self.node.chain = before
        return self._truths[key]


@pytest.fixture(scope="module")
def node(recordings):
    recording = recordings[1].only(range(FIRST, LAST + 1))
    with ReplayNode(1, recording=recording, head=LAST + 4) as replay:
        yield replay


@pytest.fixture
def world(node, tmp_path):
    chain, head = node.chain, node.chain.head
    yield World(node, tmp_path)
    node.faults.clear()
    node.chain = chain
    chain.head = head


NEAR = f"{FIRST - 2}:{LAST + 5}"


def assert_same(store, truth):
    assert digest_of(store) == truth.digest
    blocks = query(store, "SELECT count(*) AS n, count(DISTINCT block_number) AS d FROM blocks")
    assert blocks["n"].item() == blocks["d"].item(), "a block is stored twice"


@pytest.mark.parametrize(
    ("start", "logs"),
    quick_and_slow(
        [(LAST + 4, "kept")],
        [
            (FIRST + 1, "dropped"),
            (LAST, "moved"),
            (LAST + 4, "dropped"),
            (LAST, "kept"),
            (LAST, "dropped"),
            (FIRST + 1, "kept"),
            (FIRST + 1, "moved"),
        ],
    ),
)
def test_reorg_while_stopped_ends_in_the_tables_of_the_new_chain(world, tmp_path, start, logs):
    store = tmp_path / "market.duckdb"
    assert world.index(store, NEAR).code == 0
    world.node.chain = fork(world.honest, start, logs=logs, blocks_later=2)
    outcome = world.index(store, NEAR)
    assert outcome.code == 0, outcome.err
    assert "rolled back" in outcome.out
    assert_same(store, world.straight(world.node.chain, NEAR))


@pytest.mark.slow
def test_double_reorg_while_stopped_leaves_the_last_chain(world, tmp_path):
    store = tmp_path / "market.duckdb"
    assert world.index(store, NEAR).code == 0
    first = fork(world.honest, LAST, logs="dropped")
    for chain in (first, fork(first, LAST - 1, salt=2, logs="kept"), world.honest):
        world.node.chain = chain
        assert world.index(store, NEAR).code == 0
        assert_same(store, world.straight(chain, NEAR))


@pytest.mark.slow
def test_chain_that_became_shorter_loses_the_blocks_that_are_gone(world, tmp_path):
    store = tmp_path / "market.duckdb"
    assert world.index(store, NEAR).code == 0
    world.node.chain = shorter = fork(world.honest, LAST - 1, logs="dropped", head=LAST + 1)
    assert world.index(store, NEAR).code == 0
    assert_same(store, world.straight(shorter, NEAR))
    assert query(store, "SELECT max(block_number) AS n FROM blocks")["n"].item() <= LAST + 1


@pytest.mark.slow
def test_node_that_fell_behind_on_the_same_chain_is_no_reorg(world, tmp_path):
    store = tmp_path / "market.duckdb"
    assert world.index(store, NEAR).code == 0
    world.honest.head = LAST - 1
    outcome = world.index(store, NEAR)
    assert outcome.code == 0
    assert "rolled back" not in outcome.out
    world.honest.head = LAST + 4
    assert_same(store, world.straight(world.honest, NEAR))


def test_transaction_that_was_mined_again_is_there_once_and_in_its_new_place(world, tmp_path):
    store = tmp_path / "market.duckdb"
    assert world.index(store, NEAR).code == 0
    moved = fork(world.honest, LAST, logs="moved", blocks_later=1, indexes_later=5)
    world.node.chain = moved
    before = query(store, f"SELECT tx_hash, log_index FROM transfers WHERE block_number = {LAST}")
    assert world.index(store, NEAR).code == 0
    after = query(
        store,
        "SELECT tx_hash, log_index - 5 AS log_index FROM transfers"
        f" WHERE block_number = {LAST + 1}",
    )
    assert before.height == after.height > 40
    assert before.sort(before.columns).equals(after.sort(after.columns))
    assert query(store, f"SELECT 1 FROM logs WHERE block_number = {LAST}").is_empty()
    assert_same(store, world.straight(moved, NEAR))


@pytest.mark.parametrize("k", quick_and_slow([4], [(3,), (5,), (6,), (7,), (9,)]))
def test_reorg_in_flight_ends_in_the_tables_of_the_new_chain(world, tmp_path, k):
    """The chain changes after the k-th request of a run of ranges of two blocks."""
    store = tmp_path / "market.duckdb"
    new = fork(world.honest, FIRST + 1, logs="moved")
    world.node.faults.append(fault := ChainChange(states=[(k, new)]))
    outcome = world.index(store, NEAR, "--max-range", 2)
    assert fault.fired == 1
    assert outcome.code in (0, 4, 5), outcome.err
    if outcome.code:
        assert world.index(store, NEAR, "--max-range", 2).code == 0
    # blocks committed before the change are compared with the node at the next start
    assert world.index(store, NEAR, "--max-range", 2).code == 0
    assert_same(store, world.straight(new, NEAR))


@pytest.mark.parametrize(
    ("block", "logs"), quick_and_slow([(FIRST, "moved")], [(LAST, "dropped"), (FIRST + 2, "kept")])
)
def test_recorded_block_reorganised_under_the_head_ends_in_the_new_chain(
    world, tmp_path, block, logs
):
    """The node's head is the block after; the fork replaces both, and is one longer."""
    world.honest.head = block + 1
    blocks = write_blocks(tmp_path / "blocks.txt", [(block - 3, block + 4)])
    store = tmp_path / "market.duckdb"
    assert world.index(store, blocks).code == 0
    world.node.chain = fork(world.honest, block, logs=logs, head=block + 2)
    assert world.index(store, blocks).code == 0
    assert_same(store, world.straight(world.node.chain, blocks))


# -- how deep


DEEP = f"{LAST - 1}:{LAST + 1 + 2 * WINDOW}"


@pytest.fixture
def deep_store(world, tmp_path):
    """A store up to the head, with every header of the last 256 blocks."""
    world.honest.head = LAST + 2 * WINDOW
    store = tmp_path / "market.duckdb"
    assert world.index(store, DEEP).code == 0
    return store


@pytest.mark.parametrize("depth", quick_and_slow([WINDOW], [(WINDOW - 1,), (2,)]))
def test_reorg_as_deep_as_the_window_is_rolled_back(world, deep_store, depth):
    head = world.honest.head
    world.node.chain = fork(world.honest, head - depth + 1)
    outcome = world.index(deep_store, DEEP)
    assert outcome.code == 0, outcome.err
    assert_same(deep_store, world.straight(world.node.chain, DEEP))


def test_reorg_deeper_than_the_window_is_refused_and_nothing_is_lost(world, deep_store):
    before = digest_of(deep_store)
    world.node.chain = fork(world.honest, world.honest.head - WINDOW)
    outcome = world.index(deep_store, DEEP)
    assert outcome.code == 5, outcome.out
    assert "--store" in outcome.err or "--from" in outcome.err, "says what to run"
    assert digest_of(deep_store) == before


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("logs", ["kept", "dropped", "moved"])
def test_every_recorded_block_may_be_reorganised_under_the_head(recordings, tmp_path, logs):
    """Each block with NFT logs in turn: head at the block + 1, fork, and a straight run beside."""
    table = []
    with ReplayNode(1, recording=recordings[1]) as node:
        world = World(node, tmp_path)
        chain = world.honest
        for ordinal, block in enumerate(chain.askable_numbers()):
            chain.head, node.chain = block + 1, chain
            ((first, last),) = windows([block], before=3, after=3)
            blocks = write_blocks(tmp_path / "blocks.txt", [(first, last)])
            store = tmp_path / f"{ordinal}.duckdb"
            assert world.index(store, blocks).code == 0
            node.chain = forked = fork(chain, block, logs=logs, head=block + 2)
            code = world.index(store, blocks).code
            straight = tmp_path / f"{ordinal}s.duckdb"
            assert world.index(straight, blocks).code == 0
            table.append((block, code, digest_of(store) == digest_of(straight)))
            assert node.chain is forked
            store.unlink()
            straight.unlink()
    print(f"\n{len(table)} blocks reorganised, {sum(same for *_, same in table)} with one digest")
    assert [row for row in table if row[1] != 0 or not row[2]] == []
