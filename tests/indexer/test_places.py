"""Logs against the headers of their blocks."""

from datetime import datetime, timedelta
from random import Random

import msgspec
import polars as pl
import pytest

from data.errors import RetryableError
from indexer.endpoints import EndpointPool
from indexer.places import listed_transactions, with_times

TIME = datetime(2024, 1, 1)
NOBODY = "0x" + "0" * 64


def logs(tx_hash="0xt1", block_time=TIME):
    row = {"block_number": 7, "block_hash": "0xb7", "tx_hash": tx_hash, "block_time": block_time}
    return pl.DataFrame([row], schema_overrides={"block_time": pl.Datetime("us")})


HEADERS = pl.DataFrame({"block_hash": ["0xb7"], "block_time": [TIME]})
LISTED = pl.DataFrame({"block_hash": ["0xb7"], "tx_hash": ["0xt1"]})


@pytest.fixture
def endpoint():
    return EndpointPool(["http://node.example"], Random(0)).endpoints[0]


def test_times_come_from_headers_where_the_logs_have_none(endpoint):
    timed = with_times(logs(block_time=None), HEADERS, LISTED, endpoint)
    assert timed["block_time"].to_list() == [TIME]
    assert timed.columns == logs().columns


def test_logs_of_a_block_without_a_header_keep_their_time(endpoint):
    timed = with_times(logs(), HEADERS.clear(), LISTED.clear(), endpoint)
    assert timed["block_time"].to_list() == [TIME]


@pytest.mark.parametrize(
    ("odd", "complaint"),
    [
        (logs(block_time=TIME + timedelta(hours=1)), "another time"),
        (logs(tx_hash="0xelse"), "does not list"),
    ],
)
def test_contradiction_is_doubted_until_the_endpoint_insists(odd, complaint, endpoint):
    for _ in range(2):
        with pytest.raises(RetryableError, match=complaint):
            with_times(odd, HEADERS, LISTED, endpoint)
    for _ in range(2):
        assert with_times(odd, HEADERS, LISTED, endpoint)["block_time"].to_list() == [TIME]


def test_consistent_answer_ends_the_doubts(endpoint):
    odd = logs(tx_hash="0xelse")
    for each in (odd, odd, logs(), odd, odd):
        if each is odd:
            with pytest.raises(RetryableError):
                with_times(each, HEADERS, LISTED, endpoint)
        else:
            with_times(each, HEADERS, LISTED, endpoint)


@pytest.mark.parametrize(
    ("odd", "listed"), [(logs(tx_hash=NOBODY), LISTED), (logs(tx_hash="0xelse"), LISTED.clear())]
)
def test_log_of_the_protocol_itself_or_of_an_unlisted_block_is_no_stranger(odd, listed, endpoint):
    with_times(odd, HEADERS, listed, endpoint)
    assert endpoint.odd_answers == 0


def test_transactions_are_listed_by_lower_case_hash():
    blocks = [
        {"hash": "0xAB", "transactions": ["0x1F", "0x2F"]},
        {"hash": "0xCD", "transactions": []},
    ]
    listed = listed_transactions([msgspec.json.encode(block) for block in blocks])
    assert listed.rows() == [("0xab", "0x1f"), ("0xab", "0x2f")]


def test_whole_transactions_in_place_of_hashes_list_nothing():
    block = msgspec.json.encode({"hash": "0xab", "transactions": [{"hash": "0x1"}]})
    listed = listed_transactions([block])
    assert listed.filter(pl.col("tx_hash") == "0x1").is_empty()
