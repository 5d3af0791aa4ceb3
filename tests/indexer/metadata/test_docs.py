"""The page about metadata lists every limit with its value, and every status."""

import re
from dataclasses import asdict

import pytest

from indexer.metadata.limits import DecodeLimits, FetchLimits
from tests.paths import REPO_ROOT

PAGE = (REPO_ROOT / "docs" / "metadata.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "limits"), [("FetchLimits", FetchLimits()), ("DecodeLimits", DecodeLimits())]
)
def test_limits_are_those_of_the_page(name, limits):
    section = PAGE.split(f"limits.{name}`")[1].split("\nEach ")[0].split("\nBesides")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", section, re.MULTILINE))
    assert told == {key: f"{value:,g}" if value < 10**5 else f"{value:,}"
                    for key, value in asdict(limits).items()}  # fmt: skip


@pytest.mark.parametrize("status", ["fetched", "refused", "waiting", "failed"])
def test_every_status_is_explained(status):
    assert f"| `{status}` |" in PAGE
