import json

import polars as pl
import pytest

from data.errors import RetryableError
from data.schema import table
from indexer.evidence import parse_full_blocks, parse_headers, parse_logs
from tests.indexer.samples import ALICE, BOB, block_hash, make_transfer, one, tx_hash


def parse(*logs):
    return parse_logs([json.dumps(logs).encode()], 1)


def header(number, **fields):
    return {
        "number": hex(number),
        "hash": block_hash(number),
        "parentHash": block_hash(number - 1),
        "timestamp": hex(1_700_000_000 + 12 * number),
        "logsBloom": "0x" + "00" * 256,
        **fields,
    }


def test_log_becomes_a_row_of_the_table_in_lower_case():
    raw = make_transfer(5, block=7, index=3, tx=9, tx_index=2)
    raw["address"] = raw["address"].upper().replace("0X", "0x")
    row = one(parse(raw).logs)
    assert list(row) == table("logs").column_names
    assert (row["block_number"], row["log_index"], row["tx_index"]) == (7, 3, 2)
    assert (row["block_hash"], row["tx_hash"]) == (block_hash(7), tx_hash(9))
    assert row["address"] == make_transfer(5)["address"]
    assert row["topic3"] == f"0x{5:064x}"
    assert row["data"] == b""
    assert row["block_time"].timestamp() != 0


def test_log_without_a_time_keeps_null_for_the_header_to_fill():
    raw = make_transfer(5)
    del raw["blockTimestamp"]
    assert one(parse(raw).logs)["block_time"] is None


def test_removed_logs_and_duplicates_are_dropped():
    kept = make_transfer(1, index=0)
    removed = make_transfer(2, index=1) | {"removed": True}
    parsed = parse(kept, removed, kept)
    assert parsed.logs.height == 1
    assert parsed.malformed.is_empty()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("blockHash", None, "no block hash"),
        ("blockHash", "0x12", "no block hash"),
        ("logIndex", None, "no log index"),
        ("blockNumber", None, "no block number"),
        ("transactionHash", None, "no transaction hash"),
        ("transactionIndex", None, "no transaction index"),
        ("address", None, "no address"),
        ("topics", ["0x01"], "topics are malformed"),
        ("topics", None, "topics are malformed"),
        ("topics", ["0x" + "11" * 32] * 5, "topics are malformed"),
        ("topics", ["0x" + "11" * 32, None], "topics are malformed"),
        ("data", "0xzz", "data are no hex"),
        ("data", "0x123", "data are no hex"),
        ("data", None, "data are no hex"),
        ("logIndex", "0x" + "f" * 20, "no log index"),
    ],
)
def test_log_that_cannot_be_placed_is_kept_in_quarantine(field, value, reason):
    parsed = parse(make_transfer(1, index=0), make_transfer(2, index=1) | {field: value})
    assert parsed.logs.height == 1
    row = one(parsed.malformed)
    assert row["reason"] == reason
    assert list(row) == table("quarantine").column_names


def test_several_logs_without_an_index_stay_apart_whatever_their_order():
    logs = [make_transfer(n) | {"logIndex": None, "blockHash": None} for n in (3, 1, 2, 1)]
    forth, back = parse(*logs).malformed, parse(*reversed(logs)).malformed
    assert forth["item_index"].to_list() == [0, 1, 2]
    assert forth.equals(back)


@pytest.mark.parametrize("answer", [b"5", b'"x"', b"[1]", b"{"])
def test_what_is_no_list_of_logs_is_asked_for_again(answer):
    with pytest.raises(RetryableError, match="no list of logs"):
        parse_logs([answer], 1)


def test_null_block_is_a_node_behind_the_tip():
    good = json.dumps(header(5)).encode()
    assert parse_headers([good], 1)["block_hash"].to_list() == [block_hash(5)]
    with pytest.raises(RetryableError, match="behind the tip"):
        parse_headers([good, b"null"], 1)


def test_block_without_a_hash_is_refused():
    with pytest.raises(RetryableError, match="lacks"):
        parse_headers([json.dumps(header(5, hash=None)).encode()], 1)


def transaction(place, **fields):
    return {
        "hash": tx_hash(place),
        "transactionIndex": hex(place),
        "from": ALICE,
        "to": BOB,
        "value": "0x10",
        "input": "0x",
        **fields,
    }


def test_transactions_of_a_block_are_read_with_exact_values():
    listed = [
        transaction(0),
        transaction(1, value="0x0", to=None, input="0x6001"),
        transaction(2, value=hex(10**38 - 1)),
    ]
    raw = json.dumps(header(5, transactions=listed)).encode()
    empty = json.dumps(header(6, transactions=[])).encode()
    headers, transactions, aside = parse_full_blocks([raw, empty], 31_337)
    assert headers["block_number"].to_list() == [5, 6]
    assert [int(value) for value in transactions["value_wei"]] == [16, 0, 10**38 - 1]
    assert transactions["to_address"].to_list() == [BOB, None, BOB]
    assert transactions["input"].to_list() == [b"", b"\x60\x01", b""]
    assert aside.is_empty()


def test_value_above_38_digits_is_named_not_truncated():
    raw = json.dumps(header(5, transactions=[transaction(0, value=hex(2**255))])).encode()
    _, transactions, aside = parse_full_blocks([raw], 31_337)
    assert transactions["value_wei"].to_list() == [None]
    assert one(aside)["reason"] == "value above 38 digits"
    assert aside.schema == pl.Schema(table("quarantine").polars_schema)
