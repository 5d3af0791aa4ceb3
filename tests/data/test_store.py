"""The store keeps rows exactly, once, and never half of a transaction."""

import hashlib
import subprocess
import sys
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import IntegrityError, NotFoundError, UsageError
from data.schema import SCHEMA_VERSION, TABLES
from data.store import Store, StoreBusyError


def payments(*amounts: int, block: int = 5, block_hash: str = "0xaa") -> pl.DataFrame:
    """One leg per amount, keyed by its place."""
    return pl.DataFrame(
        {
            "chain_id": 1,
            "block_number": block,
            "block_hash": block_hash,
            "log_index": 7,
            "item_index": 0,
            "seq": range(len(amounts)),
            "amount_wei": pl.Series([Decimal(a) for a in amounts], dtype=pl.Decimal(38, 0)),
        }
    )


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "market.duckdb") as opened:
        yield opened


def test_appending_the_same_rows_twice_keeps_them_once(store):
    assert store.append("sale_payments", payments(1, 2)) == 2
    assert store.append("sale_payments", payments(1, 2, 3)) == 1
    assert store.read("sale_payments")["amount_wei"].to_list() == [1, 2, 3]


def test_the_same_key_in_another_block_is_another_row(store):
    store.append("sale_payments", payments(1))
    assert store.append("sale_payments", payments(1, block=6, block_hash="0xbb")) == 1


def test_rows_of_blocks_between_the_stored_ones_are_told_from_those_that_are_there(store):
    for block in (5, 9):
        store.append("sale_payments", payments(1, block=block))
    spanning = pl.concat([payments(1, 2, block=block) for block in (4, 5, 7, 9)])
    assert store.append("sale_payments", spanning) == 6
    assert store.append("sale_payments", payments(1, 2, block=7)) == 0
    unplaced = payments(1).with_columns(pl.lit(None, pl.Int64).alias("block_number"))
    assert [store.append("sale_payments", unplaced) for _ in range(2)] == [1, 0]
    assert store.read("sale_payments").height == 9


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10**38 - 1), min_size=1, max_size=5))
def test_amounts_come_back_exact(amounts):
    with Store.open(":memory:") as opened:
        opened.append("sale_payments", payments(*amounts))
        assert [int(v) for v in opened.read("sale_payments")["amount_wei"]] == amounts


def test_a_failing_transaction_leaves_nothing(store):
    def half_then_fail():
        with store.transaction() as transaction:
            transaction.append("sale_payments", payments(1))
            message = "stop here"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="stop here"):
        half_then_fail()
    assert store.read("sale_payments").is_empty()


def test_undoing_a_block_removes_evidence_and_facts_and_cuts_the_ranges(store):
    store.append("sale_payments", payments(1))
    store.append("sale_payments", payments(2, block=9, block_hash="0xcc"))
    spans = {"chain_id": 1, "selection": "s", "from_block": [0, 8], "to_block": [8, 12]}
    store.append("ranges", pl.DataFrame(spans))
    with store.transaction() as transaction:
        transaction.delete_from_block(1, 9)
    assert store.read("sale_payments")["block_number"].to_list() == [5]
    assert store.read("ranges").select("from_block", "to_block").rows() == [(0, 8), (8, 9)]


def test_a_cut_range_forgets_counts_of_the_whole_and_findings_above_the_cut(store):
    spans = {"chain_id": 1, "selection": "s", "from_block": [0, 8], "to_block": [8, 12]}
    store.append("ranges", pl.DataFrame(spans).with_columns(pl.lit(3).alias("blocks_tested")))
    open_spans = {**spans, "from_block": [7, 10], "to_block": [11, 12], "verdict": "unproven"}
    store.append("completeness_findings", pl.DataFrame(open_spans))
    with store.transaction() as transaction:
        transaction.delete_from_block(1, 9)
    assert store.read("ranges")["blocks_tested"].to_list() == [3, None]
    left = store.read("completeness_findings")
    assert left.select("from_block", "to_block").rows() == [(7, 9)]


def test_undoing_a_block_of_one_chain_leaves_the_others(store):
    store.append("sale_payments", payments(1))
    with store.transaction() as transaction:
        transaction.delete_from_block(2, 0)
    assert store.read("sale_payments").height == 1


