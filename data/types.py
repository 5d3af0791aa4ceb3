"""The logical column types and what they are in DuckDB and polars.

Hashes and addresses are lower-case `0x` text, uint256 identifiers are decimal text, amounts of
wei are exact decimals, times are UTC without an offset.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class LogicalType:
    """One column type: its name in the documentation, in DuckDB and in polars."""

    name: str
    duckdb: str
    polars: pl.DataType


ADDRESS = LogicalType("address", "VARCHAR", pl.String())
HASH = LogicalType("hash", "VARCHAR", pl.String())
TEXT = LogicalType("text", "VARCHAR", pl.String())
JSON = LogicalType("json", "VARCHAR", pl.String())
UINT256 = LogicalType("uint256", "VARCHAR", pl.String())
BYTES = LogicalType("bytes", "BLOB", pl.Binary())
WEI = LogicalType("wei", "DECIMAL(38,0)", pl.Decimal(38, 0))
INT = LogicalType("int", "BIGINT", pl.Int64())
BOOL = LogicalType("bool", "BOOLEAN", pl.Boolean())
FLOAT = LogicalType("float", "DOUBLE", pl.Float64())
TIME = LogicalType("time", "TIMESTAMP", pl.Datetime("us"))
DATE = LogicalType("date", "DATE", pl.Date())
