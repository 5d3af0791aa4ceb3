"""The lists of currencies and price feeds hold together."""

import re

from data.currencies import currencies, price_feeds, priced_as
from data.units import NATIVE

ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def test_addresses_are_written_as_the_store_writes_them():
    written = [each.address for each in currencies().values()]
    written += [text for each in price_feeds() for text in (each.aggregator, each.currency)]
    assert [text for text in written if not ADDRESS.fullmatch(text)] == []


def test_every_feed_prices_a_known_currency_once():
    keys = [(each.chain_id, each.aggregator, each.currency) for each in price_feeds()]
    assert len(keys) == len(set(keys))
    assert {(chain, currency) for chain, _, currency in keys} <= set(currencies())
    ether = {each.currency for each in price_feeds() if each.pair == "ETH/USD"}
    assert ether == {NATIVE}


def test_ether_is_priced_as_the_native_coin_only_where_that_is_ether():
    weth = {chain: each for (chain, _), each in currencies().items() if each.symbol == "WETH"}
    assert priced_as(weth[1]) == NATIVE
    assert priced_as(weth[137]) == weth[137].address
    assert priced_as(currencies()[137, NATIVE]) == NATIVE


def test_decimals_are_those_of_the_contracts():
    decimals = {(each.chain_id, each.symbol): each.decimals for each in currencies().values()}
    assert [decimals[1, name] for name in ("USDC", "USDT", "DAI", "WBTC")] == [6, 6, 18, 8]
    assert {each.decimals for each in currencies().values() if each.address == NATIVE} == {18}
