"""What a column and a table are, and the columns that many tables share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from data.types import ADDRESS, HASH, INT, TEXT, TIME, UINT256, WEI, LogicalType

Kind = Literal["evidence", "fact", "link", "signal", "record", "state"]


@dataclass(frozen=True)
class Column:
    """One column: name, type, meaning and, where the type does not carry it, its unit.

    `is_fetched` marks what depends on documents that were fetched from outside the chain, or not;
    the digest leaves it out, so that equal logs give equal digests.
    """

    name: str
    type: LogicalType
    meaning: str
    unit: str = ""
    is_fetched: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its kind, meaning, columns in order, and the key that sorts and identifies rows."""

    name: str
    kind: Kind
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @cached_property
    def polars_schema(self) -> dict[str, pl.DataType]:
        """Column names and polars types, in order."""
        return {column.name: column.type.polars for column in self.columns}

    @cached_property
    def column_names(self) -> list[str]:
        """Column names, in order."""
        return [column.name for column in self.columns]

    @property
    def is_fetched(self) -> bool:
        """Whether its very rows depend on documents that were fetched; it has no digest then."""
        return any(column.is_fetched for column in self.columns if column.name in self.key)

    def empty(self) -> pl.DataFrame:
        """An empty frame of the table's columns."""
        return self._empty.clone()

    @cached_property
    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.polars_schema)


CHAIN = Column("chain_id", INT, "Chain, as its eth_chainId")
BLOCK = (
    CHAIN,
    Column("block_number", INT, "Height of the block"),
    Column(
        "block_hash", HASH, "Hash of the block; part of every key, so a re-mined row is another row"
    ),
    Column("block_time", TIME, "Time of the block, UTC"),
)
LOG_PLACE = (
    *BLOCK,
    Column("tx_hash", HASH, "Transaction"),
    Column("tx_index", INT, "Place of the transaction in the block"),
    Column("log_index", INT, "Place of the log in the block"),
)
FACT = (*LOG_PLACE, Column("item_index", INT, "Place within the log, from 0 (batches, bundles)"))
LOG_KEY = ("chain_id", "block_number", "block_hash", "log_index")
FACT_KEY = (*LOG_KEY, "item_index")
PROTOCOL = (
    Column("protocol", TEXT, "Protocol that emitted the event, as in the protocol table"),
    Column("version", TEXT, "Version of the protocol"),
)
TOKEN = (
    Column("collection", ADDRESS, "Contract of the token"),
    Column("token_id", UINT256, "Token within the collection, decimal text"),
)
SPLIT_TOKEN = (
    Column("collection", ADDRESS, "Works that it divides one by one; NULL: it divides all alike"),
    Column("token_id", UINT256, "Work whose payments are meant (0: of none); NULL: all alike"),
)
RUN = Column("run_id", TEXT, "Run that made the row")

_SALE_AMOUNTS = (
    Column("currency", ADDRESS, "Token of payment; the zero address is the chain's native coin"),
    Column(
        "price_wei",
        WEI,
        "Everything the buyer paid, total for the row",
        "smallest unit of currency",
    ),
    Column("proceeds_wei", WEI, "What the seller got", "smallest unit of currency"),
    Column("platform_fee_wei", WEI, "What the marketplace got", "smallest unit of currency"),
    Column("royalty_wei", WEI, "What creators got as royalty", "smallest unit of currency"),
    Column(
        "other_wei", WEI, "All other legs (tips, referrers, lenders)", "smallest unit of currency"
    ),
    Column(
        "residual_wei",
        WEI,
        "price - proceeds - platform fee - royalty - other; NULL when a leg cannot be known",
        "smallest unit of currency",
    ),
    Column("residual_reason", TEXT, "Why the residual is NULL"),
)
SALE = (
    *FACT,
    Column("sale_id", TEXT, "chain:block_hash:log_index:item_index of the sale"),
    Column(
        "bundle_id", TEXT, "sale_id of the first item when several were sold together; else NULL"
    ),
    Column("bundle_size", INT, "Items sold together for one price, 1 for a single sale"),
    Column("marketplace", TEXT, "Venue by fee recipient, else the protocol"),
    *PROTOCOL,
    Column(
        "trade_kind",
        TEXT,
        "listing, bid, collection_bid, auction, private, match, swap or primary_mint",
    ),
    *TOKEN,
    Column("token_standard", TEXT, "erc721 or erc1155"),
    Column("quantity", UINT256, "Units sold, decimal text"),
    Column("seller", ADDRESS, "Economic seller"),
    Column("buyer", ADDRESS, "Economic buyer"),
    Column("maker", ADDRESS, "Who signed or made the order"),
    Column("taker", ADDRESS, "Who took it"),
    Column("aggregator", ADDRESS, "Router in between; NULL if none"),
    *_SALE_AMOUNTS,
    Column("confidence", TEXT, "decoded, inferred or assumed"),
)

METADATA = tuple(
    Column(name, kind, meaning, is_fetched=True)
    for name, kind, meaning in (
        ("metadata_uri", TEXT, "URI without its data; foreign text; NULL where it was not read"),
        ("metadata_status", TEXT, "fetched, refused, waiting or failed; NULL: nobody asked"),
        ("metadata_reason", TEXT, "Why it was not taken"),
        ("metadata_sha256", HASH, "SHA-256 of the document, its name in the cache"),
        ("media_uri", TEXT, "URI of the image without its data; foreign text"),
        ("media_status", TEXT, "As metadata_status, of the image"),
        ("media_reason", TEXT, "Why it was not taken"),
        ("media_sha256", HASH, "SHA-256 of the image file, its name in the cache"),
        ("media_type", TEXT, "What the file is, by its first bytes"),
        ("thumbnail_sha256", HASH, "SHA-256 of a small PNG drawn from it; NULL without one"),
    )
)
