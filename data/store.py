"""The store: one DuckDB catalog behind one class, whatever the URL.

`market.duckdb` (or `duckdb:PATH`) is a plain DuckDB file that one process owns;
`ducklake:postgres:DSN[?data_path=DIR]` is a DuckLake catalog in PostgreSQL with Parquet files,
for many processes. The SQL is the same for both.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data.digest import digest_table
from data.errors import IntegrityError, NotFoundError, RaisonneError, UsageError
from data.schema import BLOCK_KINDS, DIGEST_TABLES, SCHEMA_VERSION, TABLES, conform, table

_META = "store_meta"

# Sorts, hashes and rows of an open transaction above this go to a folder beside the store.
_MEMORY = "512MB"
# A checkpoint compresses again every row group that grew since the last one. At DuckDB's default of
# 16 MiB each batch of an index run pays for that. A log of this size is replayed in about a second.
_CHECKPOINT_AT = "128MB"
# A checkpoint packs neighbouring row groups anew where that makes them fewer. A bulk load leaves a
# few that are not full, and packing them can cost a tenth of the load; only who deletes single rows
# again and again, a follower, has need of it (see `packing`).
_PACKS = 0
_PACKS_LIVE = 100
# New files are of this format: it packs the same rows with a third less work than DuckDB's default,
# which any DuckDB since 0.10 reads. A file keeps the format that it was made with.
_FORMAT = "v1.5.0"
# A source that is read by one thread. Over the bare frame DuckDB plans an insert in parallel, whose
# upkeep costs twice the work of 50,000 rows.
_ALL_STAGED = "SELECT s.* FROM staging s POSITIONAL JOIN (SELECT 1)"


class StoreBusyError(RaisonneError):
    """Raised when another process holds the plain DuckDB file."""


@dataclass(frozen=True)
class Target:
    """Where a store lives: its catalog (a file, or a DuckLake DSN) and the data path of a lake."""

    kind: str
    catalog: str
    data_path: str = ""

    @classmethod
    def parse(cls, url: str) -> Target:
        """The target that a store URL names.

        Raises:
            UsageError: the URL has a scheme that no store understands.
        """
        if url.startswith("ducklake:"):
            catalog, _, query = url.removeprefix("ducklake:").partition("?data_path=")
            return cls("ducklake", catalog, query)
        path = url.removeprefix("duckdb:")
        if re.match(r"^[a-z][a-z0-9+]+:", path):
            scheme = path.split(":", 1)[0]
            message = (
                f"store URL scheme {scheme!r} is unknown; "
                "use a file such as market.duckdb, or ducklake:postgres:DSN"
            )
            raise UsageError(message)
        return cls("duckdb", path)


class Store:
    """Tables of one catalog, with transactions, frames in and out, and a digest."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, target: Target) -> None:
        self._connection = connection
        self.target = target

    @classmethod
    def open(cls, url: str | Path, *, read_only: bool = False) -> Store:
        """Opens a store, and creates it with all its tables unless `read_only`.

        Raises:
            NotFoundError: `read_only` and there is no store.
            StoreBusyError: another process owns the file.
            IntegrityError: the file is no store, or a store of another schema version.
        """
        target = Target.parse(str(url))
        connection = _connect(target, read_only=read_only)
        store = cls(connection, target)
        try:
            store._check_version(read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return store

    def close(self) -> None:
        """Closes the connection; cursors taken from it end with it."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> pl.DataFrame:
        """Rows of a query as a polars frame; thread-safe, since each call takes a cursor."""
        with self.cursor() as cursor:
            return cursor.execute(sql, parameters).pl()

    def read(self, name: str) -> pl.DataFrame:
        """All rows of a table, sorted by its key, in the declared types."""
        declared = table(name)
        return conform(name, self.query(f"SELECT * FROM {name} ORDER BY {', '.join(declared.key)}"))

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own, for one thread."""
        cursor = self._connection.cursor()
        if self.target.kind == "ducklake":
            cursor.execute("USE lake")
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction: everything written inside is committed together or not at all."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield Transaction(cursor)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Writes with one thread while entered: a bulk load then takes half the CPU time.

        Several threads cut the rows of an insert into parts and compress those at their seams anew.
        """
        with self._setting("threads", 1):
            yield

    @contextmanager
    def packing(self) -> Iterator[None]:
        """Lets checkpoints pack row groups that lost rows while entered: for many small writes."""
        with self._setting("max_vacuum_tasks", _PACKS_LIVE):
            yield

    @contextmanager
    def _setting(self, name: str, value: int) -> Iterator[None]:
        before = self.query(f"SELECT current_setting('{name}') AS value").item()
        self._connection.execute(f"SET {name} = {value}")
        try:
            yield
        finally:
            self._connection.execute(f"SET {name} = {before}")

    def append(self, name: str, frame: pl.DataFrame) -> int:
        """Appends in a transaction of its own; see Transaction.append."""
        with self.transaction() as transaction:
            return transaction.append(name, frame)

    def replace(self, name: str, frame: pl.DataFrame) -> int:
        """Replaces a table in a transaction of its own; see Transaction.replace."""
        with self.transaction() as transaction:
            return transaction.replace(name, frame)

    def digest(self) -> dict[str, str]:
        """SHA-256 per table over logs, quarantine, facts and links (design, section 4)."""
        with self.cursor() as cursor:
            return {name: digest_table(cursor, TABLES[name]) for name in DIGEST_TABLES}

    def version_key(self) -> str:
        """Changes with every commit that wrote rows of interest; a cache key for readers."""
        row = self.query(
            "SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM ranges) AS ranges,"
            " (SELECT max(committed_at) FROM ranges) AS committed_at,"
            " (SELECT max(finished_at) FROM runs) AS finished_at"
        ).row(0)
        return "/".join(str(value) for value in row)

    @contextmanager
    def run(self, verb: str, *, data_digest: str | None = None, **details: Any) -> Iterator[Run]:
        """A run: yields its id, and records it in `runs` when the block ends without an error."""
        run = Run(f"{verb}-{secrets.token_hex(6)}", details)
        started_at = _now()
        yield run
        row = {
            "run_id": run.run_id,
            "verb": verb,
            "code_version": code_version(),
            "data_digest": data_digest,
            "started_at": started_at,
            "finished_at": _now(),
            "details": json.dumps(run.details, sort_keys=True, default=str),
        }
        self.append("runs", pl.DataFrame([row]))

    def _check_version(self, *, read_only: bool) -> None:
        found = self._stored_version()
        if found == SCHEMA_VERSION:
            return
        if found is not None:
            message = (
                f"store {self.target.catalog} has schema version {found}, this program reads "
                f"{SCHEMA_VERSION}; open it with the program that wrote it, or index into a new "
                "file with --store"
            )
            raise IntegrityError(message)
        is_foreign = self._foreign_tables()
        if read_only and not is_foreign:
            message = (
                f"store {self.target.catalog} is empty: the run that made it was stopped at once; "
                "run `raisonne index` again"
            )
            raise NotFoundError(message)
        if is_foreign:
            message = (
                f"{self.target.catalog} is a database but no Raisonné store; "
                "name another file with --store"
            )
            raise IntegrityError(message)
        self._create_tables()

    def _stored_version(self) -> int | None:
        # Asked by a cursor that is closed: a result half read keeps its transaction open, and
        # nothing that comes after it can be packed into the file.
        try:
            with self.cursor() as cursor:
                row = cursor.execute(
                    f"SELECT value FROM {_META} WHERE name = 'schema_version'"
                ).fetchone()
        except duckdb.CatalogException:
            return None
        return int(row[0]) if row else None

    def _foreign_tables(self) -> bool:
        with self.cursor() as cursor:
            row = cursor.execute(
                "SELECT count(*) FROM information_schema.tables"
                " WHERE table_catalog = current_database()"
            ).fetchone()
        return bool(row and row[0])

    def _create_tables(self) -> None:
        with self.transaction() as transaction:
            for declared in TABLES.values():
                columns = ", ".join(f'"{c.name}" {c.type.duckdb}' for c in declared.columns)
                transaction.execute(f"CREATE TABLE {declared.name} ({columns})")
            transaction.execute(f"CREATE TABLE {_META} (name VARCHAR, value VARCHAR)")
            transaction.execute(
                f"INSERT INTO {_META} VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )


@dataclass
class Run:
    """A run under way: its id, and the details that will be recorded with it."""

    run_id: str
    details: dict[str, Any]


class Transaction:
    """Writes inside one open transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> None:
        """Runs a statement."""
        self._cursor.execute(sql, parameters)

    def query(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> pl.DataFrame:
        """Rows of a query as this transaction sees them."""
        return self._cursor.execute(sql, parameters).pl()

    def has_rows(self, *sources: str) -> bool:
        """Whether any of the tables, or of the queries in brackets, has a row."""
        found = " UNION ALL ".join(f"(SELECT 1 FROM {source} LIMIT 1)" for source in sources)
        return self._cursor.execute(found).fetchone() is not None

    def append(self, name: str, frame: pl.DataFrame) -> int:
        """Appends the rows whose key is not there yet; returns how many were new.

        There is no PRIMARY KEY (known DuckDB faults with delete-then-insert): an anti-join on the
        key makes it idempotent. Where the table has blocks, the join reads those of the frame
        alone, and where none of these is stored yet, as in most batches, there is no join.
        """
        declared = table(name)
        rows = conform(name, frame).unique(list(declared.key), keep="first", maintain_order=True)
        if rows.is_empty():
            return 0
        stored = name
        if "block_number" in declared.key and rows["block_number"].null_count() == 0:
            # Numbers in the text, not parameters: DuckDB skips row groups by what it knows of them.
            first, last = rows.select(
                pl.min("block_number").alias("first"), pl.max("block_number").alias("last")
            ).row(0)
            stored = f"(FROM {name} WHERE block_number BETWEEN {first} AND {last})"
            if not self.query(f"SELECT EXISTS (FROM {stored})").item():
                return self.insert(name, rows)
        same = " AND ".join(f"t.{key} IS NOT DISTINCT FROM s.{key}" for key in declared.key)
        return self.insert(
            name, rows, f"FROM staging s WHERE NOT EXISTS (FROM {stored} t WHERE {same})"
        )

    def replace(self, name: str, frame: pl.DataFrame) -> int:
        """Replaces all rows of a table; returns how many it has now."""
        rows = conform(name, frame)
        self._cursor.execute(f"DELETE FROM {name}")
        return self.insert(name, rows)

    def replace_by(self, name: str, select: str, *, reads_itself: bool = False) -> int:
        """Replaces all rows of a table by those of a query; returns how many it has now.

        The rows never leave the database, so that memory stays bounded. Columns that the query
        lacks become NULL. Where it reads the very table, say so: then it is asked beforehand.
        """
        if reads_itself:
            self.derive(name, select)
            select = "FROM derived"
        self._cursor.execute(f"DELETE FROM {name}")
        return self.insert_by(name, select)

    def insert_by(self, name: str, select: str) -> int:
        """Adds the rows of a query, known to be new, inside the database; returns how many."""
        inserted = self._cursor.execute(f"INSERT INTO {name} BY NAME {select}").fetchone()
        return int(inserted[0]) if inserted else 0

    def derive(self, name: str, select: str) -> None:
        """Keeps the rows of a query in a temporary table `derived` of the columns of a table."""
        columns = ", ".join(f'"{c.name}" {c.type.duckdb}' for c in table(name).columns)
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE derived ({columns})")
        self._cursor.execute(f"INSERT INTO derived BY NAME {select}")

    def insert(self, name: str, rows: pl.DataFrame, select: str = _ALL_STAGED) -> int:
        """Adds rows that are known to be new, in the columns of a table; returns how many.

        Where not all of them are to be added, `select` tells which, out of `staging`.
        """
        if rows.is_empty():
            return 0
        # DuckDB finds this variable by its name. Registered as a view instead, every frame would
        # be held until the transaction ends.
        staging = rows.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        inserted = self._cursor.execute(f"INSERT INTO {name} {select}").fetchone()
        del staging
        return int(inserted[0]) if inserted else 0

    def delete_from_block(self, chain_id: int, block_number: int) -> None:
        """Deletes the evidence and facts of a chain from a block upwards, and cuts its ranges.

        A cut range keeps its logs, but what was counted of it is known of the whole only.
        """
        for declared in TABLES.values():
            if declared.kind in BLOCK_KINDS:
                self._cursor.execute(
                    f"DELETE FROM {declared.name} WHERE chain_id = ? AND block_number >= ?",
                    [chain_id, block_number],
                )
        unknown = "tip_hash = NULL, " + ", ".join(
            f"{column} = NULL"
            for column in table("ranges").column_names
            if column.startswith("blocks_")
        )
        for name, also in (("ranges", f", {unknown}"), ("completeness_findings", "")):
            self._cursor.execute(
                f"DELETE FROM {name} WHERE chain_id = ? AND from_block >= ?",
                [chain_id, block_number],
            )
            self._cursor.execute(
                f"UPDATE {name} SET to_block = ?{also} WHERE chain_id = ? AND to_block > ?",
                [block_number, chain_id, block_number],
            )


def code_version() -> str:
    """Version of the installed program."""
    try:
        return package_version("raisonne")
    except PackageNotFoundError:
        return "unknown"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _connect(target: Target, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    if target.kind == "ducklake":
        from data.lake import connect_lake

        return connect_lake(target.catalog, target.data_path, read_only=read_only)
    path = Path(target.catalog)
    if read_only and not path.exists():
        message = f"no store at {path}; make one with `raisonne index` or `raisonne demo`"
        raise NotFoundError(message)
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
    try:
        if not path.exists() and not target.catalog.startswith(":memory:"):
            _make_file(path)
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        raise _open_error(path, str(error)) from error
    # Set, not given to connect: connections of one process to one file must be given the same.
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    connection.execute(f"SET wal_autocheckpoint = '{_CHECKPOINT_AT}'")
    connection.execute(f"SET max_vacuum_tasks = {_PACKS}")
    return connection


def _make_file(path: Path) -> None:
    """An empty database file. Its format can be chosen only where it is attached."""
    quoted = str(path).replace("'", "''")
    with duckdb.connect() as maker:
        maker.execute(f"ATTACH '{quoted}' (STORAGE_VERSION '{_FORMAT}')")


def _open_error(path: Path, text: str) -> RaisonneError:
    if "lock" in text:
        owner = re.search(r"PID (\d+)", text)
        who = f"process {owner.group(1)}" if owner else "another process"
        return StoreBusyError(f"store {path} is held by {who}; stop it or name another --store")
    if "not a valid DuckDB" in text or "serialization" in text or "version number" in text:
        return IntegrityError(
            f"{path} is no DuckDB 1.5 file; name another file with --store, it was left untouched"
        )
    return RaisonneError(f"store {path} cannot be opened: {text.splitlines()[0]}")
