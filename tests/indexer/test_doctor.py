"""What `raisonne doctor` finds out about endpoints of every kind."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from data.errors import UpstreamError
from indexer.doctor import advise, diagnose
from tests.faults import (
    BatchLimit,
    EmptyAnswer,
    HtmlPage,
    HttpError,
    NoBatches,
    PrunedReplica,
    RangeCap,
    ResultCap,
    ScriptedFault,
    ZeroBloom,
)
from tests.indexer.samples import make_transfer
from tests.indexer.test_cli import call  # noqa: F401 - a fixture
from tests.indexer.test_run import CHAIN, FIRST, LAST, serve
from tests.node import ReplayNode

HEAD_TIME = datetime.fromtimestamp(1_700_000_000 + 12 * (LAST + 6), UTC).replace(tzinfo=None)


class HangOn(ScriptedFault):
    """Never answers calls that have a word among their parameters."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def begin(self, exchange):
        if any(self.word in each.get("params", ()) for each in exchange.calls):
            raise HttpError(0, hold_s=5)


def examine(node, **options):
    options = {"clock": lambda: HEAD_TIME + timedelta(seconds=30), "timeout_s": 3.0, **options}
    return diagnose(node.url, **options)


def states(found):
    return {name: finding.state for name, finding in found.findings.items()}


def advice(found):
    return "\n".join(found.advice)


@pytest.fixture(scope="module")
def sound():
    with serve() as node:
        yield examine(node)


def test_sound_node_has_everything_but_receipts_and_traces(sound):
    assert {name for name, state in states(sound).items() if state != "yes"} == {
        "block_receipts", "debug_trace", "trace", "state_depth"
    }  # fmt: skip
    assert sound.value("chain") == CHAIN
    assert sound.value("head") == {"block": LAST + 6, "lag_s": 30.0}
    assert sound.value("log_times") is True
    assert FIRST <= sound.value("finalized") < sound.value("safe") < LAST
    assert sound.findings["range_cap"].words == f"no cap: all {LAST + 7:,} blocks in one request"
    assert sound.findings["result_cap"].value["most_logs"] > 20


def test_advice_for_a_sound_node_is_the_default(sound):
    assert "no cap was met: the default of --max-range" in advice(sound)
    assert "leaves blocks unproven, without a second --rpc-url that has receipts" in advice(sound)
    assert "head is" not in advice(sound)
    assert "hides logs" not in advice(sound)


def test_calls_are_bounded_and_counted(sound):
    with serve() as node:
        found = examine(node)
        assert found.calls == node.calls.total() - _socket_calls(node)
    assert found.calls == sound.calls < 700


def _socket_calls(node):
    return node.calls["eth_subscribe"]


@pytest.mark.parametrize("limit", [1, 7, 100, 256, 800])
@pytest.mark.parametrize("names_it", [True, False], ids=["named", "unnamed"])
def test_range_cap_is_found_whether_or_not_the_refusal_names_it(limit, names_it):
    words = {} if names_it else {"message": "block range is too large"}
    with serve(faults=[RangeCap(limit, **words)]) as node:
        found = examine(node)
    widest = found.value("range_cap")
    assert widest == limit if names_it or limit in (1, 100) else 0.8 * limit <= widest <= limit
    assert f"--max-range {widest} spares it" in advice(found)


def test_result_cap_narrows_the_advised_range():
    logs = [make_transfer(n, block=block, index=n) for block in range(900, 1_000) for n in range(5)]
    with ReplayNode(CHAIN, logs, head=1_000, faults=[ResultCap(100)]) as node:
        found = examine(node)
    result = found.value("result_cap")
    assert (result["cap"], result["most_logs"] <= 100) == (100, True)
    (line,) = [line for line in found.advice if "--max-range" in line]
    assert 40 <= 5 * int(line.split()[1]) <= 100


def test_node_that_refuses_every_range_is_told_so():
    with serve(faults=[RangeCap(0)]) as node:
        found = examine(node)
    assert found.findings["range_cap"].state == "no"
    assert "not even one block" in found.findings["range_cap"].words


