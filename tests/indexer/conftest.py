import pytest

from data.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "market.duckdb") as opened:
        yield opened
