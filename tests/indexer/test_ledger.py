"""The ledger of a few sales at a time is that of all sales at once."""

import pytest

from indexer.ledger import replace_ledger
from indexer.link import prepare_links, rebuild_links
from indexer.link_royalties import ROYALTY_LEDGER
from tests.indexer.test_relink_royalties import frames


@pytest.fixture
def at_once(store):
    """The rows that one query over all sales gives; the store holds facts of sixteen blocks."""
    with store.transaction() as transaction:
        for name, frame in frames().items():
            transaction.append(name, frame)
    rebuild_links(store)
    with store.transaction() as transaction:
        prepare_links(transaction)
        return sorted(
            transaction.query(ROYALTY_LEDGER).select(sorted(columns(store))).rows(), key=str
        )


def columns(store):
    return store.read("royalty_ledger").columns


@pytest.mark.parametrize("sales_at_once", [1, 2, 3, 5, 1_000])
def test_parts_of_any_size_give_the_rows_of_the_whole(store, at_once, sales_at_once):
    with store.transaction() as transaction:
        prepare_links(transaction)
        written = replace_ledger(transaction, sales_at_once)
    rows = store.read("royalty_ledger").select(sorted(columns(store))).rows()
    assert sorted(rows, key=str) == at_once
    assert written == len(at_once) > 10


def test_a_store_without_sales_has_an_empty_ledger(store):
    with store.transaction() as transaction:
        prepare_links(transaction)
        assert replace_ledger(transaction) == 0
