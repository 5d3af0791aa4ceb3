"""What the benchmarks make of their figures; the figures themselves are no tests."""

import os
import sys
import time
from math import isnan

import pytest

from tests.benchmarks.measure import FailedRunError, cpu_seconds, peak_mib, run_measured
from tests.benchmarks.report import (
    BEGIN,
    END,
    OURS,
    curve_table,
    is_complete,
    middle,
    parts_table,
    replace_results,
    rows_text,
    tool_table,
)
from tests.benchmarks.targets import find_targets

FAILED = {"failed": "it broke", "expected": 1_000, "load": 0.0}


def rounds(*walls, rows=1_000, expected=1_000, peak=100.0, **facts):
    return [
        {
            "wall_s": wall,
            "cpu_s": wall / 2,
            "peak_mib": peak,
            "node_cpu_s": 0.1,
            "rows": rows,
            "expected": expected,
            "load": 1.0,
            **facts,
        }
        for wall in walls
    ]


def test_the_median_ignores_rounds_that_failed_but_not_that_all_did():
    assert middle([*rounds(3.0, 1.0, 9.0), FAILED], "wall_s") == 3.0
    assert isnan(middle([FAILED], "wall_s"))


def test_a_tool_that_loses_rows_or_runs_is_reported_as_such():
    assert rows_text(rounds(1.0, 2.0)) == "1,000"
    lossy = [*rounds(1.0), *rounds(1.0, rows=990), FAILED]
    assert not is_complete(lossy)
    assert rows_text(lossy) == "1,000, 990, failed of 1,000"
    assert rows_text(rounds(1.0, rows_with_price=0)) == "1,000, 0 with a price"
    assert rows_text(rounds(1.0, rows_with_price=1_000)) == "1,000"
    assert rows_text(rounds(1.0, is_price_exact=False)) == "1,000, prices wrong"


def test_the_tool_table_sets_every_wall_beside_ours():
    text = tool_table(
        {OURS: rounds(2.0, 4.0, 3.0), "peer": rounds(30.0), "broken": [FAILED]},
        {OURS: rounds(1.0)},
    )
    ours, peer, broken = text.splitlines()[2:]
    assert ours.startswith(f"| {OURS} | **3.00** | 2.00–4.00 | 2.00 | 1.50 |")
    assert "| 333 | 1.00 | 1,000 |" in ours
    assert "| **30.0** |" in peer
    assert "| 10.00 | 1,000 |" in peer
    assert "failed 1 times" in broken
    assert {line.count("|") for line in text.splitlines()} == {11}


def test_the_curve_is_sorted_by_size_and_priced_by_log():
    text = curve_table({"10000": {OURS: rounds(1.0)}, "500": {OURS: rounds(0.5)}})
    assert [line.split("|")[1].strip() for line in text.splitlines()[2:]] == ["500", "10,000"]
    assert "| 100.0 |" in text


def test_rates_of_stages_are_logs_by_seconds():
    stage = [{"wall_s": 2.0, "cpu_s": 1.0}]
    stages = dict.fromkeys(("fetch", "parse", "decode", "decode and settle", "write"), stage)
    part = {"logs": 500, "stages": stages, "eth_abi": {"logs": 50, "rounds": stage}}
    lines = parts_table({"transfers": part}).splitlines()
    assert lines[2].endswith("| 250 | 500 |")
    assert lines[-1].endswith("| 25 | 50 |")


def test_targets_are_met_or_not_by_the_medians():
    tools = {OURS: rounds(1.1, peak=1_000.0), "cryo decoded": rounds(1.0)}
    curve = {"1000000": {OURS: rounds(1.0)}, "4000000": {OURS: rounds(9.0, peak=1_600.0)}}
    sections = {"transfers-100": {"tools": tools}, "curve": {"sizes": curve}}
    assert {each.wish.split(":")[0]: each.is_met for each in find_targets(sections)} == {
        "rows lost in all 3 runs of Raisonné, and sums of prices not exact": True,
        "1,000 Transfers in blocks of 100": True,
        "peak memory under 1.5 GiB on transfers-100": True,
        "peak memory under 1.5 GiB with 4,000,000 logs": False,
        "peak memory flat (within 15 %) from 1,000,000 to 4,000,000 logs": False,
        "time grows linearly from 1,000,000 to 4,000,000 logs (within 15 %)": False,
    }
    tools["cryo decoded"] = rounds(0.9)
    assert not find_targets(sections)[1].is_met


def test_a_target_whose_runs_failed_is_not_met():
    tools = {OURS: [FAILED], "cryo decoded": rounds(1.0)}
    lost, wall, peak = find_targets({"orders-100": {"tools": tools}})
    assert (lost.measured, wall.measured, peak.measured) == (
        "1,000",
        "its runs failed",
        "its runs failed",
    )
    assert not any(each.is_met for each in (lost, wall, peak))


def test_only_what_stands_between_the_markers_is_replaced():
    page = f"before {BEGIN} old {END} after"
    assert replace_results(page, "new") == f"before {BEGIN}\n\nnew\n\n{END} after"
    with pytest.raises(ValueError, match="lacks"):
        replace_results("no markers", "new")


def test_a_command_is_measured_and_its_failure_told(tmp_path):
    work = "import time; b = bytearray(80_000_000); time.sleep(0.1)"
    usage = run_measured([sys.executable, "-c", work], cwd=tmp_path, log=tmp_path / "log")
    assert usage.wall_s >= 0.1
    assert 0 < usage.cpu_s < usage.wall_s + 1
    assert 76 < usage.peak_mib < 150
    with pytest.raises(FailedRunError, match="ended with 3: no luck"):
        run_measured(
            [sys.executable, "-c", "print('no luck'); raise SystemExit(3)"],
            cwd=tmp_path,
            log=tmp_path / "log",
        )


def test_the_peak_of_a_command_does_not_count_what_we_hold(tmp_path):
    held = b"x" * 200_000_000
    usage = run_measured([sys.executable, "-c", ""], cwd=tmp_path, log=tmp_path / "log")
    assert usage.peak_mib < 60
    assert peak_mib(os.getpid()) > len(held) / 2**20


def test_processor_time_of_a_running_process_grows_with_its_work():
    before_s = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert 0.05 < cpu_seconds(os.getpid()) - before_s < 5
