"""`raisonne index` when it is killed, refused or fed nonsense: one line, a code, no data lost."""

import random
import signal
import socket
import subprocess
import threading

import duckdb
import pytest
from eth_abi import encode

from tests.faults import RangeCap, ResultCap, TooManyRequests
from tests.integration.harness import (
    command,
    digest_of,
    environment,
    index,
    query,
    raisonne,
    raisonne_process,
    windows,
    write_blocks,
)
from tests.integration.oracle import (
    ORDER_FULFILLED,
    SEAPORT,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
)
from tests.node import ReplayNode
from tests.paths import needs_mainnet

CHAIN = 77
SEAPORT_1_5 = "0x00000000000000adc04c56bf30ac9d3c0aaf14dc"
COLLECTION = "0x" + "c0" * 20
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20
NATIVE_COIN = "0x" + "00" * 20


def word(value):
    """32 bytes as hex, of a number or an address."""
    number = value if isinstance(value, int) else int(value, 16)
    return f"0x{number:064x}"


def make_log(index, topics, data=b"", *, block=1_000, address=COLLECTION):
    return {
        "address": address,
        "topics": topics,
        "data": "0x" + data.hex(),
        "blockNumber": hex(block),
        "blockHash": word(0xB10C_0000 + block),
        "blockTimestamp": hex(1_700_000_000 + 12 * block),
        "transactionHash": word(0x7A_0000 + block * 100 + index),
        "transactionIndex": hex(index),
        "logIndex": hex(index),
        "removed": False,
    }


def transfer(index, token, **place):
    return make_log(index, [TRANSFER, word(ALICE), word(BOB), word(token)], **place)


def single(index, data, **place):
    topics = [TRANSFER_SINGLE, word(ALICE), word(ALICE), word(BOB)]
    return make_log(index, topics, data, **place)


def batch(index, data, **place):
    topics = [TRANSFER_BATCH, word(ALICE), word(ALICE), word(BOB)]
    return make_log(index, topics, data, **place)


def listing(index, amount, *, address=SEAPORT_1_5, **place):
    """A Seaport order: token 5 of Alice for an amount of the native coin, bought by Bob."""
    types = [
        "bytes32",
        "address",
        "(uint8,address,uint256,uint256)[]",
        "(uint8,address,uint256,uint256,address)[]",
    ]
    values = [
        index.to_bytes(32, "big"),
        BOB,
        [(2, COLLECTION, 5, 1)],
        [(0, NATIVE_COIN, 0, amount, ALICE)],
    ]
    topics = [ORDER_FULFILLED, word(ALICE), word(0)]
    return make_log(index, topics, encode(types, values), address=address, **place)


def few_transfers():
    return [transfer(0, token, block=1_000 + token) for token in range(1, 40)]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "market.duckdb"


@pytest.fixture
def filled(store):
    """A store with the transfers of 39 blocks."""
    with ReplayNode(CHAIN, few_transfers()) as node:
        index(store, node, "1000:1050")
    return store


def assert_refused(outcome, code, *words):
    """One line on stderr with every word, nothing on stdout, and the documented code."""
    assert outcome.code == code, outcome.err
    lines = [line for line in outcome.err.splitlines() if line.startswith("error")]
    assert len(lines) == 1, outcome.err
    assert "Traceback" not in outcome.err
    for expected in words:
        assert expected in lines[0]


# -- bad input


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_unreachable_endpoint_is_named_with_the_fix(filled):
    before = digest_of(filled)
    url = f"http://127.0.0.1:{closed_port()}"
    outcome = raisonne_process(
        "index", "--rpc-url", url, "--blocks", "1050:1060", "--store", filled, cwd=filled.parent
    )
    assert_refused(outcome, 4, url, "--rpc-url")
    assert digest_of(filled) == before


def test_wrong_chain_is_refused_before_anything_is_written(filled):
    before = digest_of(filled)
    with ReplayNode(CHAIN, few_transfers()) as node:
        outcome = raisonne(
            "index", "--rpc-url", node.url, "--chain", "ethereum", "--blocks", "1050:1060",
            "--store", filled, cwd=filled.parent,
        )  # fmt: skip
        assert node.calls["eth_getLogs"] == 0
    assert_refused(outcome, 4, "ethereum", str(CHAIN), "--chain")
    assert digest_of(filled) == before


def test_right_chain_is_accepted(store, recordings_of_one_block):
    with ReplayNode(1, recordings_of_one_block) as node:
        index(store, node, "1000:1002", "--chain", "ethereum")
    assert query(store, "SELECT chain_id FROM transfers").rows() == [(1,)]


@pytest.fixture
def recordings_of_one_block():
    return [transfer(0, 7, block=1_001)]


