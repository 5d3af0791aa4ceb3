"""Chainlink's prices: emitted on a node at the aggregators' addresses, and recorded ones."""

import gzip
import json
from datetime import datetime

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.samples import DAVE, ZERO, one
from tests.paths import MAINNET, needs_mainnet

ETH_USD = "0xe62b71cf983019bff55bc83b48601ce8419650cc"
USDC_USD = "0x789190466e21a8b78b8027866cbbdc151542a26c"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
ANSWER = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"

SCENARIO = [
    # 0: ether and a stablecoin
    call(DAVE, log(ANSWER, 1_843_12345678, 1, 1_700_000_000, at=ETH_USD),
         log(ANSWER, 99_990_000, 1, 1_699_999_999, at=USDC_USD)),
    # 1: no price, a negative one, and a time that no calendar shows
    call(DAVE, log(ANSWER, 0, 2, 1_700_000_000, at=ETH_USD),
         log(ANSWER, -5, 3, 1_700_000_000, at=ETH_USD),
         log(ANSWER, 10**11, 4, 2**256 - 1, at=ETH_USD)),
    # 2: a contract that is no aggregator of the list
    call(DAVE, log(ANSWER, 10**11, 5, 1_700_000_000)),
]  # fmt: skip


def test_answers_are_prices_of_whole_units_with_their_time_and_source():
    found = settle_emitted("chainlink")["prices"].filter(pl.col("tx") == 0).sort("log_index")
    assert found["currency"].to_list() == [ZERO, USDC]
    assert found["usd"].to_list() == [1843.12345678, 0.9999]
    assert found["time"].to_list()[0] == datetime(2023, 11, 14, 22, 13, 20)
    assert found["source"].to_list() == [f"feed:{ETH_USD}", f"feed:{USDC_USD}"]


def test_answers_that_are_no_prices_and_other_feeds_are_left_out():
    assert settle_emitted("chainlink")["prices"].filter(pl.col("tx") > 0).is_empty()


@needs_mainnet
def test_recorded_answers_of_other_pairs_price_nothing():
    topic = "0x0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f"
    with gzip.open(MAINNET / "logs.jsonl.gz", "rt") as lines:
        logs = [each for each in map(json.loads, lines) if topic in each["topics"][:1]]
    assert len(logs) == 47
    link_usd = "0xdfd03bfc3465107ce570a0397b247f546a42d0fa"
    told = one(
        pl.DataFrame(
            [each["transactionHash"] for each in logs if each["address"] == link_usd],
            schema={"tx": pl.String},
        )
    )
    assert "prices" not in settle_real(told["tx"])
