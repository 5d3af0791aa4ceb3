"""Every table and column of the store, declared once.

The store creates its tables from this module, writers take their frame schemas from it, and
documentation and tests read it. Kinds of table:

- evidence: what the chain said; deleted with its block in a reorg.
- fact: derived from the evidence of one transaction; append-only, deleted with its block.
- link: SQL over facts, rebuilt as a whole; independent of the order in which ranges arrived.
- signal: computed by analytics, replaced as a whole with the run that made it.
- record: append-only, never rebuilt.
- state: what tells about the fetching and the store itself.
"""

import polars as pl

from data.errors import NotFoundError
from data.schema.evidence import EVIDENCE
from data.schema.facts import FACTS
from data.schema.links import LINKS
from data.schema.model import Column, Kind, Table
from data.schema.records import RECORDS
from data.schema.signals import SIGNALS
from data.schema.state import STATE

__all__ = [
    "BLOCK_KINDS",
    "DIGEST_TABLES",
    "SCHEMA_VERSION",
    "TABLES",
    "Column",
    "Kind",
    "Table",
    "conform",
    "table",
]

SCHEMA_VERSION = 7

TABLES: dict[str, Table] = {
    table.name: table for table in (*EVIDENCE, *FACTS, *LINKS, *SIGNALS, *RECORDS, *STATE)
}

BLOCK_KINDS = ("evidence", "fact")
DIGEST_TABLES = tuple(
    name
    for name, table in TABLES.items()
    if name == "logs" or (table.kind in ("fact", "link") and not table.is_fetched)
)


def table(name: str) -> Table:
    """The declaration of a table.

    Raises:
        NotFoundError: no table has that name; the message lists the known ones.
    """
    if name not in TABLES:
        message = f"no table is named {name!r}; known tables: {', '.join(sorted(TABLES))}"
        raise NotFoundError(message)
    return TABLES[name]


def conform(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the columns of a table, in its order and types.

    Missing columns become NULL; unknown columns are an error, so that a typo cannot lose data. A frame
    without columns has no rows, and gets none.

    Raises:
        NotFoundError: the frame has a column that the table lacks.
    """
    declared, schema = table(name), frame.schema
    wanted = declared.polars_schema
    unknown = sorted(schema.keys() - wanted.keys())
    if unknown:
        message = (
            f"table {name} has no column {', '.join(unknown)}; "
            f"its columns: {', '.join(declared.column_names)}"
        )
        raise NotFoundError(message)
    if not frame.width:
        return declared.empty()
    if list(schema.items()) == list(wanted.items()):
        return frame
    return frame.select(
        pl.lit(None, kind).alias(column)
        if column not in schema
        else column
        if schema[column] == kind
        else pl.col(column).cast(kind)
        for column, kind in wanted.items()
    )
