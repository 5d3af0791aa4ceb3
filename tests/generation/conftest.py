from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from generation.engine import open_engine
from generation.studio import generate_brief

NOW = datetime(2026, 1, 2, 3, 4, 5)
BRIEF = pl.DataFrame(
    {
        "brief_id": ["brief-1", "brief-1"],
        "line": [0, 1],
        "style": ["rings", "mosaic"],
        "works": [2, 1],
        "price_wei": [10**17, 25 * 10**16],
        "run_id": ["brief-run", "brief-run"],
    },
    schema_overrides={"price_wei": pl.Decimal(38, 0)},
)


@pytest.fixture(scope="session")
def quick_engine():
    """The built-in model at two steps: real in every part, poor in quality, 20 ms per image."""
    return open_engine(steps=2, device="cpu")


@pytest.fixture(scope="session")
def made(quick_engine, tmp_path_factory):
    """The works of BRIEF; read only, tests that tamper copy them."""
    out = tmp_path_factory.mktemp("works")
    return generate_brief(BRIEF, quick_engine, out, seed=1, created_at=NOW)


@pytest.fixture
def work(made, tmp_path):
    """A copy of one work, to tamper with: the path of its manifest."""
    row = made.row(0, named=True)
    for column in ("image_path", "manifest_path"):
        source = Path(row[column])
        (tmp_path / source.name).write_bytes(source.read_bytes())
    return tmp_path / Path(row["manifest_path"]).name
