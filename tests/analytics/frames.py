"""Small frames for the tests: trades, sales, tokens and listings, with only what matters named."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from data.schema import TABLES

START = datetime(2024, 1, 1)  # a Monday
CHAIN = 31337
WEI = 10**18


def trades(*rows: dict, chain_id: int | str = 1) -> pl.DataFrame:
    """Trades numbered 0, 1, 2 …, one a day, of token 1 of one collection unless said otherwise."""
    full = [
        {
            "trade_id": f"t{number}",
            "chain_id": chain_id,
            "collection": "0xc0",
            "token_id": "1",
            "token_standard": "erc721",
            "buyer": "0xa",
            "seller": "0xb",
            "block_number": number,
            "tx_hash": f"0x{number}",
            "block_time": START + timedelta(days=number),
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(full, schema_overrides={"trade_id": pl.String, "buyer": pl.String})


def sale(number: int, day: float, **changes) -> dict:
    """One row of `sales`: 1 ETH for token `number`, bought by 0xa from 0xb."""
    price_eth = changes.pop("price_eth", 1.0)
    return {
        "chain_id": CHAIN,
        "block_number": number,
        "block_hash": f"0x{number:064x}",
        "block_time": START + timedelta(days=day),
        "tx_hash": f"0x{number:064x}",
        "tx_index": 0,
        "log_index": 0,
        "item_index": 0,
        "sale_id": f"s{number:05d}",
        "marketplace": "raisonne",
        "collection": "0xc0",
        "token_id": str(number),
        "token_standard": "erc721",
        "quantity": "1",
        "seller": "0xb",
        "buyer": "0xa",
        "price_wei": Decimal(int(price_eth * WEI)) if price_eth is not None else Decimal(5),
        "price_eth": price_eth,
        **changes,
    }


def sales(*rows: dict) -> pl.DataFrame:
    """A `sales` frame with every declared column, the missing ones NULL, plus extra ones given."""
    return _declared("sales", rows)


def tokens(styles: dict[str, str | None], *, minted_day: float = 0.0) -> pl.DataFrame:
    """A `tokens` frame: token_id to style, all minted at one time."""
    rows = [
        {
            "chain_id": CHAIN,
            "collection": "0xc0",
            "token_id": token_id,
            "minted_at": START + timedelta(days=minted_day),
            "style": style,
        }
        for token_id, style in styles.items()
    ]
    return _declared("tokens", rows)


def listing(number: int, token_id: str, day: float, event: str = "listed", **changes) -> dict:
    """One row of `listings`; blocks are numbered far from those of sales."""
    return {
        "chain_id": CHAIN,
        "block_number": 100_000 + number,
        "block_hash": f"0x{100_000 + number:064x}",
        "block_time": START + timedelta(days=day),
        "log_index": 0,
        "item_index": 0,
        "event": event,
        "collection": "0xc0",
        "token_id": token_id,
        "seller": "0xb",
        **changes,
    }


def listings(*rows: dict) -> pl.DataFrame:
    """A `listings` frame with every declared column."""
    return _declared("listings", rows)


def index_times(days: float) -> pl.DataFrame:
    """The index of the test chain reaches so many days after the start."""
    return pl.DataFrame(
        {"chain_id": [CHAIN], "indexed_to": [START + timedelta(days=days)]},
        schema_overrides={"indexed_to": pl.Datetime("us")},
    )


def _declared(name: str, rows) -> pl.DataFrame:
    declared = TABLES[name].polars_schema
    extra = {key for row in rows for key in row} - set(declared)
    frame = pl.DataFrame(
        [{column: row.get(column) for column in (*declared, *extra)} for row in rows],
        schema_overrides=declared,
        infer_schema_length=None,
    )
    return frame if rows else TABLES[name].empty()
