"""Parquet files, cryo's and our own, become the same tables as a node's answers."""

import polars as pl
import pytest

from data.errors import IntegrityError, NotFoundError, UsageError
from data.schema import table
from data.store import Store
from data.tabular import write_table
from indexer.errors import ReorgError
from indexer.parquet import open_folder
from indexer.parquet_run import index_parquet
from indexer.run import IndexOptions
from tests.indexer.samples import ALICE, BOB, block_hash, make_transfer
from tests.indexer.test_run import CHAIN, FIRST, LAST, header, history, run, serve

END = LAST + 1
TOPICS = ("topic0", "topic1", "topic2", "topic3")
# Schemas of files that cryo 0.3.2 wrote from a local node.
LOG_SCHEMA = {
    "block_number": pl.UInt32,
    "transaction_index": pl.UInt32,
    "log_index": pl.UInt32,
    "transaction_hash": pl.Binary,
    "address": pl.Binary,
    **dict.fromkeys(TOPICS, pl.Binary),
    "data": pl.Binary,
    "chain_id": pl.UInt64,
}
BLOCK_SCHEMA = {
    "block_hash": pl.Binary,
    "author": pl.Binary,
    "block_number": pl.UInt32,
    "gas_used": pl.UInt64,
    "extra_data": pl.Binary,
    "timestamp": pl.UInt32,
    "base_fee_per_gas": pl.UInt64,
    "chain_id": pl.UInt64,
}


def raw(text):
    return None if text is None else bytes.fromhex(text[2:])


def cryo_log(log, chain_id=CHAIN):
    topics = dict(zip(TOPICS, [*log["topics"], None, None, None, None], strict=False))
    return {
        "block_number": int(log["blockNumber"], 16),
        "transaction_index": int(log["transactionIndex"], 16),
        "log_index": int(log["logIndex"], 16),
        "transaction_hash": raw(log["transactionHash"]),
        "address": raw(log["address"]),
        **{name: raw(topic) for name, topic in topics.items()},
        "data": raw(log["data"]),
        "chain_id": chain_id,
    }


def cryo_block(number, fork=0):
    head = header(number, fork)
    return {
        "block_hash": raw(head["hash"]),
        "author": bytes(20),
        "block_number": number,
        "gas_used": 0,
        "extra_data": b"",
        "timestamp": int(head["timestamp"], 16),
        "base_fee_per_gas": 7,
        "chain_id": CHAIN,
    }


def as_hex(frame):
    """What cryo writes with --hex."""
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    return frame.with_columns(
        pl.concat_str(pl.lit("0x"), pl.col(name).bin.encode("hex")).alias(name) for name in binary
    )


def write_cryo(folder, start, end, *, hexed=False, logs=None, with_blocks=True, fork=0):
    """The files of one chunk of blocks, as cryo names them."""
    folder.mkdir(exist_ok=True)
    chosen = [
        cryo_log(log)
        for log in (history() if logs is None else logs)
        if start <= int(log["blockNumber"], 16) < end
    ]
    frames = {"logs": pl.DataFrame(chosen, schema=LOG_SCHEMA)}
    if with_blocks:
        blocks = [cryo_block(number, fork) for number in range(start, end)]
        frames["blocks"] = pl.DataFrame(blocks, schema=BLOCK_SCHEMA)
    for name, frame in frames.items():
        path = folder / f"network_{CHAIN}__{name}__{start:08}_to_{end - 1:08}.parquet"
        (as_hex(frame) if hexed else frame).write_parquet(path)


