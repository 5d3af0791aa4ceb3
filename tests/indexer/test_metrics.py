"""What is counted, how it is exposed, and that every metric is documented."""

import re
import time
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from indexer.ahead import Flight
from indexer.errors import Throttled
from indexer.metrics import Metrics, age_s
from tests.paths import REPO_ROOT

REFERENCE = {
    "raisonne_last_synced_block",
    "raisonne_latest_chain_block",
    "raisonne_blocks_behind",
    "raisonne_rpc_requests_total",
    "raisonne_rpc_request_duration_seconds",
    "raisonne_reorgs_detected_total",
    "raisonne_build_info",
    "raisonne_lag_seconds",
    "raisonne_rows_written_total",
    "raisonne_stalled_on_fetch_seconds_total",
    "raisonne_stalled_on_write_seconds_total",
}


def samples(metrics):
    """Every exposed sample by name and labels, as another program reads them."""
    families = text_string_to_metric_families(metrics.expose().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_names_of_other_indexers_are_kept():
    assert {name for name, _, _ in Metrics().families()} >= REFERENCE


def test_every_metric_is_documented_and_nothing_else():
    text = (REPO_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(raisonne_\w+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert sorted(rows) == Metrics().families()


def test_calls_are_counted_by_method_and_outcome():
    metrics = Metrics()
    with metrics.calls(["eth_getLogs", "eth_getLogs", "eth_getBlockByNumber"]):
        pass
    with pytest.raises(Throttled), metrics.calls(["eth_getLogs"]):
        message = "too many"
        raise Throttled(message)
    found = samples(metrics)
    counted = {
        (dict(labels)["method"], dict(labels)["status"]): value
        for (name, labels), value in found.items()
        if name == "raisonne_rpc_requests_total"
    }
    assert counted == {
        ("eth_getLogs", "ok"): 2,
        ("eth_getLogs", "Throttled"): 1,
        ("eth_getBlockByNumber", "ok"): 1,
    }
    timed = ("raisonne_rpc_request_duration_seconds_count", (("method", "eth_getLogs"),))
    assert found[timed] == 2


def test_progress_and_reorgs_are_told():
    metrics = Metrics()
    metrics.see_progress(head=110, synced=100, lag_s=12.5, is_ready=False)
    metrics.see_rows({"logs": 7, "transfers": 5})
    metrics.see_reorg(3)
    found = samples(metrics)
    assert found["raisonne_blocks_behind", ()] == 10
    assert found["raisonne_lag_seconds", ()] == 12.5
    assert found["raisonne_ready", ()] == 0
    assert found["raisonne_logs_fetched_total", ()] == 7
    assert found["raisonne_rows_written_total", (("table", "transfers"),)] == 5
    assert found["raisonne_reorgs_detected_total", ()] == 1
    assert found["raisonne_reorg_depth_blocks_sum", ()] == 3


def test_two_runs_count_for_themselves():
    first, second = Metrics(), Metrics()
    first.see_reorg(1)
    assert samples(second)["raisonne_reorgs_detected_total", ()] == 0


def test_age_is_not_negative_when_a_chain_runs_ahead():
    noon = datetime(2026, 1, 1, 12)
    assert age_s(datetime(2026, 1, 1, 11, 59), noon) == 60
    assert age_s(datetime(2026, 1, 1, 12, 1), noon) == 0


def test_flight_is_idle_only_between_fetches_that_are_still_to_come():
    flight = Flight()
    with flight.fetching():
        time.sleep(0.02)
    time.sleep(0.05)
    with flight.fetching():
        idle_s = flight.idle_s
        time.sleep(0.02)
        assert flight.idle_s == idle_s
    assert 0.05 <= idle_s < 1
    flight = Flight(has_more=False)
    with flight.fetching():
        pass
    time.sleep(0.02)
    assert flight.idle_s == 0, "what is all fetched waits for nobody"
