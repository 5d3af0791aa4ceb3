"""Every metric of the indexer, declared once; served as Prometheus text by `indexer.server`.

docs/operations.md lists them for people; a test holds the two together.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BLOCKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 256)


class Metrics:
    """What one run of the indexer counts and measures. Names start with `raisonne_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declare_progress()
        self._declare_requests()
        self._declare_work()
        self._declare_reorgs()

    def _declare_progress(self) -> None:
        self.build_info = self._gauge(
            "build_info", "Always 1; the version is in the label", "version"
        )
        self.last_synced_block = self._gauge(
            "last_synced_block", "Highest block up to which every wanted block is committed"
        )
        self.latest_chain_block = self._gauge("latest_chain_block", "Head of the chain, last seen")
        self.final_block = self._gauge("final_block", "Highest block taken as final")
        self.blocks_behind = self._gauge("blocks_behind", "Head minus last synced block")
        self.lag_seconds = self._gauge("lag_seconds", "Age of the last synced block; 0 at the head")
        self.ready = self._gauge("ready", "1 when caught up, as /ready says, else 0")
        self.websocket = self._gauge("websocket_connected", "1 when heads arrive by WebSocket")

    def _declare_requests(self) -> None:
        self.requests = self._counter(
            "rpc_requests",
            "JSON-RPC calls by outcome: ok, or the kind of error",
            "method",
            "status",
        )
        self.request_seconds = self._histogram(
            "rpc_request_duration_seconds", "Time of one post, whose calls all count", "method"
        )
        self.outages = self._counter("outages", "Times that following paused for want of answers")

    def _declare_work(self) -> None:
        self.logs = self._counter("logs_fetched", "Logs in committed evidence")
        self.rows = self._counter("rows_written", "Rows committed", "table")
        self.commit_seconds = self._histogram(
            "commit_duration_seconds", "Time to decode and write a batch of ranges"
        )
        self.head_seconds = self._histogram(
            "head_to_commit_seconds", "Time from a new head to its committed facts and links"
        )
        self.stalled_on_fetch = self._counter(
            "stalled_on_fetch_seconds", "Time the writer waited for evidence"
        )
        self.stalled_on_write = self._counter(
            "stalled_on_write_seconds", "Time that nothing was fetched while the writer worked"
        )

    def _declare_reorgs(self) -> None:
        self.reorgs = self._counter("reorgs_detected", "Reorganisations that were rolled back")
        self.reorg_depth = self._histogram(
            "reorg_depth_blocks", "Blocks rolled back at once", buckets=_BLOCKS
        )
        self.reread_blocks = self._counter(
            "reread_blocks", "Blocks read a second time after they became final"
        )
        self.reread_failures = self._counter(
            "reread_failures", "Second readings without an answer, or with contradictory ones"
        )
        self.reread_repairs = self._counter(
            "reread_repairs", "Blocks whose second reading differed from the first"
        )

    def expose(self) -> bytes:
        """The metrics in the Prometheus text format."""
        return generate_latest(self.registry)

    def families(self) -> list[tuple[str, str, str]]:
        """Name as exposed, kind and help of every metric, in alphabetical order."""
        found = []
        for family in self.registry.collect():
            suffix = "_total" if family.type == "counter" else ""
            found.append((family.name + suffix, family.type, family.documentation))
        return sorted(found)

    def see_progress(self, *, head: int, synced: int, lag_s: float, is_ready: bool) -> None:
        """Notes how far the store is."""
        self.latest_chain_block.set(head)
        self.last_synced_block.set(synced)
        self.blocks_behind.set(max(head - synced, 0))
        self.lag_seconds.set(lag_s)
        self.ready.set(int(is_ready))

    def see_rows(self, counts: dict[str, int]) -> None:
        """Notes committed rows by table."""
        for name, count in counts.items():
            self.rows.labels(name).inc(count)
        self.logs.inc(counts.get("logs", 0))

    def see_reorg(self, depth: int) -> None:
        """Notes a rollback of so many blocks."""
        self.reorgs.inc()
        self.reorg_depth.observe(depth)

    @contextmanager
    def calls(self, methods: Iterable[str]) -> Iterator[None]:
        """Counts and times the calls of one batch; an error is counted by its class."""
        names = list(methods)
        started, status = time.monotonic(), "ok"
        try:
            yield
        except Exception as error:
            status = type(error).__name__
            raise
        finally:
            elapsed_s = time.monotonic() - started
            for name in names:
                self.requests.labels(name, status).inc()
            for name in set(names):
                self.request_seconds.labels(name).observe(elapsed_s)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"raisonne_{name}", meaning, labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"raisonne_{name}", meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
    ) -> Histogram:
        return Histogram(
            f"raisonne_{name}", meaning, labels, buckets=buckets, registry=self.registry
        )


def age_s(then: datetime, now: datetime) -> float:
    """Seconds from one time to a later one, not below 0 (clocks of chains may run ahead)."""
    return max((now - then).total_seconds(), 0.0)