def test_store_of_another_version_is_refused_and_left_as_it_is(filled):
    with duckdb.connect(str(filled)) as connection:
        connection.execute("UPDATE store_meta SET value = '999' WHERE name = 'schema_version'")
    content = filled.read_bytes()
    with ReplayNode(CHAIN, few_transfers()) as node:
        outcome = raisonne(
            "index", "--rpc-url", node.url, "--blocks", "1050:1060", "--store", filled,
            cwd=filled.parent,
        )  # fmt: skip
    assert_refused(outcome, 5, "999")
    assert filled.read_bytes() == content


def test_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path):
    notes = tmp_path / "notes.duckdb"
    notes.write_text("not a database\n" * 2_000)
    with ReplayNode(CHAIN, few_transfers()) as node:
        outcome = raisonne(
            "index", "--rpc-url", node.url, "--blocks", "1:2", "--store", notes, cwd=tmp_path
        )
    assert_refused(outcome, 5, "notes.duckdb")
    assert notes.read_text() == "not a database\n" * 2_000


@pytest.mark.parametrize("blocks", ["20:10", "ten:20", "1.5", "@nowhere.txt"])
def test_block_range_that_cannot_be_meant_is_a_usage_error(store, blocks):
    with ReplayNode(CHAIN, few_transfers()) as node:
        outcome = raisonne(
            "index", "--rpc-url", node.url, "--blocks", blocks, "--store", store, cwd=store.parent
        )
    assert_refused(outcome, 2, blocks.removeprefix("@"))
    assert not store.exists() or query(store, "SELECT * FROM ranges").is_empty()


# -- malformed logs


def test_logs_that_cannot_be_decoded_end_in_quarantine_and_the_others_do_not(store):
    lists = ["uint256[]", "uint256[]"]
    whole = encode(lists, [[1, 2], [3, 4]])
    good = [
        transfer(0, 2**256 - 1),
        single(1, encode(["uint256", "uint256"], [2**256 - 1, 2**256 - 1])),
        batch(2, whole),
        listing(3, 10**18),
    ]
    bad = [
        single(4, encode(["uint256"], [1])),
        batch(5, whole[:-32]),
        batch(6, encode(lists, [[1, 2], [3]])),
        batch(7, encode(["uint256", "uint256"], [2**255, 64])),
        batch(8, b""),
        listing(9, 10**38),
    ]
    cut = listing(10, 10**18)
    cut["data"] = cut["data"][:-64]
    bad.append(cut)
    with ReplayNode(CHAIN, [*good, *bad]) as node:
        index(store, node, "1000:1001")
    moved = query(store, "SELECT log_index, token_id, quantity FROM transfers ORDER BY ALL")
    assert moved.rows() == [
        (0, str(2**256 - 1), "1"),
        (1, str(2**256 - 1), str(2**256 - 1)),
        (2, "1", "3"),
        (2, "2", "4"),
    ]
    lost = query(store, "SELECT log_index, reason, data FROM quarantine ORDER BY log_index")
    assert lost["log_index"].unique().sort().to_list() == [4, 5, 6, 7, 8, 9, 10]
    assert lost["reason"].str.len_chars().min() > 0
    kept = {row["log_index"]: row["data"] for row in lost.iter_rows(named=True)}
    assert all(kept[int(x["logIndex"], 16)].hex() == x["data"][2:] for x in bad)
    assert query(store, "SELECT log_index FROM sales").rows() == [(3,)]
    assert query(store, "SELECT count(*) FROM logs").item() == len(good) + len(bad)


def test_seaport_of_every_version_is_read_and_a_fork_is_not(store):
    fork = "0x998ef16ea4111094eb5ee72fc2c6f4e6e8647666"  # Quixotic: same topic, another contract
    addresses = [*SEAPORT, fork]
    logs = [listing(place, 10**18, address=at) for place, at in enumerate(addresses)]
    with ReplayNode(CHAIN, logs) as node:
        index(store, node, "1000:1001")
    found = query(store, "SELECT log_index, version FROM sales WHERE protocol = 'seaport'")
    assert dict(found.rows()) == dict(enumerate(SEAPORT.values()))


