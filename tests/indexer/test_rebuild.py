"""Deriving every table again from stored evidence."""

import signal
import subprocess
import sys

import polars as pl
import pytest

from data.errors import IntegrityError
from data.schema import TABLES
from data.store import Store
from indexer.files import load_funding, load_labels, load_prices
from indexer.rebuild import FACTS, LINKS, check, rebuild
from tests.indexer.samples import ALICE, BOB, TRANSFER_BATCH, ZERO, make_log, make_transfer
from tests.indexer.test_run import FIRST, LAST, history, run
from tests.node import ReplayNode

CHAIN = 77


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A store with sales, decode faults, a garbled log, and rows from files."""
    folder = tmp_path_factory.mktemp("rebuild")
    dirty = make_transfer(5, block=LAST + 1, index=0)
    dirty["topics"][1] = "0x" + "ff" * 32
    uneven = make_log(TRANSFER_BATCH, ALICE, ALICE, BOB, [1, 2], [3], block=LAST + 1, index=1)
    (folder / "prices.csv").write_text("currency,time,usd\neth,2020-01-01,1000\n")
    (folder / "funding.csv").write_text(f"address,first_funded_by\n{ALICE},{BOB}\n")
    (folder / "labels.csv").write_text(f"address,label,name\n{BOB},cex,Bob's\n")
    path = folder / "market.duckdb"
    logs = [*history(), dirty, uneven]
    with ReplayNode(CHAIN, logs, head=LAST + 5) as node, Store.open(path) as store:
        load_prices(store, folder / "prices.csv", CHAIN)
        load_funding(store, folder / "funding.csv", CHAIN)
        load_labels(store, folder / "labels.csv", CHAIN)
        run(store, node)
        garbled = {
            "chain_id": CHAIN,
            "block_number": LAST,
            "block_hash": "0x01",
            "item_index": 0,
            "protocol": "",
            "event": "",
            "reason": "no log index",
        }
        store.append("quarantine", pl.DataFrame([garbled]))
    return path


@pytest.fixture
def store(indexed, tmp_path):
    """A copy to spoil."""
    path = tmp_path / "market.duckdb"
    path.write_bytes(indexed.read_bytes())
    with Store.open(path) as opened:
        yield opened


def spoil(store, *statements):
    with store.transaction() as transaction:
        for statement in statements:
            transaction.execute(statement)


def test_the_sample_holds_every_kind_of_row(store):
    assert set(store.read("quarantine")["reason"]) == {
        "from: not a clean address", "ids and values differ in number", "no log index"
    }  # fmt: skip
    for name in ("transfers", "settled_sales", "sale_payments", "prices", "sales", "funding"):
        assert not store.read(name).is_empty(), name


def test_facts_and_links_are_every_derived_table_of_the_digest(store):
    fetched = {name for name in LINKS if TABLES[name].is_fetched}
    assert fetched == {"token_traits"}
    assert {*FACTS, *LINKS, "logs"} - fetched == set(store.digest())


@pytest.mark.parametrize("span_logs", [9, 100_000])
def test_rebuild_changes_nothing_in_a_sound_store(store, span_logs):
    before = store.digest()
    assert check(store, span_logs=span_logs) == []
    done = rebuild(store, span_logs=span_logs)
    assert (done.changed, done.digest, store.digest()) == ((), before, before)
    assert done.logs == store.read("logs").height
    assert done.rows["sales"] == store.read("sales").height


SPOILS = {
    "transfers": "DELETE FROM transfers WHERE block_number % 4 = 0",
    "settled_sales": "UPDATE settled_sales SET price_wei = price_wei + 1 WHERE log_index = 1",
    "sale_payments": "INSERT INTO sale_payments SELECT * FROM sale_payments LIMIT 3",
    "quarantine": "DELETE FROM quarantine WHERE protocol <> ''",
    "sales": "UPDATE sales SET is_primary = NOT coalesce(is_primary, false)",
    "tokens": f"UPDATE tokens SET owner = '{ZERO}'",
    "royalty_ledger": "INSERT INTO royalty_ledger (chain_id, sale_id) VALUES (77, 'none')",
    "lineage_edges": "INSERT INTO lineage_edges (chain_id, block_number) VALUES (77, 3)",
    "metadata_updates": "INSERT INTO metadata_updates (chain_id, block_number) VALUES (77, 3)",
    "listings": "INSERT INTO listings (chain_id, block_number) VALUES (78, NULL)",
    "labels": "INSERT INTO labels (chain_id, source) VALUES (77, 'provenance_events')",
    "prices": "INSERT INTO prices (chain_id, block_number, usd) VALUES (77, 5, 1)",
}


def test_spoiled_tables_are_named_by_check_and_restored_by_rebuild(store):
    before = store.digest()
    spoil(store, *SPOILS.values())
    spoiled = {name for name, digest in store.digest().items() if digest != before[name]}
    assert spoiled == set(SPOILS)
    # `funding` and others stand on facts that are sound; only what differs is named.
    assert {each.table for each in check(store)} == spoiled
    done = rebuild(store)
    assert (set(done.changed), done.digest, store.digest()) == (spoiled, before, before)
    assert check(store) == []


def test_differences_are_counted_as_rows_missing_and_too_many(store):
    spoil(store, "DELETE FROM transfers WHERE block_number = 1000", SPOILS["sale_payments"])
    found = {each.table: (each.missing, each.extra) for each in check(store)}
    assert found["transfers"] == (1, 0)
    assert found["sale_payments"] == (0, 3)
    assert "settled_sales" not in found


def test_rows_of_files_and_garbled_logs_survive(store):
    rebuild(store)
    assert store.read("prices")["source"].to_list() == ["file:prices.csv"]
    assert store.read("funding")["source"].to_list() == ["file:funding.csv"]
    assert store.read("labels")["name"].to_list() == ["Bob's"]
    assert "no log index" in store.read("quarantine")["reason"].to_list()


def test_check_works_on_a_store_that_may_only_be_read(indexed):
    with Store.open(indexed, read_only=True) as store:
        assert check(store) == []


def test_rebuild_leaves_evidence_state_and_signals_alone(store):
    apart = [n for n, t in TABLES.items() if t.kind in ("evidence", "state", "signal")]
    before = {name: store.read(name) for name in apart}
    rebuild(store)
    for name, rows in before.items():
        assert store.read(name).equals(rows), name
    assert store.read("runs")["verb"].to_list() == ["index", "rebuild"]


def test_log_that_no_protocol_reads_stops_the_rebuild_before_any_change(store):
    spoil(store, "UPDATE logs SET topic0 = '0x' || repeat('ab', 32) WHERE block_number = 1000")
    before = store.digest()
    for act in (rebuild, check):
        with pytest.raises(IntegrityError, match=r"2 stored logs of chain 77 .*--state-dir"):
            act(store)
    assert store.digest() == before


def test_interrupted_rebuild_leaves_the_store_as_it_was(store):
    before = store.digest()

    def interrupt(done, *_):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(store, span_logs=20, on_progress=interrupt)
    assert store.digest() == before


KILLED = """
import os, signal, sys
from data.store import Store
from indexer.rebuild import rebuild

