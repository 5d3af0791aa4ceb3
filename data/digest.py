"""The digest that proves two stores hold the same rows."""

import hashlib

import duckdb

from data.schema import Column, Table
from data.types import BYTES


def digest_table(cursor: duckdb.DuckDBPyConnection, declared: Table) -> str:
    """SHA-256, in hex, over the rows of a table sorted by key, columns in schema order.

    Columns that depend on documents fetched from outside the chain are left out.

    Every value is written as its canonical text with its length before it, NULL as a dash, so
    that no two different rows share a text. Rows are hashed in the database and folded here one
    batch at a time, which keeps memory flat.
    """
    total = hashlib.sha256()
    # Most tables of most stores are empty, and to plan the sort takes longer than to see it.
    if cursor.execute(f"SELECT 1 FROM {declared.name} LIMIT 1").fetchone() is None:
        return total.hexdigest()
    row_text = ", ".join(_canonical(column) for column in declared.columns if not column.is_fetched)
    order = ", ".join(f"{key} NULLS FIRST" for key in declared.key)
    reader = cursor.execute(
        f"SELECT sha256(concat({row_text})) AS row_hash FROM {declared.name}"
        f" ORDER BY {order}, row_hash"
    ).to_arrow_reader(100_000)
    for batch in reader:
        total.update("".join(batch.column(0).to_pylist()).encode())
    return total.hexdigest()


def _canonical(column: Column) -> str:
    """Length, colon and text of a value, for concat(), which leaves NULL out."""
    name = f'"{column.name}"'
    text = f"hex({name})" if column.type is BYTES else f"{name}::VARCHAR"
    colon = f"CASE WHEN {name} IS NOT NULL THEN ':' END"
    return f"coalesce(strlen({text})::VARCHAR, '-'), {colon}, {text}"
