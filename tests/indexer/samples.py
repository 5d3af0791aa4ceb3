"""Logs made for tests, encoded by eth-abi: as frames for decoding, and as JSON for nodes."""

import polars as pl
from eth_abi import encode

from data.schema import table
from indexer.evidence import parse_logs
from indexer.signature import Leaf, parse_signature

COLLECTION = "0x" + "c0" * 20
ALICE, BOB, CAROL, DAVE = ("0x" + byte * 20 for byte in ("a1", "b0", "ca", "da"))
ZERO = "0x" + "00" * 20
OPENSEA = "0x0000a26b00c1f0df003000390027140000faa719"
SEAPORT_1_1 = "0x00000000006c3852cbef3e08e8df289169ede581"
SEAPORT_1_5 = "0x00000000000000adc04c56bf30ac9d3c0aaf14dc"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
TRANSFER_SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
TRANSFER_BATCH = (
    "TransferBatch(address indexed operator, address indexed from, address indexed to,"
    " uint256[] ids, uint256[] values)"
)
ORDER_FULFILLED = (
    "OrderFulfilled(bytes32 orderHash, address indexed offerer, address indexed zone,"
    " address recipient, (uint8,address,uint256,uint256)[] offer,"
    " (uint8,address,uint256,uint256,address)[] consideration)"
)
ORDERS_MATCHED = "OrdersMatched(bytes32[] orderHashes)"


def word(value, *, fork=0):
    """32 bytes as hex, of a number or an address."""
    return f"0x{fork:02x}{(value if isinstance(value, int) else int(value, 16)):062x}"


def block_hash(number, fork=0):
    return word(0xB10C_0000_0000 + number, fork=fork)


def tx_hash(number, fork=0):
    return word(0x7A_0000_0000 + number, fork=fork)


def make_log(
    signature,
    *arguments,
    address=COLLECTION,
    block=100,
    index=0,
    tx=None,
    tx_index=0,
    fork=0,
    data=None,
):
    """One log in the shape of eth_getLogs; `data` overrides the encoded arguments."""
    event = parse_signature(signature)
    pairs = list(zip(event.parameters, arguments, strict=True))
    indexed = [encode([p.type.canonical], [value]) for p, value in pairs if p.indexed]
    rest = [(p.type.canonical, value) for p, value in pairs if not p.indexed]
    assert all(isinstance(p.type, Leaf) for p, _ in pairs if p.indexed)
    encoded = encode([kind for kind, _ in rest], [value for _, value in rest])
    return {
        "address": address,
        "topics": [event.topic0, *("0x" + topic.hex() for topic in indexed)],
        "data": "0x" + (encoded if data is None else data).hex(),
        "blockNumber": hex(block),
        "blockHash": block_hash(block, fork),
        "blockTimestamp": hex(1_700_000_000 + 12 * block),
        "transactionHash": tx_hash(block * 100 if tx is None else tx, fork),
        "transactionIndex": hex(tx_index),
        "logIndex": hex(index),
        "removed": False,
    }


def make_transfer(token_id, sender=ALICE, receiver=BOB, **place):
    return make_log(TRANSFER, sender, receiver, token_id, **place)


def make_order(offerer, recipient, offer, consideration, *, order=1, address=SEAPORT_1_5, **place):
    """An OrderFulfilled log; `order` numbers the order hash."""
    return make_log(
        ORDER_FULFILLED,
        order.to_bytes(32, "big"),
        offerer,
        ZERO,
        recipient,
        offer,
        consideration,
        address=address,
        **place,
    )


def make_match(orders, *, address=SEAPORT_1_5, **place):
    hashes = [order.to_bytes(32, "big") for order in orders]
    return make_log(ORDERS_MATCHED, hashes, address=address, **place)


def frame_of(logs, chain_id=1):
    """Logs as rows of the table `logs`."""
    import json

    if not logs:
        return table("logs").empty()
    parsed = parse_logs([json.dumps(logs).encode()], chain_id)
    assert parsed.malformed.is_empty()
    return parsed.logs


def one(frame: pl.DataFrame):
    """The only row of a frame, as a dict."""
    assert frame.height == 1, frame
    return frame.row(0, named=True)
