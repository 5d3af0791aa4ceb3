"""What `raisonne plan` foretells, against what the run then does."""

import json

import pytest

from data.errors import UpstreamError
from data.store import Store
from indexer.errors import WrongChainError
from indexer.plan import BLOCK, LOGS, make_plan, plan_lines
from indexer.run import IndexOptions, index
from tests.indexer.samples import make_transfer
from tests.indexer.test_cli import call  # noqa: F401 - a fixture
from tests.indexer.test_run import CHAIN, FIRST, LAST, history, serve
from tests.node import ReplayNode


def options(node, *blocks, **more):
    return IndexOptions((node.url,), blocks=blocks or (f"{FIRST}:",), **more)


CASES = {
    "one wide range": {"max_range": 1_000},
    "many ranges": {"max_range": 13},
    "one protocol": {"protocols": ("erc721",), "max_range": 20},
    "verified": {"verify": "full", "max_range": 20},
    "not verified": {"verify": "off", "max_range": 20},
}


@pytest.mark.parametrize("more", CASES.values(), ids=CASES.keys())
def test_requests_of_the_run_lie_within_the_bounds(tmp_path, more):
    with ReplayNode(CHAIN, history(), head=LAST + 300) as node:
        node.server.methods.log_times = "verify" in more  # without them, more headers are asked
        plan = make_plan(None, options(node, **more))
        assert node.calls[LOGS] == 0
        node.calls.clear()
        with Store.open(tmp_path / "s.duckdb") as store:
            index(store, options(node, **more))
        made = dict(node.calls)
    assert plan.blocks == LAST + 301 - FIRST
    made.pop("eth_getBlockReceipts", None)  # only where a bloom leaves doubt
    assert set(made) <= set(plan.calls)
    for method, calls in plan.calls.items():
        assert calls.at_least <= made.get(method, 0) <= calls.at_most, method


def test_bounds_of_the_logs_are_exact_where_ranges_are_narrow():
    with ReplayNode(CHAIN, history(), head=LAST + 300) as node:
        narrow = options(node, f"{FIRST}:{FIRST + 70}", max_range=7, verify="off")
        plan = make_plan(None, narrow)
    expected = plan.log_filters * 10
    assert (plan.calls[LOGS].at_least, plan.calls[LOGS].at_most) == (expected, expected)
    assert plan.log_filters > 1


def test_local_chain_counts_every_block_with_its_transactions():
    with ReplayNode(31_337, [make_transfer(1)], head=1_000) as node:
        plan = make_plan(None, options(node, "0:500", max_range=100))
    assert plan.calls[BLOCK].at_least == 5 + 500
    assert any("funding" in why for why in plan.calls[BLOCK].why)


def test_what_is_committed_is_not_planned_again(tmp_path):
    with serve() as node, Store.open(tmp_path / "s.duckdb") as store:
        index(store, options(node, f"{FIRST + 10}:{FIRST + 20}"))
        plan = make_plan(store, options(node, f"{FIRST}:{FIRST + 30}"))
        assert plan.todo == ((FIRST, FIRST + 10), (FIRST + 20, FIRST + 30))
        assert (plan.blocks, plan.committed_blocks) == (20, 10)
        assert plan.pace is not None
        assert plan.pace.logs_per_block > 0
        other = make_plan(store, options(node, f"{FIRST}:{FIRST + 30}", protocols=("erc721",)))
        assert (other.committed_blocks, other.pace) == (0, None)
        done = make_plan(store, options(node, f"{FIRST + 10}:{FIRST + 20}"))
    assert (done.blocks, done.calls) == (0, {})
    assert "nothing to do: all 10 blocks" in "\n".join(plan_lines(done, {}))


def test_credits_are_the_bounds_times_the_prices():
    with serve() as node:
        plan = make_plan(None, options(node))
    logs, blocks = plan.calls[LOGS], plan.calls[BLOCK]
    assert plan.credits({LOGS: 60, BLOCK: 0.5}) == (
        60 * logs.at_least + 0.5 * blocks.at_least, 60 * logs.at_most + 0.5 * blocks.at_most
    )  # fmt: skip
    assert plan.credits({}) == (0, 0)
    assert not any("credits" in line for line in plan_lines(plan, {}))
    assert any("credits" in line for line in plan_lines(plan, {LOGS: 60}))


def test_wrong_chain_and_dead_endpoint_are_upstream_errors():
    with serve() as node:
        with pytest.raises(WrongChainError, match="serves chain 77"):
            make_plan(None, options(node, chain="ethereum"))
        url = node.url
    with pytest.raises(UpstreamError):
        make_plan(None, IndexOptions((url,)))


def test_command_writes_nothing(call, tmp_path):  # noqa: F811
    with serve() as node:
        code, out, err = call(
            "plan", "--rpc-url", node.url, "--blocks", f"{FIRST}:{FIRST + 10}", "--json",
            "--credits", "eth_getLogs=60",
        )  # fmt: skip
        assert code == 0, err
        found = json.loads(out)
        assert (found["blocks"], found["todo"]) == (10, [f"{FIRST}:{FIRST + 10}"])
        assert found["credits"][0] == 60 * found["calls"][LOGS]["at_least"]
        assert list(tmp_path.iterdir()) == []
        code, out, _ = call("plan", "--rpc-url", node.url, "--blocks", f"{FIRST}:{FIRST + 10}")
        assert "to do: 10 blocks in 1 range (" in out
        code, _, err = call("plan", "--rpc-url", node.url, "--credits", "eth_getLogs")
    assert (code, "write METHOD=NUMBER" in err) == (2, True)
