"""The long fuzz campaign: what it finds to run, how it shares its hour, what it tells."""

import json

import pytest

from tests.contracts import fuzz
from tests.contracts.fuzz import Budget, Outcome, Suite, read_fuzzed, summarise

SUITES = {suite.contract: suite for suite in read_fuzzed()}


def test_tests_with_arguments_and_invariants_are_found_and_no_others():
    vrgda = SUITES["VrgdaTest"]
    assert (vrgda.file, vrgda.invariants) == ("Vrgda.t.sol", ())
    assert "testFuzzManyCostWhatTheyCostOneByOne" in vrgda.fuzzed
    assert "testBoundsThemselvesAreAllowed" not in vrgda.fuzzed
    registry = SUITES["RegistryInvariantsTest"]
    assert registry.invariants == ("invariantTaintFollowsLineage", "invariantAttestationsOnlyGrow")
    assert registry.fuzzed == ()
    assert SUITES["RegistryInvariantsTest"].weight > vrgda.weight


def test_the_campaign_is_what_the_issue_asks():
    assert fuzz.read_asked() == (10_000, 10_000, 50)


def test_suites_share_the_time_by_weight_and_never_get_more_than_is_left():
    light = Suite("A.t.sol", "A", ("testX",), ())
    dear = Suite("B.t.sol", "B", (), ("invariantX", "invariantY"))
    budget = Budget(1_000, cores=2, weight=light.weight + dear.weight)
    assert budget.take(dear) in {999, 1_000}  # two cores: 1,920 of its own, 1,000 by the clock
    assert budget.take(light) in {999, 1_000}  # nothing else is left
    shared = Budget(1_000, cores=1, weight=4)
    assert [shared.take(light) for _ in range(2)] in ([250, 333], [249, 333], [249, 332])


def outcome(**changes) -> Outcome:
    values = {"suite": "A", "test": "testX", "runs": 10, "calls": 500, "asked": 10}
    return Outcome(**({**values, "passed": True, "reason": ""} | changes))


def test_the_summary_tells_failures_and_what_was_not_run():
    assert "everything was run as often as asked" in summarise([outcome()], [])
    told = summarise(
        [
            outcome(test="testY", passed=False, reason="to the wei"),
            outcome(test="invariantZ", runs=7),
        ],
        ["B.testX"],
    )
    assert "3 fuzz tests" not in told
    assert "2 fuzz tests and invariants, 1,000 calls, 1 failed" in told
    assert "FAILED A.testY: to the wei" in told
    assert "cut short: A.invariantZ: 7 of 10 runs" in told
    assert "NOT RUN: B.testX" in told
    assert "nothing was found" not in told


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s 391ms 858µs 74ns", 2.391858074),
        ("1h 2m 3s", 3723.0),
        ("403ms", 0.403),
        ("12m 5ms", 720.005),
        ("0ns", 0.0),
    ],
)
def test_durations_are_read_as_forge_writes_them(text, seconds):
    assert fuzz.read_seconds(text) == pytest.approx(seconds, abs=1e-12)


@pytest.mark.slow
def test_a_suite_is_fuzzed_within_its_share_and_told_in_figures():
    [feed] = [suite for suite in read_fuzzed() if suite.contract == "PriceFeedTest"]
    [one] = fuzz.run_suite(feed, "0x01", 60)
    assert (one.passed, one.runs, one.asked) == (True, 10_000, 10_000)
    [books] = [suite for suite in read_fuzzed() if suite.contract == "SplitterInvariantsTest"]
    [cut] = fuzz.run_suite(books, "0x01", 2)
    assert cut.passed
    assert 0 < cut.runs < cut.asked
    assert cut.calls == cut.runs * 50
    [registry] = [suite for suite in read_fuzzed() if suite.contract == "RegistryInvariantsTest"]
    found = fuzz.run_suite(registry, "0x01", 1_200)
    # A share that is long enough is no reason to go on beyond what was asked.
    assert {(each.passed, each.runs) for each in found} == {(True, 10_000)}


def test_the_log_is_one_json_object_a_line(tmp_path):
    said = []
    write = fuzz.write_log(tmp_path / "fuzz" / "now.jsonl", said.append)
    write("start", {"seed": "0x01"})
    write("end", {"seconds": 3})
    lines = (tmp_path / "fuzz" / "now.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["start", "end"]
    assert said == [f"log: {tmp_path / 'fuzz' / 'now.jsonl'}"]
