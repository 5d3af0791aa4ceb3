"""Every fault of a node costs requests, patience or an exit code, but never a row.

With a fault in force `raisonne index` ends with the tables of an undisturbed run, or with exit 4
(upstream) or 5 (integrity); then the fault is lifted, the command run again, and the tables are
those of an undisturbed run. Run with `-s` to see the table. The default suite takes one fault of
each kind that no narrower test takes; `-m slow` takes all, over more blocks and with every wording
of a refusal.
"""

import pytest

from tests import faults as f
from tests.integration.campaign import (
    DOCUMENTED,
    Case,
    Scene,
    Truth,
    has_verify,
    run_case,
    table_of,
    verify,
)
from tests.integration.fault_cases import CASES, LIES, PHRASED
from tests.integration.harness import index, windows, write_blocks
from tests.integration.oracle import TRANSFER
from tests.node import ReplayNode
from tests.paths import needs_mainnet
from tests.recording import Recording

pytestmark = needs_mainnet

RICH = (15_263_862, 15_523_670, 15_914_800, 16_092_989, 17_134_200, 18_230_275)
"""Complete blocks with 1,581 logs, 222 NFT transfers and 22 Seaport orders between them."""


class Stage:
    """A node, the blocks that are indexed from it, and what an undisturbed run finds there."""

    def __init__(self, node, scene, blocks, truth, reports):
        self.node, self.scene, self.blocks = node, scene, blocks
        self.truth, self.reports = truth, reports

    def play(self, name, case, store, *options):
        report = run_case(
            name, case, self.node, self.scene, self.blocks, store, self.truth, *options
        )
        self.reports.append(report)
        return report


def set_up(recording, numbers, ranges, folder, *, max_range=2, above=3):
    """A stage over ranges; the head is `above` blocks after the last, so that is not final yet."""
    blocks = write_blocks(folder / "blocks.txt", ranges)
    reports = []
    with ReplayNode(recording.chain_id, recording=recording, head=numbers[-1] + above) as node:
        index(folder / "calm.duckdb", node, blocks, "--max-range", max_range)
        truth = Truth.of(folder / "calm.duckdb")
        yield Stage(node, Scene(node.chain, numbers, max_range), blocks, truth, reports)
    print(f"\n{table_of(reports)}")


@pytest.fixture(scope="module")
def stage(recordings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    yield from set_up(recordings[1].only(RICH), RICH, windows(RICH), folder)


@pytest.fixture(scope="module")
def whole_stage(recordings, tmp_path_factory):
    """Every complete block of 2021 and later."""
    numbers = [number for number in sorted(recordings[1].complete) if number > 11_000_000]
    folder = tmp_path_factory.mktemp("many")
    yield from set_up(recordings[1], numbers, windows(numbers), folder)


@pytest.fixture(scope="module")
def even_stage(tmp_path_factory):
    """Sixty blocks of two transfers each, asked for at once: room for a node to say no."""
    numbers = range(1_000, 1_060)
    logs = [transfer(block, place) for block in numbers for place in (0, 1)]
    folder = tmp_path_factory.mktemp("even")
    ranges, recording = [(1_000, 1_060)], Recording(77, logs)
    yield from set_up(recording, numbers, ranges, folder, max_range=1_000, above=400)


def transfer(block, place):
    """An ERC-721 transfer as a node sends it."""
    words = [f"0x{number:064x}" for number in (0xA1, 0xB0, 10 * block + place)]
    return {
        "address": f"0x{0xC0:040x}",
        "topics": [TRANSFER, *words],
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": f"0x{0xB10C_0000 + block:064x}",
        "blockTimestamp": hex(1_700_000_000 + 12 * block),
        "transactionHash": f"0x{10 * block + place:064x}",
        "transactionIndex": hex(place),
        "logIndex": hex(place),
        "removed": False,
    }


def assert_survived(report, node, case):
    assert report.fired > 0 or (case.unasked and not node.calls[case.unasked]), "never met"
    assert report.first.code in DOCUMENTED, report.first.err
    assert "Traceback" not in report.first.err
    assert report.codes[-1] == 0, report.codes
    assert (report.lost, report.doubled) == (0, 0)
    assert report.has_recovered


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.is_quick])
def test_fault_loses_and_doubles_no_row(name, stage, tmp_path):
    report = stage.play(name, CASES[name], tmp_path / "market.duckdb")
    assert_survived(report, stage.node, CASES[name])


