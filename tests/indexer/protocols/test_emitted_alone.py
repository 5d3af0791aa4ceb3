"""What a transaction becomes does not depend on the transactions that are settled with it."""

import json

import polars as pl
import pytest

from data.schema import table
from tests.emission.emit import FOLDER
from tests.indexer.protocols.evidence import settle_emitted

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_facts_of_a_fixture_are_those_of_its_halves(name, tmp_path, monkeypatch):
    whole = settle_emitted.__wrapped__(name)
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    halves = [settle_some(name, recorded, part, tmp_path, monkeypatch) for part in (0, 1)]
    for key, frame in whole.items():
        declared = table(key)
        parts = [half[key] for half in halves if key in half]
        together = pl.concat(each.select(declared.column_names) for each in parts)
        expected = frame.select(declared.column_names).sort(declared.key)
        assert together.sort(declared.key).rows() == expected.rows(), key


def settle_some(name, recorded, part, tmp_path, monkeypatch):
    """Every other transaction of a fixture, as a fixture of its own."""
    some = {
        key: value[part::2] if key in ("transactions", "receipts", "traces") else value
        for key, value in recorded.items()
    }
    (tmp_path / f"{name}.json").write_text(json.dumps(some))
    monkeypatch.setattr("tests.indexer.protocols.evidence.FOLDER", tmp_path)
    return settle_emitted.__wrapped__(name)
