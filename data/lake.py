"""DuckLake catalogs in PostgreSQL, for stores that many processes or machines share."""

from pathlib import Path

import duckdb

from data.errors import NotFoundError, UpstreamError, UsageError

_EXTENSIONS = ("ducklake", "postgres_scanner")


def connect_lake(catalog: str, data_path: str, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with the lake attached as `lake` and in use.

    Args:
        catalog: `postgres:` followed by a libpq DSN, e.g. `postgres:dbname=art host=127.0.0.1`.
        data_path: folder or object storage prefix of the Parquet files; needed once, when the
            lake is made. The catalog remembers it.
        read_only: attach without the right to write.

    Raises:
        UsageError: the catalog is not in PostgreSQL, or the extra `lake` is not installed.
        UpstreamError: PostgreSQL did not answer.
    """
    if not catalog.startswith("postgres:"):
        scheme = catalog.split(":", maxsplit=1)[0]
        message = f"DuckLake catalog {scheme!r} is not supported; use ducklake:postgres:DSN"
        raise UsageError(message)
    connection = duckdb.connect()
    _load_extensions(connection)
    options = ["READ_ONLY"] if read_only else []
    if data_path:
        folder = data_path if "://" in data_path else str(Path(data_path).resolve())
        options.append(f"DATA_PATH {_quote(folder)}")
    suffix = f" ({', '.join(options)})" if options else ""
    try:
        connection.execute(f"ATTACH {_quote('ducklake:' + catalog)} AS lake{suffix}")
    except duckdb.Error as error:
        raise _attach_error(str(error)) from error
    connection.execute("USE lake")
    return connection


def _load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        from duckdb_extensions import import_extension
    except ImportError as error:
        message = "a DuckLake store needs the extra `lake`; run pip install 'raisonne[lake]'"
        raise UsageError(message) from error
    for name in _EXTENSIONS:
        import_extension(name)
        connection.execute(f"LOAD {name}")


def _attach_error(text: str) -> UpstreamError | NotFoundError:
    first = text.splitlines()[0]
    if "DATA_PATH" in text or "does not exist" in text:
        return NotFoundError(f"no lake there yet: {first}; add ?data_path=DIR to make one")
    return UpstreamError(f"PostgreSQL did not answer: {first}; check the DSN of --store")


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
