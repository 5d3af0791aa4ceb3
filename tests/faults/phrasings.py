"""How nodes and providers word a refusal of eth_getLogs, each with a thread that quotes it.

The words are those of the thread, with the numbers as places: `{limit}` the cap, `{commas}` the
same with thousands separated, `{width}` the blocks that were asked for and `{end}` the last of
them, `{first}` and `{last}` a range said to work (`x` after the name: in hexadecimal), `{mega}` the
cap in millions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

INVALID_REQUEST, INVALID_PARAMS, SERVER_ERROR, LIMIT_EXCEEDED = -32600, -32602, -32000, -32005


@dataclass(frozen=True)
class Phrasing:
    """One wording.

    `caps` is what it refuses: too many blocks, logs or bytes. `names` is the number that a client
    may take from it: the cap, a range that works, or none. `payload` goes into `error.data`.
    """

    name: str
    caps: Literal["blocks", "logs", "bytes"]
    names: Literal["limit", "range", "none"]
    code: int
    words: str
    evidence: str
    status: int = 200
    payload: str | None = None


_ALCHEMY_SIZE = (
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and "
    "no limit on the response size, or you can request any block range with a cap of {limit} logs "
    "in the response. Based on your parameters and the response size limit, this block range "
    "should work: [{firstx}, {lastx}]"
)

PHRASINGS = [
    # too many blocks, with the cap
    Phrasing("infura", "blocks", "limit", INVALID_PARAMS,
             "range {width} exceeds limit of {limit}", "INFURA/infura#237"),
    Phrasing("reth", "blocks", "limit", INVALID_PARAMS,
             "query exceeds max block range {limit}", "paradigmxyz/reth#8558"),
    Phrasing("arc", "blocks", "limit", INVALID_REQUEST,
             "Query exceeds max block range of {limit}", "circlefin/arc-node#383"),
    Phrasing("morph", "blocks", "limit", SERVER_ERROR,
             "block range is larger than max block range, block range = {width}, "
             "max block range = {limit}", "enviodev/hyperindex#605"),
    Phrasing("bsc", "blocks", "limit", SERVER_ERROR,
             "exceed maximum block range: {limit}", "AlphaWallet/alpha-wallet-android#2736"),
    Phrasing("moonbeam", "blocks", "limit", SERVER_ERROR,
             "block range is too wide (maximum {limit})", "moonbeam-foundation/moonbeam#3250"),
    Phrasing("masq", "blocks", "limit", LIMIT_EXCEEDED,
             "eth_getLogs block range too large, range: {width}, max: {limit}",
             "MASQ-Project/MASQ-Node-issues#585"),
    Phrasing("avalanche", "blocks", "limit", SERVER_ERROR,
             "requested too many blocks from {first} to {end}, maximum is set to {limit}",
             "ponder-sh/ponder#1783"),
    Phrasing("aion", "blocks", "limit", SERVER_ERROR,
             "jsonrpc - eth_newFilter(): can't query more than {limit} blocks",
             "aionnetwork/aion#1080"),
    Phrasing("quicknode", "blocks", "limit", -32614,
             "eth_getLogs is limited to a {commas} range", "OffchainLabs/arbitrum-sdk#609", 413),
    Phrasing("tenderly", "blocks", "limit", INVALID_PARAMS,
             "invalid params", "bobanetwork/boba_legacy#827",
             payload="range {width} is bigger than range limit {limit}"),
    # too many blocks, with a range that works
    Phrasing("alchemy free", "blocks", "range", INVALID_REQUEST,
             "You can make eth_getLogs requests with up to a {limit} block range. Based on your "
             "parameters, this block range should work: [{firstx}, {lastx}]",
             "BobTheBuidler/dank_mids#772", 400),
    # too many blocks, without a number
    Phrasing("candle", "blocks", "none", INVALID_REQUEST,
             "block range too high", "AlphaWallet/alpha-wallet-ios#5277"),
    Phrasing("scroll", "blocks", "none", SERVER_ERROR,
             "block range is bigger than maxBlockRange", "scroll-tech/go-ethereum#529"),
    Phrasing("optimism", "blocks", "none", SERVER_ERROR,
             "Block range is too large", "enviodev/hyperindex#603"),
    # too many logs
    Phrasing("aurora", "logs", "limit", LIMIT_EXCEEDED,
             "query returned more than {limit} results", "aurora-is-near/aurora-relayer#327"),
    Phrasing("zeta", "logs", "limit", SERVER_ERROR,
             "query returned more than {limit} results", "zeta-chain/node#3265"),
    Phrasing("zksync", "logs", "range", INVALID_PARAMS,
             "Query returned more than {limit} results. Try with this block range "
             "[{firstx}, {lastx}].", "matter-labs/zksync-era#3412"),
    Phrasing("reth logs", "logs", "range", INVALID_PARAMS,
             "query exceeds max results {limit}, retry with the range {first}-{last}",
             "paradigmxyz/reth#23810"),
    Phrasing("alchemy", "logs", "range", INVALID_PARAMS, _ALCHEMY_SIZE,
             "ethereum/go-ethereum#25343"),
    Phrasing("alchemy 2020", "logs", "none", SERVER_ERROR,
             "Log response size exceeded. Please reduce query block range.",
             "bancorprotocol/webapp#523"),
    Phrasing("horizen", "logs", "limit", INVALID_PARAMS,
             "Log response size exceeded. You can make eth_getLogs requests with up to a {limit} "
             "response size. Limit some parameters and try again.",
             "HorizenOfficial/Sidechains-SDK#835"),
    # too many bytes
    Phrasing("zksync bytes", "bytes", "none", -32008,
             "Response is too big", "matter-labs/zksync-era#3412",
             payload="Exceeded max limit of {limit}"),
    Phrasing("alchemy bytes", "bytes", "none", INVALID_REQUEST,
             "Response size is larger than {mega}MB limit", "ponder-sh/ponder#407", 400),
]  # fmt: skip