def read(path, folder, **options):
    """Digest of a store made of a folder, and the summary of the run."""
    limits = {name: options.pop(name) for name in ("piece_logs",) if name in options}
    with Store.open(path) as store:
        summary = index_parquet(store, folder, IndexOptions((), **options), **limits)
        return store.digest(), summary


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A store of the history, indexed from a node."""
    path = tmp_path_factory.mktemp("node") / "market.duckdb"
    with serve() as node, Store.open(path) as store:
        run(store, node, f"{FIRST}:{END}")
    return path


@pytest.fixture(scope="module")
def wanted(straight):
    with Store.open(straight, read_only=True) as store:
        return store.digest()


@pytest.mark.parametrize("hexed", [False, True], ids=["binary", "hex"])
@pytest.mark.parametrize("piece_logs", [20, 1_000_000])
def test_files_of_cryo_give_the_tables_of_a_node(tmp_path, wanted, hexed, piece_logs):
    for start in range(FIRST, END, 20):
        write_cryo(tmp_path / "cryo", start, min(start + 20, END), hexed=hexed)
    digest, summary = read(tmp_path / "s.duckdb", tmp_path / "cryo", piece_logs=piece_logs)
    assert digest == wanted
    assert (summary.chain_id, summary.blocks, summary.logs) == (CHAIN, END - FIRST, len(history()))


def test_our_own_export_gives_the_tables_it_was_made_of(tmp_path, straight, wanted):
    (tmp_path / "own").mkdir()
    with Store.open(straight, read_only=True) as store:
        write_table(store.read("logs"), tmp_path / "own" / "anything.parquet")
        digest, _ = read(tmp_path / "logs_alone.duckdb", tmp_path / "own")
        assert digest == wanted
        for name in ("blocks", "ranges", "quarantine", "transactions"):
            write_table(store.read(name), tmp_path / "own" / f"{name}.parquet")
    digest, summary = read(tmp_path / "all.duckdb", tmp_path / "own", piece_logs=30)
    assert (digest, summary.blocks) == (wanted, END - FIRST)


def test_traces_and_reads_come_along_with_an_export(tmp_path, straight):
    (tmp_path / "own").mkdir()
    with Store.open(straight, read_only=True) as store:
        write_table(store.read("logs"), tmp_path / "own" / "logs.parquet")
        log = store.read("logs").row(0, named=True)
    beside = {
        "value_traces": {
            "place": 0, "trace_address": "", "call_type": "call", "from_address": ALICE,
            "to_address": BOB, "value_wei": 7, "input": None,
        },
        "contract_reads": {
            "contract": ALICE, "input": b"\x01", "output": b"\x02", "error": None,
        },
    }  # fmt: skip
    for name, values in beside.items():
        row = {key: log[key] for key in table(name).column_names if key in log} | values
        frame = pl.DataFrame([row], schema=table(name).polars_schema)
        write_table(frame, tmp_path / "own" / f"{name}.parquet")
        beside[name] = frame
    read(tmp_path / "s.duckdb", tmp_path / "own")
    with Store.open(tmp_path / "s.duckdb", read_only=True) as store:
        for name, frame in beside.items():
            assert store.read(name).equals(frame), name


def test_single_file_of_logs_may_be_named(tmp_path, straight, wanted):
    with Store.open(straight, read_only=True) as store:
        write_table(store.read("logs"), tmp_path / "logs.parquet")
    assert read(tmp_path / "s.duckdb", tmp_path / "logs.parquet")[0] == wanted


def test_ranges_say_where_they_come_from_and_are_read_once(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, FIRST + 10)
    write_cryo(tmp_path / "cryo", FIRST + 20, FIRST + 30)
    path = tmp_path / "s.duckdb"
    first, summary = read(path, tmp_path / "cryo")
    assert summary.blocks == 20
    again, summary = read(path, tmp_path / "cryo")
    assert (again, summary.blocks) == (first, 0)
    with Store.open(path) as store:
        rows = store.read("ranges")
    assert rows.select("from_block", "to_block", "verified_by", "endpoint").rows() == [
        (FIRST, FIRST + 10, "parquet", "parquet:cryo"),
        (FIRST + 20, FIRST + 30, "parquet", "parquet:cryo"),
    ]
    assert rows["tip_hash"].to_list() == [block_hash(FIRST + 9), block_hash(FIRST + 29)]


def test_node_fills_what_files_left_open(tmp_path, wanted):
    write_cryo(tmp_path / "cryo", FIRST + 10, FIRST + 30)
    path = tmp_path / "s.duckdb"
    assert read(path, tmp_path / "cryo")[0] != wanted
    with serve() as node, Store.open(path) as store:
        summary = run(store, node, f"{FIRST}:{END}")
        assert summary.blocks == END - FIRST - 20
        assert store.digest() == wanted


def test_blocks_restrict_what_is_read(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, END)
    options = {"blocks": (f"{FIRST + 3}:{FIRST + 7}",)}
    _, summary = read(tmp_path / "s.duckdb", tmp_path / "cryo", **options)
    assert summary.blocks == 4


def test_overlapping_files_count_every_log_once(tmp_path, wanted):
    write_cryo(tmp_path / "cryo", FIRST, END)
    write_cryo(tmp_path / "cryo", FIRST + 5, FIRST + 25, hexed=True)
    assert read(tmp_path / "s.duckdb", tmp_path / "cryo")[0] == wanted


def test_logs_without_their_blocks_are_refused_with_the_cure(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, END, with_blocks=False)
    with pytest.raises(UsageError, match=f"block {FIRST} has logs.*cryo's dataset `blocks`"):
        read(tmp_path / "s.duckdb", tmp_path / "cryo")


def test_files_of_two_forks_are_refused(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, FIRST + 10)
    write_cryo(tmp_path / "cryo", FIRST + 8, FIRST + 12, fork=1)
    with pytest.raises(IntegrityError, match=f"block {FIRST + 8} of two forks"):
        read(tmp_path / "s.duckdb", tmp_path / "cryo")


def test_files_of_another_fork_than_the_store_are_refused(tmp_path):
    write_cryo(tmp_path / "a", FIRST, FIRST + 10)
    write_cryo(tmp_path / "b", FIRST + 10, FIRST + 12)
    with serve(fork_from=FIRST + 8) as node, Store.open(tmp_path / "s.duckdb") as store:
        run(store, node, f"{FIRST + 8}:{FIRST + 10}")
        with pytest.raises(ReorgError, match=f"another block {FIRST + 8} than the store"):
            index_parquet(store, tmp_path / "a", IndexOptions(()))
        index_parquet(store, tmp_path / "b", IndexOptions(()))


def test_export_of_another_selection_is_refused(tmp_path, straight):
    with Store.open(straight, read_only=True) as store:
        for name in ("logs", "ranges"):
            write_table(store.read(name), tmp_path / f"{name}.parquet")
    with pytest.raises(UsageError, match="another selection"):
        read(tmp_path / "s.duckdb", tmp_path, protocols=("erc721",))


def test_files_of_several_chains_ask_for_one(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, END)
    other = pl.DataFrame([cryo_log(make_transfer(1), chain_id=5)], schema=LOG_SCHEMA)
    other.write_parquet(tmp_path / "cryo" / "network_5__logs__100_to_100.parquet")
    with pytest.raises(UsageError, match="chain 5, 77; name one with --chain"):
        read(tmp_path / "s.duckdb", tmp_path / "cryo")
    with pytest.raises(UsageError, match="not of ethereum"):
        read(tmp_path / "s.duckdb", tmp_path / "cryo", chain="ethereum")
    assert read(tmp_path / "s.duckdb", tmp_path / "cryo", chain="77")[1].chain_id == CHAIN


def test_folder_without_logs_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="does not exist"):
        open_folder(tmp_path / "none")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(NotFoundError, match="holds no file of logs"):
        open_folder(tmp_path)
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(UsageError, match=r"text\.parquet is no Parquet file"):
        open_folder(tmp_path)


def test_files_that_are_not_read_and_missing_transactions_are_told(tmp_path):
    write_cryo(tmp_path / "cryo", FIRST, FIRST + 2)
    options = IndexOptions((), state_dir=tmp_path)
    told = []
    with Store.open(tmp_path / "s.duckdb") as store:
        index_parquet(store, tmp_path / "cryo", options, on_notice=told.append)
        assert told == []
        pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "cryo" / "other.parquet")
        index_parquet(store, tmp_path / "cryo", options, on_notice=told.append)
        assert told == ["1 files are neither cryo's nor our own, and not read: other.parquet"]
    as_local_chain(tmp_path / "cryo")
    with Store.open(tmp_path / "local.duckdb") as store:
        index_parquet(store, tmp_path / "cryo", options, on_notice=told.append)
    assert told[-1].startswith("no file of transactions")


def as_local_chain(folder):
    """Makes the files those of chain 31337."""
    for path in folder.glob("network_*"):
        pl.read_parquet(path).with_columns(chain_id=pl.lit(31_337)).write_parquet(path)


def test_transactions_of_the_local_chain_give_its_funding(tmp_path):
    transactions = pl.DataFrame(
        {
            "block_number": [FIRST, FIRST + 1],
            "transaction_index": [0, 0],
            "transaction_hash": [bytes(31) + b"\x01", bytes(31) + b"\x02"],
            "from_address": [b"\xa1" * 20, b"\xb0" * 20],
            "to_address": [b"\xb0" * 20, None],
            "value_binary": [(5 * 10**18).to_bytes(32, "big"), bytes(32)],
            "value_string": ["5000000000000000000", "0"],
            "input": [b"", b"\x60"],
            "chain_id": [31_337, 31_337],
        }
    )
    write_cryo(tmp_path / "cryo", FIRST, FIRST + 2)
    as_local_chain(tmp_path / "cryo")
    for form in ("value_binary", "value_string"):
        transactions.drop(form).write_parquet(tmp_path / "cryo" / "transactions.parquet")
        path = tmp_path / f"{form}.duckdb"
        read(path, tmp_path / "cryo", state_dir=tmp_path)
        with Store.open(path) as store:
            funding = store.read("funding")
            values = store.read("transactions")["value_wei"].to_list()
        assert funding.select("address", "first_funded_by").rows() == [
            ("0x" + "b0" * 20, "0x" + "a1" * 20)
        ]
        assert [int(value) for value in values] == [5 * 10**18, 0]
    transactions.drop("value_binary", "value_string").write_parquet(
        tmp_path / "cryo" / "transactions.parquet"
    )
    with pytest.raises(UsageError, match="no exact value"):
        read(tmp_path / "none.duckdb", tmp_path / "cryo", state_dir=tmp_path)
