import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.protocols.matching import assign_by_amount, connect

edges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=25)


def by_search(pairs):
    """Components by plain graph search: the smallest node that each node can reach."""
    smallest = {}
    for node, _ in sorted(pairs):
        if node in smallest:
            continue
        reached, fresh = set(), {node}
        while fresh:
            reached |= fresh
            keys = {key for other, key in pairs if other in reached}
            fresh = {other for other, key in pairs if key in keys} - reached
        smallest |= dict.fromkeys(reached, node)
    return smallest


@settings(max_examples=60, deadline=None)
@given(edges)
def test_components_equal_those_of_a_graph_search(pairs):
    found = connect(pl.DataFrame(pairs, schema=["node", "key"], orient="row"))
    assert dict(found.rows()) == by_search(pairs)


def test_long_chain_is_one_component():
    links = [(n, n // 2) for n in range(40)] + [(n + 1, n // 2 + 100) for n in range(0, 38, 2)]
    links += [(n, (n - 1) // 2 + 100) for n in range(2, 40)]
    found = connect(pl.DataFrame(links, schema=["node", "key"], orient="row"))
    assert dict(found.rows()) == by_search(links)


def frame(rows, node):
    columns = {node: pl.Int64, "group": pl.String, "currency": pl.String, "amount": pl.Int128}
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_money_finds_the_trade_that_lacks_exactly_its_amount():
    givers = frame([(1, "g", "eth", 5), (2, "g", "eth", 7), (3, "g", "weth", 7)], "node")
    takers = frame([(10, "g", "eth", 7), (11, "g", "eth", 5), (12, "h", "weth", 7)], "component")
    assert sorted(assign_by_amount(givers, takers).rows()) == [(1, 11), (2, 10)]


def test_equal_amounts_are_each_used_once():
    givers = frame([(1, "g", "eth", 5), (2, "g", "eth", 5), (3, "g", "eth", 5)], "node")
    takers = frame([(10, "g", "eth", 5), (11, "g", "eth", 5)], "component")
    assert sorted(assign_by_amount(givers, takers).rows()) == [(1, 10), (2, 11)]