def test_digest_ignores_the_order_of_arrival_and_sees_one_wei(tmp_path):
    with Store.open(tmp_path / "a.duckdb") as a, Store.open(tmp_path / "b.duckdb") as b:
        a.append("sale_payments", payments(1, 2, 3))
        b.append("sale_payments", payments(1, 2, 3).reverse())
        assert a.digest() == b.digest()
        b.append("sale_payments", payments(4, block=6, block_hash="0xbb"))
        assert a.digest()["sale_payments"] != b.digest()["sale_payments"]


def test_digest_is_the_documented_text_of_every_type(store):
    sale = {"chain_id": 1, "block_number": 7, "block_hash": "0xaa", "log_index": 2, "item_index": 0}
    told = {"block_time": datetime(2024, 1, 2, 3, 4, 5), "marketplace": "Zoë's", "bundle_id": "",
            "price_wei": Decimal(10**37), "is_primary": True, "price_eth": 0.5}  # fmt: skip
    store.append("sales", pl.DataFrame([{**sale, **told}, {**sale, "block_number": 6}]))
    texts = {"block_time": "2024-01-02 03:04:05", "price_wei": str(10**37), "is_primary": "true"}
    whole = hashlib.sha256()
    for row in ({**sale, "block_number": 6}, {**sale, **told, **texts}):
        text = ""
        for name in TABLES["sales"].column_names:
            value = str(row[name]) if name in row else None
            text += "-" if value is None else f"{len(value.encode())}:{value}"
        whole.update(hashlib.sha256(text.encode()).hexdigest().encode())
    assert store.digest()["sales"] == whole.hexdigest()


def test_digest_writes_bytes_in_hex(store):
    log = {"chain_id": 1, "block_number": 7, "block_hash": "0xaa", "log_index": 2}
    store.append("logs", pl.DataFrame([{**log, "data": b"\x00\xff"}]))
    fields = ["1:1", "1:7", "4:0xaa", *"---", "1:2", *"-----", "4:00FF"]
    row_hash = hashlib.sha256("".join(fields).encode()).hexdigest()
    assert store.digest()["logs"] == hashlib.sha256(row_hash.encode()).hexdigest()


def test_digest_tells_null_from_empty_text(tmp_path):
    frames = [payments(1).with_columns(pl.lit(v).alias("source")) for v in (None, "")]
    digests = []
    for number, frame in enumerate(frames):
        with Store.open(tmp_path / f"{number}.duckdb") as opened:
            opened.append("sale_payments", frame.cast({"source": pl.String}))
            digests.append(opened.digest()["sale_payments"])
    assert digests[0] != digests[1]


def test_a_file_is_made_in_the_compact_format_and_keeps_it(tmp_path):
    path = tmp_path / "collector's.duckdb"
    for block in (1, 2):
        with Store.open(path) as opened:
            opened.append("sale_payments", payments(1, block=block))
    with duckdb.connect(str(path)) as connection:
        found = connection.execute(
            "SELECT tags['storage_version'], (SELECT count(*) FROM sale_payments)"
            " FROM duckdb_databases() WHERE NOT internal"
        ).fetchone()
    assert found == ("v1.5.0+", 2)


def test_a_file_of_the_older_format_is_read_and_written(tmp_path):
    path = tmp_path / "older.duckdb"
    duckdb.connect(str(path)).close()
    for block in (1, 2):
        with Store.open(path) as opened:
            opened.append("sale_payments", payments(1, block=block))
    with Store.open(path, read_only=True) as opened:
        assert opened.read("sale_payments").height == 2


def test_a_missing_store_is_not_made_by_a_reader(tmp_path):
    path = tmp_path / "none.duckdb"
    with pytest.raises(NotFoundError, match="raisonne demo"):
        Store.open(path, read_only=True)
    assert not path.exists()


def test_a_store_of_another_version_is_refused_and_left_untouched(tmp_path):
    path = tmp_path / "market.duckdb"
    with Store.open(path) as opened:
        opened.append("sale_payments", payments(1))
        with opened.transaction() as transaction:
            transaction.execute("UPDATE store_meta SET value = '99'")
    with pytest.raises(IntegrityError, match=rf"version 99.*reads {SCHEMA_VERSION}.*--store"):
        Store.open(path)
    rows = duckdb.connect(str(path)).execute("SELECT count(*) FROM sale_payments").fetchone()
    assert rows == (1,)