@pytest.mark.parametrize("name", ["no batches", "batches of two", "larger batches dropped"])
def test_node_that_takes_small_batches_only_gets_small_batches(name, stage, tmp_path):
    """Limits are as low as two calls, and some nodes take no batch at all (subql#1852)."""
    report = stage.play(f"{name} (exit 0)", CASES[name], tmp_path / "market.duckdb")
    assert report.first.code == 0, report.first.err
    assert_survived(report, stage.node, CASES[name])


class _NearHead(f.WrongTransactionHash):
    """Only logs of the last block, whose header is fetched anyway."""

    def applies(self, logs):
        return any(int(log["blockNumber"], 16) == RICH[-1] for log in logs)

    def change(self, logs):
        other = [log for log in logs if int(log["blockNumber"], 16) != RICH[-1]]
        return other + super().change([log for log in logs if log not in other])


def test_transaction_that_its_block_does_not_list_is_asked_again(stage, tmp_path):
    case = Case(lambda _: _NearHead(times=1))
    report = stage.play("wrong transaction near the head", case, tmp_path / "market.duckdb")
    assert_survived(report, stage.node, case)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["off", "full"])
@pytest.mark.parametrize("name", CASES)
def test_every_fault_loses_and_doubles_no_row_in_every_block(name, mode, whole_stage, tmp_path):
    if mode == "full" and not has_verify():
        pytest.skip("raisonne index has no --verify yet")
    report = whole_stage.play(name, CASES[name], tmp_path / "market.duckdb", *verify(mode))
    assert_survived(report, whole_stage.node, CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", PHRASED)
def test_refusal_in_any_words_costs_no_row(name, even_stage, tmp_path):
    report = even_stage.play(name, PHRASED[name], tmp_path / "market.duckdb")
    assert_survived(report, even_stage.node, PHRASED[name])


# -- lies that look like the truth


@pytest.mark.parametrize(
    "name",
    [
        "empty for a range",
        "pruned replica",
        "cut at a page",
        pytest.param("empty now and then", marks=pytest.mark.slow),
        pytest.param("height without logs", marks=pytest.mark.slow),
    ],
)
def test_lie_is_not_told_from_the_truth_without_verification(name, stage, tmp_path):
    """What `--verify off` costs: a node that hides logs well is believed, and rows are lost."""
    report = stage.play(f"{name} (off)", LIES[name], tmp_path / "market.duckdb", *verify("off"))
    assert report.first.code == 0
    assert report.fired > 0
    assert report.lost > 0, "the lie was found out: promise more"
    assert report.doubled == 0


HIDDEN = ("empty for a range", "empty now and then", "height without logs")
"""Lies of a node that does not lie about receipts."""


@pytest.mark.parametrize("name", HIDDEN)
def test_lie_is_repaired_or_reported_with_full_verification(name, stage, tmp_path):
    if not has_verify():
        pytest.skip("raisonne index has no --verify yet")
    options = *verify("full"), "--strict"
    report = stage.play(f"{name} (full)", LIES[name], tmp_path / "market.duckdb", *options)
    assert report.first.code == 5 or report.lost == 0, "rows were lost without a word"
    assert_survived(report, stage.node, LIES[name])


def test_replica_without_old_logs_and_receipts_is_reported_and_asked_again(stage, tmp_path):
    """Nobody can prove what it hides: the bloom allows logs, and there are no receipts."""
    if not has_verify():
        pytest.skip("raisonne index has no --verify yet")
    options = *verify("full"), "--strict"
    report = stage.play(
        "pruned (full)", LIES["pruned replica"], tmp_path / "market.duckdb", *options
    )
    assert report.fired > 0
    assert report.first.code == 5
    assert "unproven" in report.first.out + report.first.err
    assert_survived(report, stage.node, LIES["pruned replica"])


@pytest.mark.parametrize("mode", ["sample", "full"])
def test_answers_cut_at_a_page_are_found_out(mode, stage, tmp_path):
    report = stage.play(
        f"cut at a page ({mode})", LIES["cut at a page"], tmp_path / "market.duckdb", *verify(mode)
    )
    assert report.first.code == 0
    assert_survived(report, stage.node, LIES["cut at a page"])
