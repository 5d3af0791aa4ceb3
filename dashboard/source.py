"""How the dashboard reads: a store held only while it is read, and answers kept per version.

DuckDB gives a file to one process. A dashboard that kept it open would make every command that its
own empty states name fail; so the store is opened for a burst of queries and let go when idle.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import streamlit as st

from dashboard.queries.scope import Parameters
from data.store import Store, Target

IDLE_S = 1.5


class LeasedStore:
    """A read-only store that is opened on demand and closed after `idle_s` without a query."""

    def __init__(self, url: str, idle_s: float = IDLE_S) -> None:
        self.url = url
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._readers = 0
        self._timer: threading.Timer | None = None

    @contextmanager
    def lease(self) -> Iterator[Store]:
        """The open store, for as long as the block runs.

        Raises:
            RaisonneError: the store is missing, busy or of another version.
        """
        with self._lock:
            if self._timer:
                self._timer.cancel()
                self._timer = None
            if self._store is None:
                self._store = Store.open(self.url, read_only=True)
            self._readers += 1
            store = self._store
        try:
            yield store
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    self._timer = threading.Timer(self._idle_s, self.release)
                    self._timer.daemon = True
                    self._timer.start()

    def release(self) -> None:
        """Closes the store unless somebody is reading; the next lease opens it again."""
        with self._lock:
            if self._store is not None and not self._readers:
                self._store.close()
                self._store = None

    def query(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Rows of a query, not cached."""
        with self.lease() as store:
            return store.query(sql, parameters)

    def version_key(self) -> str:
        """Changes with every commit; see Store.version_key."""
        with self.lease() as store:
            return store.version_key()

    def digest(self) -> dict[str, str]:
        """SHA-256 per table; see Store.digest."""
        with self.lease() as store:
            return store.digest()


class CachedSource:
    """A leased store at one version, whose answers are kept and shared by all sessions."""

    def __init__(self, store: LeasedStore) -> None:
        self.store = store
        self.version = store.version_key()

    @property
    def folder(self) -> Path:
        """The folder of a store that is a file, else the working folder."""
        target = Target.parse(self.store.url)
        return Path(target.catalog).parent if target.kind == "duckdb" else Path()

    def query(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Rows of a query, from the cache when this version of the store answered it before."""
        return _answer(self.store, self.store.url, self.version, sql, parameters)

    def fresh(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Rows of a query that is too large or too rare to be kept."""
        return self.store.query(sql, parameters)

    def digest(self) -> dict[str, str]:
        """SHA-256 per table of the store as it is now."""
        return self.store.digest()


@st.cache_resource(show_spinner=False, max_entries=8)
def leased_store(url: str) -> LeasedStore:
    """The one leased store of a URL, shared by all sessions."""
    return LeasedStore(url)


@st.cache_data(show_spinner=False, max_entries=512)
def _answer(
    _store: LeasedStore, url: str, version: str, sql: str, parameters: Parameters
) -> pl.DataFrame:
    return _store.query(sql, parameters)