def test_a_foreign_database_is_refused_and_left_untouched(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    with pytest.raises(IntegrityError, match="no Raisonné store"):
        Store.open(path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("mine",)]


def test_a_store_whose_first_run_was_killed_is_told_from_a_foreign_database(tmp_path):
    path = tmp_path / "market.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(NotFoundError, match="raisonne index"):
        Store.open(path, read_only=True)
    with Store.open(path) as opened:
        assert opened.read("sales").is_empty()


def test_a_file_that_is_no_database_is_refused_and_left_untouched(tmp_path):
    path = tmp_path / "notes.duckdb"
    path.write_text("not a database " * 100)
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match="left untouched"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_store_held_by_another_process_names_it(tmp_path):
    path = tmp_path / "market.duckdb"
    script = (
        "import sys; from data.store import Store; "
        f"s = Store.open({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(StoreBusyError, match=str(holder.pid)):
            Store.open(path)
        holder.stdin.close()


def test_an_unknown_scheme_is_a_usage_error():
    with pytest.raises(UsageError, match="'mysql'"):
        Store.open("mysql://x")


def test_a_run_is_recorded_when_it_ends_and_not_when_it_fails(store):
    with store.run("analyze", rows=3) as run:
        run.details["more"] = 1

    def fail():
        with store.run("analyze"):
            message = "no"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        fail()
    runs = store.read("runs")
    assert runs["run_id"].to_list() == [run.run_id]
    assert runs["details"].item() == '{"more": 1, "rows": 3}'
    assert isinstance(runs["started_at"].item(), datetime)


def test_version_key_changes_with_a_run(store):
    before = store.version_key()
    with store.run("analyze"):
        pass
    assert store.version_key() != before


def test_a_long_transaction_holds_rows_in_the_database_and_not_in_memory(tmp_path):
    script = f"""
import random, re
import polars as pl
from data.store import Store

def peak_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

with Store.open({str(tmp_path / "long.duckdb")!r}) as store, store.transaction() as transaction:
    transaction.execute("SET memory_limit = '100MB'")
    before = peak_mb()
    for block in range(40):
        noise = random.Random(block).randbytes(5_000_000).hex()
        texts = [noise[at : at + 200] for at in range(0, len(noise), 200)]
        rows = pl.DataFrame({{"chain_id": 1, "block_number": block, "block_hash": "0x1",
            "log_index": range(50_000), "item_index": 0, "seq": 0, "source": texts}})
        assert transaction.append("sale_payments", rows) == 50_000
    print(peak_mb() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=100
    )
    written_mb, limit_mb = 400, 100
    assert int(done.stdout) < written_mb + limit_mb


def checkpoint(store: Store) -> None:
    with store.cursor() as cursor:
        cursor.execute("CHECKPOINT")


@pytest.mark.parametrize("is_live", [True, False])
def test_rows_replaced_in_parts_are_packed_for_a_follower_only(tmp_path, is_live):
    path = tmp_path / "market.duckdb"
    with Store.open(path) as store, store.packing() if is_live else nullcontext():
        store.append("sale_payments", payments(*range(150_000)))
        for part in range(12):
            with store.transaction() as transaction:
                old = f"block_number = 5 AND seq % 12 = {part}"
                transaction.execute(f"DELETE FROM sale_payments WHERE {old}")
                transaction.append("sale_payments", payments(*range(12_500), block=100 + part))
            checkpoint(store)
        groups = store.query(
            "SELECT DISTINCT row_group_id FROM pragma_storage_info('sale_payments')"
        ).height
        assert store.read("sale_payments").height == 150_000
    assert (groups <= 4) == is_live
    with Store.open(path) as store:
        assert store.query("SELECT current_setting('max_vacuum_tasks')").item() == 0
        assert store.read("sale_payments").height == 150_000


def test_a_table_that_is_replaced_as_a_whole_takes_no_more_room(store, tmp_path):
    sizes = []
    for _ in range(6):
        store.replace("sale_payments", payments(*range(150_000)))
        checkpoint(store)
        sizes.append((tmp_path / "market.duckdb").stat().st_size)
    assert sizes[-1] <= sizes[1]
