"""A second opinion on recorded logs: what eth-abi and the Seaport documentation say they mean.

Nothing here is shared with the indexer, and nothing is fast: one log at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from eth_abi import decode
from eth_utils import keccak

from tests.recording import Json


def topic0(signature: str) -> str:
    """Topic of an event by its canonical signature."""
    return "0x" + keccak(text=signature).hex()


TRANSFER = topic0("Transfer(address,address,uint256)")
TRANSFER_SINGLE = topic0("TransferSingle(address,address,address,uint256,uint256)")
TRANSFER_BATCH = topic0("TransferBatch(address,address,address,uint256[],uint256[])")
_ITEMS = "(uint8,address,uint256,uint256)[]", "(uint8,address,uint256,uint256,address)[]"
ORDER_FULFILLED = topic0(f"OrderFulfilled(bytes32,address,address,address,{','.join(_ITEMS)})")
ORDERS_MATCHED = topic0("OrdersMatched(bytes32[])")

# Tokens older than ERC-721 in the recordings, whose Transfer indexes fewer arguments.
CRYPTOKITTIES = "0x06012c8cf97bead5deae237070f9587f8e7a266d"  # none
CRYPTOARTE = "0xbace7e22f06554339911a03b8e0ae28203da9598"  # sender and receiver
CRYPTOPUNKS = "0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb"  # events of its own
PUNK_TRANSFER = topic0("PunkTransfer(address,address,uint256)")
PUNK_BOUGHT = topic0("PunkBought(uint256,uint256,address,address)")

# Canonical deployments, the same on every chain (ProjectOpenSea/seaport, README).
SEAPORT = {
    "0x00000000006c3852cbef3e08e8df289169ede581": "1.1",
    "0x00000000000006c7676171937c444f6bde3d6282": "1.2",
    "0x0000000000000ad24e80fd803c6ac37206a45f15": "1.3",
    "0x00000000000001ad428e4906ae43d8f9852d0dd6": "1.4",
    "0x00000000000000adc04c56bf30ac9d3c0aaf14dc": "1.5",
    "0x0000000000000068f116a894984e2db1123eb395": "1.6",
}
NATIVE_COIN = "0x" + "00" * 20

Movement = tuple[str, int, str, str, int]
"""Collection, token id, from, to, quantity."""


def _address(topic: str) -> str:
    return "0x" + topic[26:]


def _data(log: Json) -> bytes:
    return bytes.fromhex(log["data"][2:])


def movements(log: Json) -> list[Movement]:
    """Token movements that a log tells of, in its order; none unless it is an NFT's transfer."""
    topics, collection = log["topics"], log["address"]
    if not topics:
        return []
    if collection == CRYPTOPUNKS:
        return _punk(log)
    if topics[0] == TRANSFER and len(topics) == 4:
        ends = _address(topics[1]), _address(topics[2])
        return [(collection, int(topics[3], 16), *ends, 1)]
    if topics[0] == TRANSFER and len(topics) == 1 and collection == CRYPTOKITTIES:
        sender, receiver, token = decode(["address", "address", "uint256"], _data(log))
        return [(collection, token, sender, receiver, 1)]
    if topics[0] == TRANSFER and len(topics) == 3 and collection == CRYPTOARTE:
        return [(collection, int(log["data"], 16), _address(topics[1]), _address(topics[2]), 1)]
    if topics[0] not in (TRANSFER_SINGLE, TRANSFER_BATCH) or len(topics) != 4:
        return []
    ends = _address(topics[2]), _address(topics[3])
    if topics[0] == TRANSFER_SINGLE:
        token, amount = decode(["uint256", "uint256"], _data(log))
        return [(collection, token, *ends, amount)]
    pairs = zip(*decode(["uint256[]", "uint256[]"], _data(log)), strict=True)
    return [(collection, token, *ends, amount) for token, amount in pairs]


