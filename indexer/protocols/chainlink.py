"""Prices of ether, bitcoin and major stablecoins in USD, from Chainlink's aggregators.

Which aggregators, and which currencies they price, is a list: data/price_feeds.csv. Source of the
event: smartcontractkit/chainlink, AggregatorInterface.
"""

from collections.abc import Mapping, Sequence

from data.currencies import price_feeds
from indexer.abi import Decoded
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.quotes import ANSWER, quotes


def _routes(context: ChainContext) -> Sequence[Route]:
    feeds = [each for each in price_feeds() if each.chain_id == context.chain_id]
    if not feeds:
        return []
    return [Route(ANSWER, "aggregator", frozenset(each.aggregator for each in feeds))]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    feeds = [each for each in price_feeds() if each.chain_id == around.context.chain_id]
    return {"prices": quotes(events["AnswerUpdated"].rows, feeds)}


PROTOCOL = Protocol(
    "chainlink",
    _routes,
    _settle,
    limits=(
        "Aggregators are named in data/price_feeds.csv (Ethereum, Optimism, Base, Arbitrum); one"
        " that Chainlink takes into use later prices nothing until it is added there.",
        "WBTC is priced as bitcoin.",
    ),
)
