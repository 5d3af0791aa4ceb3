"""Long campaigns over recorded mainnet: each block reorganised, and 200 kills. Run by `-m slow`."""

import random
from pathlib import Path

import pytest

from tests.forks import fork
from tests.integration.harness import (
    command,
    digest_of,
    index,
    query,
    raisonne_process,
    windows,
    write_blocks,
)
from tests.integration.test_index_resilience import Killer
from tests.node import ReplayNode
from tests.paths import needs_mainnet

pytestmark = [needs_mainnet, pytest.mark.slow, pytest.mark.timeout(7_200)]

AROUND = 3
KILLS = 200


def expected(node: ReplayNode, folder: Path, blocks: list[int]) -> dict[str, str]:
    """Digests of an undisturbed run over the windows around blocks."""
    ranges = write_blocks(folder / "blocks.txt", windows(blocks, before=AROUND, after=1))
    index(folder / "calm.duckdb", node, ranges, "--verify", "off")
    return digest_of(folder / "calm.duckdb")


@pytest.mark.parametrize("chain_id", [1])
def test_each_recorded_block_is_reorganised_at_the_head(tmp_path, recordings, chain_id, capsys):
    """Indexed first on a fork from the block on, with the head at the block + 1; then corrected."""
    store, rolled_back = tmp_path / "market.duckdb", 0
    with ReplayNode(chain_id, recording=recordings[chain_id]) as node:
        whole = node.chain
        blocks = whole.askable_numbers()
        assert len(blocks) >= len(whole.block_numbers()) - 1
        digest = expected(node, tmp_path, blocks)
        whole_head = whole.head
        for number in blocks:
            whole.head = number + 1
            span = f"{number - AROUND}:{number + 2}"
            node.server.methods.chain = fork(whole, number, salt=number, logs="moved")
            index(store, node, span, "--verify", "off")
            node.server.methods.chain = whole
            done = index(store, node, span, "--verify", "off")
            rolled_back += f"rolled back from block {number:,}" in done.out
        whole.head = whole_head
        ranges = write_blocks(tmp_path / "again.txt", windows(blocks, before=AROUND, after=1))
        index(store, node, ranges, "--verify", "off")
    with capsys.disabled():
        print(f"\n{len(blocks)} blocks reorganised, {rolled_back} rollbacks")
    assert rolled_back == len(blocks)
    assert digest_of(store) == digest


def test_two_hundred_kills_lose_and_double_nothing(tmp_path, recordings, capsys):
    """`raisonne index` over the windows of all recorded blocks, killed (-9) at random moments."""
    rng = random.Random(20_260_301)
    kills = stores = 0
    with ReplayNode(1, recording=recordings[1], delay_s=0.004) as node:
        blocks = node.chain.block_numbers()
        digest = expected(node, tmp_path, blocks)
        asked = node.calls["eth_getLogs"]
        ranges = f"@{tmp_path / 'blocks.txt'}"
        while kills < KILLS:
            store = tmp_path / f"killed{stores}.duckdb"
            arguments = command("index", "--rpc-url", node.url, "--blocks", ranges,
                                "--store", store, "--verify", "off", "--max-range", 7)  # fmt: skip
            was_killed = True
            while was_killed:
                killer = Killer(rng.randint(1, max(2, asked // 12)), rng.uniform(0, 0.5))
                node.faults[:] = [killer] if kills < KILLS else []
                was_killed = killer.run(arguments, tmp_path)
                kills += was_killed
            node.faults.clear()
            done = raisonne_process(*arguments[2:], cwd=tmp_path)
            assert done.code == 0, done.err
            assert digest_of(store) == digest
            assert query(store, "SELECT count(*) FROM logs").item() > 0
            stores += 1
    with capsys.disabled():
        print(f"\n{kills} kills over {stores} stores")
