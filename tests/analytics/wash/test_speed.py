"""Speed of the flags at the size of a real marketplace; run by `make bench`."""

import time

import numpy as np
import polars as pl
import pytest

from analytics.wash.score import Evidence, flag_wash_trades
from tests.analytics.frames import START

TRADES = 1_000_000


def market(seed: int = 1) -> pl.DataFrame:
    """A million trades of 300,000 tokens among 200,000 wallets; one in ten goes back and forth."""
    rng = np.random.default_rng(seed)
    tokens, buyers, sellers = (rng.integers(0, top, TRADES) for top in (300_000, 2e5, 2e5))
    back = rng.random(TRADES) < 0.05
    back[0] = False
    earlier = np.flatnonzero(back) - 1
    tokens[back] = tokens[earlier]
    buyers[back], sellers[back] = sellers[earlier], buyers[earlier]
    return pl.DataFrame(
        {"number": np.arange(TRADES), "token": tokens, "buyer": buyers, "seller": sellers}
    ).select(
        trade_id=pl.format("1:0x{}:0", "number"),
        chain_id=pl.lit(1),
        collection=pl.format("0x00000000000000000000000000000000000000{}", pl.col("token") % 90),
        token_id=pl.col("token").cast(pl.String),
        token_standard=pl.lit("erc721"),
        buyer=pl.format("0x0000000000000000000000000000000000{}", "buyer"),
        seller=pl.format("0x0000000000000000000000000000000000{}", "seller"),
        block_number="number",
        tx_hash=pl.format("0x{}", "number"),
        block_time=pl.lit(START),
    )


@pytest.mark.benchmark
def test_a_million_trades_are_flagged_within_a_minute(capsys):
    trades = market()
    funding = trades.select(address="buyer", first_funded_by="seller").unique("address")
    started = time.perf_counter()
    flags = flag_wash_trades(trades, Evidence(funding))
    elapsed_s = time.perf_counter() - started
    with capsys.disabled():
        print(
            f"\n1,000,000 trades flagged in {elapsed_s:.1f} s, {flags['is_wash'].mean():.1%} wash"
        )
    assert flags.height == TRADES
    assert flags["back_and_forth"].mean() > 0.05
    assert elapsed_s < 60
