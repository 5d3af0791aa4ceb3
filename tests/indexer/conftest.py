import pytest

from tests.stores import new_store


@pytest.fixture
def store(tmp_path):
    with new_store(tmp_path / "market.duckdb") as opened:
        yield opened