def _punk(log: Json) -> list[Movement]:
    """A gift or a purchase; no accepted bid was recorded, and no punk's first owner."""
    topics = log["topics"]
    if topics[0] == PUNK_TRANSFER:
        ends = _address(topics[1]), _address(topics[2])
        return [(CRYPTOPUNKS, int(log["data"], 16), *ends, 1)]
    if topics[0] == PUNK_BOUGHT:
        ends = _address(topics[2]), _address(topics[3])
        return [(CRYPTOPUNKS, int(topics[1], 16), *ends, 1)]
    return []


@dataclass
class Order:
    """One OrderFulfilled: what the offerer gives and who is to get what for it."""

    order_hash: bytes
    recipient: str
    offer: tuple[tuple[int, str, int, int], ...]
    consideration: tuple[tuple[int, str, int, int, str], ...]


@dataclass
class Deal:
    """Orders that were settled against each other, or one order that a caller fulfilled."""

    orders: list[Order]
    is_matched: bool = False

    @property
    def items(self) -> Counter[tuple[str, int]]:
        """Units of each token that changed hands."""
        given = [item for order in self.orders for item in order.offer]
        taken = [item[:4] for order in self.orders for item in order.consideration]
        tokens = [item for item in given if item[0] >= 2] or [i for i in taken if i[0] >= 2]
        units: Counter[tuple[str, int]] = Counter()
        for _, collection, token, amount in tokens:
            units[collection, token] += amount
        return units

    @property
    def is_bid(self) -> bool:
        """A bid that a caller filled: he gets the offer and pays the consideration out of it."""
        return not self.is_matched and all(item[0] < 2 for item in self.orders[0].offer)

    @property
    def price(self) -> Counter[str]:
        """What the buyer paid by currency."""
        offered, asked = Counter[str](), Counter[str]()
        for order in self.orders:
            for kind, currency, _, amount in order.offer:
                if kind < 2:
                    offered[currency] += amount
            for kind, currency, _, amount, _recipient in order.consideration:
                if kind < 2:
                    asked[currency] += amount
        return offered or asked

    @property
    def paid(self) -> Counter[tuple[str, str]]:
        """Money by (currency, recipient): the considerations, and the rest of a bid."""
        legs: Counter[tuple[str, str]] = Counter()
        for order in self.orders:
            for kind, currency, _, amount, recipient in order.consideration:
                if kind < 2:
                    legs[currency, recipient] += amount
        if self.is_bid:
            ((_, currency, _, offered),) = self.orders[0].offer
            legs[currency, self.orders[0].recipient] += offered - legs.total()
        return +legs


@dataclass
class SeaportTransaction:
    """The Seaport logs of one transaction, in log order."""

    orders: list[Order] = field(default_factory=list)
    matched: list[tuple[bytes, ...]] = field(default_factory=list)

    def deals(self) -> list[Deal]:
        """Deals: each OrdersMatched joins its orders, every other order is one of its own."""
        by_hash = {order.order_hash: order for order in self.orders}
        joined = [Deal([by_hash[one] for one in hashes], True) for hashes in self.matched]
        taken = {one for hashes in self.matched for one in hashes}
        alone = [Deal([order]) for order in self.orders if order.order_hash not in taken]
        return joined + alone


def seaport_deals(logs: Iterable[Json]) -> dict[str, list[Deal]]:
    """Deals by transaction hash, of the canonical Seaport contracts."""
    found: dict[str, SeaportTransaction] = defaultdict(SeaportTransaction)
    for log in logs:
        if log["address"] not in SEAPORT or not log["topics"]:
            continue
        transaction = found[log["transactionHash"]]
        if log["topics"][0] == ORDERS_MATCHED:
            (hashes,) = decode(["bytes32[]"], _data(log))
            transaction.matched.append(hashes)
        elif log["topics"][0] == ORDER_FULFILLED:
            fields = decode(["bytes32", "address", *_ITEMS], _data(log))
            transaction.orders.append(Order(*fields))
    return {tx_hash: tx.deals() for tx_hash, tx in found.items() if tx.orders}
