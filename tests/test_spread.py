"""Tests of a parallel run stay with those that use what they use."""

from dataclasses import dataclass, field

import pytest

from tests.spread import ROOT, share_out


@dataclass
class Item:
    """A collected test: its file, its fixtures, and the marks that it gets."""

    name: str
    fixturenames: tuple[str, ...] = ()
    marks: list[pytest.Mark] = field(default_factory=list)

    @property
    def path(self):
        return ROOT / self.name

    def add_marker(self, decorator):
        self.marks.append(decorator.mark)


def shares(*items):
    """The share of each test, in the order in which they are to run."""
    sorted_items = list(items)
    share_out(sorted_items)
    return [(item.name, item.marks[0].args[0]) for item in sorted_items]


def test_files_that_use_a_costly_fixture_are_one_share_and_come_first():
    found = shares(
        Item("data/test_store.py"),
        Item("indexer/test_relink.py"),
        Item("indexer/test_relink.py", ("market", "demo_store")),
        Item("integration/test_mainnet_replay.py", ("replayed",)),
    )
    assert found == [
        ("indexer/test_relink.py", "costly"),
        ("indexer/test_relink.py", "costly"),
        ("integration/test_mainnet_replay.py", "costly"),
        ("data/test_store.py", "data/test_store"),
    ]


def test_packages_with_many_small_fixtures_are_one_share_each():
    found = shares(
        Item("analytics/test_cli.py"),
        Item("analytics/wash/test_score.py"),
        Item("indexer/protocols/test_nouns.py"),
    )
    assert [share for _, share in found] == ["indexer/protocols", "analytics", "analytics"]


def test_other_files_are_shares_of_their_own_with_the_indexer_before_the_rest():
    found = shares(
        Item("test_node.py"),
        Item("indexer/test_run.py"),
        Item("browser/test_pages.py"),
        Item("indexer/test_plan.py"),
        Item("integration/test_faults_campaign.py"),
    )
    assert [share for _, share in found] == [
        "integration/test_faults_campaign",
        "indexer/test_plan",
        "indexer/test_run",
        "browser/test_pages",
        "test_node",
    ]


def test_workers_know_the_shares(request):
    """Marks that come too late are ignored without a word: they end up in the name of the test."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there are no workers: this is no parallel run")
    assert request.node.nodeid.endswith("@test_spread")
