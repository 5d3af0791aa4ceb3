"""The comparison of gas with what was accepted: growth stops, everything else is told."""

import re

from contracts.abi import artifact_names, load
from tests.contracts.gas import SNAPSHOT, compare, read_snapshot, write_snapshot
from tests.contracts.gas_page import MAX_CODE_BYTES, PAGE, page


def test_more_than_a_hundredth_is_too_much_and_less_is_not():
    accepted = {"A.testX": 1_000_000, "A.testY": 1_000_000, "A.testZ": 100}
    gas = {"A.testX": 1_010_000, "A.testY": 1_010_001, "A.testZ": 600}
    grown, told = compare(accepted, gas)
    assert grown == ["A.testY: 1,000,000 -> 1,010,001 gas (+10,001)"]
    assert told == []
    assert compare({"A.testZ": 100}, {"A.testZ": 601})[0] == ["A.testZ: 100 -> 601 gas (+501)"]


def test_cheaper_new_and_missing_tests_are_told_but_stop_nothing():
    grown, told = compare({"A.testX": 100_000, "A.gone": 1}, {"A.testX": 98_000, "A.fresh": 1})
    assert grown == []
    assert told == [
        "less A.testX: 100,000 -> 98,000 gas (-2,000)",
        "new A.fresh: 1 gas",
        "gone A.gone",
    ]


def test_a_snapshot_reads_back_what_was_written(tmp_path):
    gas = {"B.testY": 2, "A.testX": 1}
    write_snapshot(gas, tmp_path / "gas.snapshot")
    assert read_snapshot(tmp_path / "gas.snapshot") == gas
    assert read_snapshot(tmp_path / "none") == {}


def test_the_committed_snapshot_holds_unit_tests_only():
    accepted = read_snapshot()
    assert len(accepted) > 100
    assert not [test for test in accepted if re.search(r"[Ff]uzz|\.invariant", test)]
    assert len(SNAPSHOT.read_text(encoding="utf-8").splitlines()) == len(accepted)


def test_the_page_tells_of_every_contract_what_its_writing_calls_took():
    figures = {"calls": 1_000, "min": 1, "mean": 2, "median": 31_000, "max": 2_000_000}
    functions = {"push(int256)": figures, "latestAnswer()": figures}
    report = [
        {"contract": "src/PriceFeed.sol:PriceFeed", "functions": functions},
        {"contract": "test/Hostile.sol:Refuser", "functions": functions},
    ]
    told = page(report)
    size = len(bytes.fromhex(load("PriceFeed").runtime.removeprefix("0x")))
    assert f"## PriceFeed, {size:,} bytes" in told
    assert "| `push` | 1,000 | 31,000 | 2,000,000 |" in told
    assert "latestAnswer" not in told
    assert "Refuser" not in told


def test_the_committed_page_has_a_section_for_every_contract():
    told = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+),", told, re.MULTILINE) == artifact_names()
    assert max(len(load(name).runtime) / 2 - 1 for name in artifact_names()) <= MAX_CODE_BYTES