def test_node_that_hides_logs_is_caught_by_its_own_header():
    with serve(faults=[EmptyAnswer()]) as node:
        found = examine(node)
    assert (states(found)["logs"], found.value("logs")) == ("no", 0)
    assert "has logs by its header, but the answer is empty" in found.findings["logs"].words
    assert "it hides logs" in advice(found)
    assert states(found)["log_depth"] != "yes"


def test_node_without_blooms_cannot_be_verified_by_them():
    with serve(faults=[ZeroBloom()]) as node:
        found = examine(node)
    assert states(found)["bloom"] == "no"
    assert {states(found)[name] for name in ("logs", "log_times", "log_depth")} == {"unknown"}
    assert "no blooms to test with" in advice(found)


def test_times_missing_in_logs_cost_headers():
    with serve() as node:
        node.server.methods.log_times = False
        found = examine(node)
    assert found.findings["log_times"].words.startswith("blockTimestamp in 0 of")
    assert "logs carry no time" in advice(found)


def test_depth_of_a_pruned_node_is_found_to_the_block():
    logs = [make_transfer(n, block=n, index=0) for n in range(0, 1_000)]
    pruned = PrunedReplica(first_kept=613, turns=(True,))
    with ReplayNode(CHAIN, logs, head=999, faults=[pruned]) as node:
        found = examine(node)
    assert states(found)["log_depth"] == "no"
    assert found.value("log_depth") == 613
    assert "logs before block 613 need another endpoint" in advice(found)


def test_old_head_is_stale():
    with serve() as node:
        found = examine(node, clock=lambda: HEAD_TIME + timedelta(hours=5))
    assert states(found)["head"] == "no"
    assert "its head is 5 h old" in advice(found)


def test_node_ahead_of_the_clock_is_no_fault():
    with serve() as node:
        found = examine(node, clock=lambda: HEAD_TIME - timedelta(seconds=9))
    assert states(found)["head"] == "yes"
    assert "9 s ahead of the clock" in found.findings["head"].words


def test_batches_that_are_refused_make_an_endpoint_useless():
    with serve(faults=[NoBatches()]) as node:
        found = examine(node)
    assert (states(found)["batch"], found.value("batch")) == ("no", 0)
    assert found.advice[0].startswith("batches are refused")


def test_largest_batch_is_found_and_small_ones_are_slow():
    with serve(faults=[BatchLimit(20)]) as node:
        found = examine(node)
    assert found.value("batch") == 10
    assert "at most 10 calls in a batch" in advice(found)


def test_slow_probe_is_no_answer_and_not_the_end():
    with serve(faults=[HangOn("finalized")]) as node:
        found = examine(node, timeout_s=0.3)
    assert states(found)["finalized"] == "no"
    assert found.findings["finalized"].words == "no answer within 0.3 s"
    assert states(found)["logs"] == "yes"


def test_what_is_no_endpoint_is_an_upstream_error():
    with serve(faults=[HtmlPage()]) as node, pytest.raises(UpstreamError, match="no JSON-RPC"):
        examine(node)
    with serve() as node:
        url = node.url
    with pytest.raises(UpstreamError, match="no connection") as raised:
        diagnose(f"{url}/v3/secret-key", timeout_s=1)
    assert "secret-key" not in str(raised.value)


def test_command_prints_findings_and_advice(call):  # noqa: F811
    with serve() as node:
        code, out, err = call("doctor", "--rpc-url", node.url)
        assert (code, err) == (0, "")
        assert "✓  chain               77" in out
        assert "✗  block receipts" in out
        assert "→ no cap was met" in out
        code, out, _ = call("doctor", "--rpc-url", node.url, "--json")
    found = json.loads(out)
    assert found["findings"]["batch"] == {
        "state": "yes", "words": "200 calls together", "value": 200
    }  # fmt: skip
    assert found["advice"]
    code, _, err = call("doctor", "--rpc-url", node.url)
    assert (code, "check --rpc-url" in err) == (4, True)


def test_advice_rests_on_the_findings_alone(sound):
    assert list(advise(sound)) == sound.advice
