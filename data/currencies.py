"""The one list of currencies whose unit is known, and of the feeds that price them.

`currencies.csv`: native coins (the zero address), tokens that stand for one ether each (WETH, and
the pool in which Blur keeps bids), major stablecoins, wrapped bitcoin; decimals as the contracts
say. `price_feeds.csv`: Chainlink's aggregators. A feed's proxy emits nothing; its aggregator does,
and is replaced now and then, so a feed has several. Addresses are facts out of the public list of
duneanalytics/spellbook (chainlink price feeds), and, for aggregators before and after it, of
repositories that subscribe to their events.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.units import NATIVE

MAX_QUOTE_AGE_S = 172_800
"""Age above which a quote prices nothing: two days, twice the longest pause that a feed allows
itself (stablecoins), so that daily prices of a file count and those of a dead feed do not."""


@dataclass(frozen=True)
class Currency:
    """A currency on a chain. `is_ether`: one unit of it is one ether."""

    chain_id: int
    address: str
    symbol: str
    decimals: int
    is_ether: bool


@dataclass(frozen=True)
class PriceFeed:
    """A contract whose `AnswerUpdated` is the price of a currency in USD."""

    chain_id: int
    aggregator: str
    currency: str
    decimals: int
    pair: str


@cache
def currencies() -> dict[tuple[int, str], Currency]:
    """Currencies by chain and address."""
    found = [
        Currency(
            int(row["chain_id"]),
            row["address"],
            row["symbol"],
            int(row["decimals"]),
            row["is_ether"] == "1",
        )
        for row in _rows("currencies.csv")
    ]
    return {(each.chain_id, each.address): each for each in found}


@cache
def price_feeds() -> tuple[PriceFeed, ...]:
    """The feeds, in the order of the list."""
    return tuple(
        PriceFeed(
            int(row["chain_id"]),
            row["aggregator"],
            row["currency"],
            int(row["decimals"]),
            row["pair"],
        )
        for row in _rows("price_feeds.csv")
    )


def priced_as(currency: Currency) -> str:
    """The currency whose quotes price it: the native coin where both are ether."""
    native = currencies().get((currency.chain_id, NATIVE))
    return NATIVE if currency.is_ether and native and native.is_ether else currency.address


def _rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