left = int(sys.argv[2])

def kill(done, *_):
    global left
    left -= done
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(sys.argv[1]) as store:
    rebuild(store, span_logs=20, on_progress=kill)
"""


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_killed_rebuild_leaves_a_store_that_the_next_one_makes_sound(store, share):
    before = store.digest()
    logs = store.read("logs").height
    spoil(store, *SPOILS.values())
    spoiled = store.digest()
    path = store.target.catalog
    store.close()
    command = [sys.executable, "-c", KILLED, path, str(int(logs * share))]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL
    with Store.open(path) as opened:
        assert opened.digest() == spoiled
        assert rebuild(opened).digest == opened.digest() == before


def test_progress_adds_up_to_all_logs(store):
    told = []
    done = rebuild(store, span_logs=20, on_progress=lambda *report: told.append(report))
    assert told[0][:2] == (0, done.logs)
    assert sum(report[0] for report in told) == done.logs
    assert len(told) > 3


def test_store_of_several_chains_is_rebuilt_chain_by_chain(store):
    other = [make_transfer(9, block=FIRST, index=0)]
    with ReplayNode(78, other, head=FIRST + 3) as node:
        run(store, node, f"{FIRST}:{FIRST + 1}")
    before = store.digest()
    spoil(store, "DELETE FROM transfers")
    rebuild(store, span_logs=10)
    assert store.digest() == before
