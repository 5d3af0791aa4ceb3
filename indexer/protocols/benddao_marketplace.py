"""BendDAO's marketplace, a fork of LooksRare 1 that also names the protocol's fee.

The seller's part often goes to a proxy of the seller, which repays the loan on the token out of it:
the leg names the proxy, the sale the seller. Source: events of the protocol table; the fee event as
recorded (its topic is the hash of the signature below).
"""

from collections.abc import Mapping, Sequence

from indexer.abi import Decoded
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.looksrare_v1 import (
    FEE_PAYMENT,
    ROYALTY_PAYMENT,
    TAKER_ASK,
    TAKER_BID,
    sales_and_legs,
)
from indexer.protocols.sales import sale_tables, with_standard

_NAME = "benddao_marketplace"
_EXCHANGE = frozenset({"0x7e832ec8ad6f66e6c9ece63acd94516dd7fc537a"})
_CLASSES = {"RoyaltyPayment": "creator", "ProtocolFeePayment": "platform"}


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    events = (TAKER_ASK, TAKER_BID, ROYALTY_PAYMENT, FEE_PAYMENT)
    return [Route(event, "1", _EXCHANGE) for event in events]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    sales, legs = sales_and_legs(events, around, _CLASSES, "seller")
    if not sales.width:
        return {}
    return sale_tables(_NAME, with_standard(sales, around.fact("transfers")), [legs])


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt"}),
    after=("erc721", "erc1155"),
    limits=("The seller's leg may name a proxy of the seller, which repays a loan out of it.",),
)
