"""What the shared filters ask for, and the sales they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import polars as pl

MAX_ROWS = 1_000
"""Rows of a table on the screen; exports are not cut."""
MAX_DOTS = 10_000
"""Points of a figure; above it the sales are binned."""
SVG_DOTS = 1_000
"""Points up to which a figure is drawn without WebGL."""
MAX_EXTREMES = 2_000
BINS_TIME, BINS_PRICE = 120, 50
THE_BEGINNING = datetime(1970, 1, 1)

WASH = ("flag", "hide", "show")
WINDOWS: dict[str, int | None] = {"7d": 7, "30d": 30, "90d": 90, "1y": 365, "all": None}
RULES = {
    "same_buyer_seller": "Buyer is seller",
    "back_and_forth": "Back and forth",
    "bought_or_sold_3x": "Bought or sold three times",
    "first_funded_by_same_wallet": "Funded by the same wallet",
    "flashloan": "Flash loan",
}
GROUPS = {
    "collection": "collection",
    "style": "coalesce(style, '')",
    "artist": "coalesce(creator, '')",
    "marketplace": "coalesce(marketplace, '')",
}


Parameters = Sequence[Any] | dict[str, Any]


class Source(Protocol):
    """Anything that answers SQL with a frame: a Store, or the dashboard's cached reader."""

    def query(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Rows of a query."""
        ...


@dataclass(frozen=True)
class Scope:
    """What the shared filters ask for: one chain, a window, a currency, and the wash switch."""

    chain_id: int
    since: datetime
    until: datetime
    ccy: str
    wash: str

    @property
    def bound(self) -> dict[str, object]:
        """The parameters of every query over sales."""
        return {
            "chain": self.chain_id,
            "since": self.since,
            "until": self.until,
            "ccy": self.ccy,
            "wash": self.wash,
        }

    def previous(self) -> Scope:
        """The window of the same length just before this one."""
        return Scope(
            self.chain_id, self.since - (self.until - self.since), self.since, self.ccy, self.wash
        )


SALES = """
WITH priced AS (
  SELECT s.chain_id, s.sale_id, s.block_number, s.log_index, s.item_index, s.block_time, s.tx_hash,
    s.collection, s.token_id, s.quantity, s.marketplace, s.protocol, s.version, s.trade_kind,
    s.seller, s.buyer, s.currency, s.price_wei, s.royalty_wei, s.platform_fee_wei,
    coalesce(s.is_primary, false) AS is_primary, s.price_eth, s.price_usd,
    t.style, t.creator, t.name, coalesce(f.is_wash, false) AS flagged,
    f.sale_id IS NOT NULL AS evaluated, f.rules, f.counter_sale_ids,
    f.same_buyer_seller, f.back_and_forth, f.bought_or_sold_3x, f.first_funded_by_same_wallet,
    f.flashloan, CASE WHEN $ccy = 'USD' THEN s.price_usd ELSE s.price_eth END AS price
  FROM sales s
  LEFT JOIN wash_flags f USING (chain_id, sale_id)
  LEFT JOIN tokens t USING (chain_id, collection, token_id)
  WHERE s.chain_id = $chain AND s.block_time > $since AND s.block_time <= $until
), scoped AS (
  SELECT *, price / greatest(coalesce(TRY_CAST(quantity AS DOUBLE), 1), 1) AS unit_price,
    NOT flagged OR $wash = 'show' AS counted, NOT flagged OR $wash <> 'hide' AS drawn
  FROM priced
)
"""
ORDER = "ORDER BY block_number, log_index, item_index"


def scope(chain_id: int, newest_at: datetime, window: str, ccy: str, wash: str) -> Scope:
    """The scope of a window that ends with the newest block, not with the clock of the reader."""
    days = WINDOWS[window]
    since = newest_at - timedelta(days=days) if days else THE_BEGINNING
    return Scope(chain_id, since, newest_at, ccy, wash)