@needs_mainnet
@pytest.mark.parametrize("max_range", [1, 1_000])
def test_logs_without_a_block_hash_are_quarantined_once(tmp_path, recordings, max_range):
    """Both recorded ones; a node sends them with every answer, to filters they do not match."""
    store = tmp_path / "market.duckdb"
    with ReplayNode(1, recording=recordings[1]) as node:
        lost = node.chain.malformed
        node.faults.append(lambda name, _, got: got + lost if name == "eth_getLogs" else got)
        index(store, node, "18499998:18500002", "--max-range", max_range)
    hashes = {log["transactionHash"] for log in lost}
    assert len(hashes) == 2
    kept = query(store, "SELECT tx_hash, block_hash, reason FROM quarantine")
    assert set(kept["tx_hash"]) == hashes
    assert kept.height == 2, "one row each, however often the node repeats itself"
    assert kept["reason"].str.contains("block hash").all()
    for table in ("logs", "transfers", "settled_sales"):
        rows = query(store, f"SELECT tx_hash FROM {table}")
        assert rows.height > 0
        assert not set(rows["tx_hash"]) & hashes


# -- endpoints with limits


@pytest.mark.parametrize(
    "fault",
    [ResultCap(5), RangeCap(3), RangeCap(3, message="range limit exceeded"), TooManyRequests(3)],
    ids=["result cap", "range cap", "range cap without a number", "429"],
)
def test_limits_of_an_endpoint_cost_requests_but_no_rows(filled, tmp_path, fault):
    (tmp_path / "limited").mkdir()
    limited = tmp_path / "limited" / "market.duckdb"
    with ReplayNode(CHAIN, few_transfers(), faults=[fault]) as node:
        index(limited, node, "1000:1050")
    assert digest_of(limited) == digest_of(filled)


# -- kills


class Killer:
    """A fault that kills (-9) a process a moment after the node answered so many calls for logs."""

    def __init__(self, calls: int, delay_s: float) -> None:
        self.left, self.delay_s = calls, delay_s
        self.process: subprocess.Popen | None = None

    def __call__(self, method, params, result):
        if method == "eth_getLogs":
            self.left -= 1
            if self.left == 0:
                threading.Timer(self.delay_s, self.process.kill).start()
        return result

    def run(self, arguments, cwd):
        """Runs a command until it ends or is killed; True when it was killed."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(arguments, cwd=cwd, env=environment(), **quiet) as self.process:
            self.process.wait(60)
        return self.process.returncode == -signal.SIGKILL


@needs_mainnet
def test_killed_index_ends_with_the_digest_of_an_undisturbed_run(tmp_path, recordings):
    rng = random.Random(20_260_101)
    with ReplayNode(1, recording=recordings[1], delay_s=0.05) as node:
        ranges = windows(rng.sample(node.chain.block_numbers()[100:600], 48))
        blocks = write_blocks(tmp_path / "blocks.txt", ranges)
        calm, killed = tmp_path / "calm.duckdb", tmp_path / "killed.duckdb"
        index(calm, node, blocks)
        # One transaction would hold all of it: a third is committed before the kills begin.
        index(killed, node, write_blocks(tmp_path / "third.txt", ranges[:16]))
        disturbed = "index", "--rpc-url", node.url, "--blocks", blocks, "--store", killed
        committed = [query(killed, "SELECT count(*) FROM ranges").item()]
        for _ in range(4):
            calls_left = 2 * (len(ranges) - committed[-1])  # two filters for every range
            killer = Killer(rng.randint(1, max(1, calls_left // 2)), rng.uniform(0, 0.5))
            node.faults[:] = [killer]
            if killer.run(command(*disturbed), tmp_path):
                committed.append(query(killed, "SELECT count(*) FROM ranges").item())
        node.faults.clear()
        finished = raisonne_process(*disturbed, cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert committed == sorted(committed), "a kill leaves what was committed before it"
    assert any(0 < done < len(ranges) for done in committed[1:]), "no kill fell between commits"
    assert digest_of(killed) == digest_of(calm)
    assert query(calm, "SELECT count(*) FROM transfers").item() > 100


@needs_mainnet
def test_index_killed_while_it_rebuilds_links_ends_with_the_same_digest(tmp_path, recordings):
    """The last answer is sent; commits and links follow while the process dies."""
    with ReplayNode(1, recording=recordings[1]) as node:
        blocks = write_blocks(tmp_path / "blocks.txt", [(18_499_999, 18_500_002)])
        calm = tmp_path / "calm.duckdb"
        index(calm, node, blocks)
        whole = digest_of(calm)
        n_calls = node.calls["eth_getLogs"]
        for number, delay_s in enumerate((0.0, 0.1)):
            killed = tmp_path / f"killed{number}.duckdb"
            killer = Killer(n_calls, delay_s)
            node.faults[:] = [killer]
            killer.run(
                command("index", "--rpc-url", node.url, "--blocks", blocks, "--store", killed),
                tmp_path,
            )
            node.faults.clear()
            index(killed, node, blocks)
            assert digest_of(killed) == whole, f"killed {delay_s} s after the last answer"
