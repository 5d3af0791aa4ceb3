"""Empty stores for tests that fill them: copies of one, which is quicker than to make each."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from data.store import Store


@cache
def _empty() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """An empty store, with the folder that keeps it."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "market.duckdb"
    Store.open(path).close()
    return folder, path


def new_store(path: Path) -> Store:
    """Opens a new store at a path where nothing is yet."""
    assert not path.exists(), path
    shutil.copyfile(_empty()[1], path)
    return Store.open(path)
