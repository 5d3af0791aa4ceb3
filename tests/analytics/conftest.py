"""Small real stores: a market of two styles over half a year, and an empty one."""

import numpy as np
import polars as pl
import pytest

from data.store import Store
from tests.analytics import frames
from tests.stores import new_store

DAYS = 24 * 7 + 3  # the index ends on a Thursday: the last week is incomplete


def fill_store(store: Store, *, days: int = DAYS, seed: int = 5) -> None:
    """Rings sell more every week and cost 1 ETH, dots sell less and cost 0.1; one pair washes."""
    rng = np.random.default_rng(seed)
    styles, sold, listed = {}, [], []
    for day in range(days):
        week = day // 7
        for style, rate, price in (("rings", 1 + week / 8, 1.0), ("dots", 3 - week / 12, 0.1)):
            for _ in range(rng.poisson(rate)):
                number = len(styles)
                styles[str(number)] = style
                listed.append(frames.listing(number, str(number), day))
                price_eth = price * float(np.exp(rng.normal(0, 0.2)))
                buyer = f"0x{rng.integers(1, 30):040x}"
                sold.append(frames.sale(number, day + 0.5, price_eth=price_eth, buyer=buyer))
    back = {"token_id": "0", "buyer": "0xb", "seller": sold[0]["buyer"], "price_eth": 50.0}
    sold.append(frames.sale(90_000, 1.6, **back))
    store.append("tokens", frames.tokens(styles))
    store.append("listings", frames.listings(*listed))
    store.append("sales", frames.sales(*sold))
    store.append("royalty_ledger", _ledger(sold[:9]))
    store.append("blocks", _newest_block(days))


def _ledger(sold: list[dict]) -> pl.DataFrame:
    """The artist is owed 5 wei in each sale, and got 3."""
    return pl.DataFrame(
        [
            {"chain_id": frames.CHAIN, "sale_id": row["sale_id"], "recipient": "0xa7",
             "currency": row.get("currency"), "owed_wei": 5, "paid_wei": 3, "gap_wei": 2,
             "status": "partial"}
            for row in sold
        ]
    )  # fmt: skip


def _newest_block(days: int) -> pl.DataFrame:
    return frames.index_times(days).select(
        "chain_id",
        block_number=pl.lit(1_000_000),
        block_hash=pl.lit("0xtip"),
        block_time="indexed_to",
    )


@pytest.fixture
def store(tmp_path):
    with new_store(tmp_path / "market.duckdb") as opened:
        fill_store(opened)
        yield opened


@pytest.fixture
def empty_store(tmp_path):
    with new_store(tmp_path / "empty.duckdb") as opened:
        yield opened


@pytest.fixture(scope="session")
def forecast_store(tmp_path_factory):
    """The market analyzed and forecast once for all readers; nobody writes to it but briefs."""
    from analytics.run import analyze, forecast

    path = tmp_path_factory.mktemp("forecast") / "market.duckdb"
    with Store.open(path) as opened:
        fill_store(opened)
        analyze(opened, ["all"])
        forecast(opened, families=("stats",))
        yield opened
