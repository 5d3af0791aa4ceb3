"""How nodes say that a request for logs is too much, and what they say would work.

Structural limits (`range`, `criteria`) depend on the request alone and never change; density limits
(`results`, `bytes`) depend on what the blocks hold. Each phrasing names the public thread that
quotes it; `example` is the quoted message, cut to what identifies it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class LimitKind(StrEnum):
    """What a refused request had too much of."""

    RANGE = "range"
    CRITERIA = "criteria"
    RESULTS = "results"
    BYTES = "bytes"


@dataclass(frozen=True)
class Phrasing:
    """One way to refuse; `pattern` may name the limit in a group `cap`."""

    kind: LimitKind
    pattern: re.Pattern[str]
    provider: str
    source: str
    example: str


@dataclass(frozen=True)
class Refusal:
    """A recognised refusal: the limit and the block range (both ends count) that the text names."""

    kind: LimitKind
    cap: int | None = None
    suggested: tuple[int, int] | None = None
    phrasing: Phrasing | None = field(default=None, compare=False)


_CAP = r"(?P<cap>\d[\d,._]*\s?k?)\b"
_RANGE, _CRITERIA = LimitKind.RANGE, LimitKind.CRITERIA
_RESULTS, _BYTES = LimitKind.RESULTS, LimitKind.BYTES


def _phrasing(kind: LimitKind, provider: str, source: str, pattern: str, example: str) -> Phrasing:
    compiled = re.compile(pattern.replace("{cap}", _CAP), re.IGNORECASE)
    return Phrasing(kind, compiled, provider, source, example)


PHRASINGS: tuple[Phrasing, ...] = (
    # -- too many results: asked first, since some of these also speak of ranges that would work
    _phrasing(
        _RESULTS, "Infura", "ethers-io/ethers.js#4703",
        r"query returned more than {cap} results",
        "query returned more than 10000 results. Try with this block range [0xBDE5F8, 0x102DBCC].",
    ),
    _phrasing(
        _RESULTS, "zkSync", "matter-labs/zksync-era#3412",
        r"query returned more than {cap} results",
        "Query returned more than 10000 results. Try with this block range [0x0, 0x30f].",
    ),
    _phrasing(
        _RESULTS, "Alchemy", "ethereum/go-ethereum#25343",
        r"log response size exceeded.*cap of {cap} logs",
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"
        " and no limit on the response size, or you can request any block range with a cap of 10K"
        " logs in the response. Based on your parameters and the response size limit, this block"
        " range should work: [0x0, 0x87fe9]",
    ),
    _phrasing(
        _RESULTS, "Horizen", "HorizenOfficial/Sidechains-SDK#835",
        r"log response size exceeded.*up to a {cap} response size",
        "Log response size exceeded. You can make eth_getLogs requests with up to a 10000 response"
        " size. Limit some parameters and try again.",
    ),
    _phrasing(
        _RESULTS, "Alchemy (2020)", "bancorprotocol/webapp#523",
        r"log response size exceeded",
        "Log response size exceeded. Please reduce query block range.",
    ),
    _phrasing(
        _RESULTS, "Reth", "paradigmxyz/reth#23810",
        r"query exceeds max results {cap}",
        "query exceeds max results 20000, retry with the range 25766988-25775072",
    ),
    _phrasing(
        _RESULTS, "Erigon", "erigontech/erigon#19721",
        r"query returns too many logs, narrow your filter: {cap}",
        "query returns too many logs, narrow your filter: 20000",
    ),
    _phrasing(
        _RESULTS, "BNB Chain", "DefiLlama/dimension-adapters#286",
        r"^\W*limit exceeded\W*$",
        "limit exceeded",
    ),
    # -- too many bytes
    _phrasing(
        _BYTES, "Alchemy", "ponder-sh/ponder#407",
        r"response size is larger than (?P<cap>\d+)\s?mb",
        "Response size is larger than 150MB limit",
    ),
    _phrasing(
        _BYTES, "zkSync, Forest (jsonrpsee)", "ChainSafe/forest#7024",
        r"response is too big\W+exceeded max limit of {cap}",
        "Response is too big: Exceeded max limit of 67108864",
    ),
    # -- too many addresses in the filter
    _phrasing(
        _CRITERIA, "Arbitrum", "graphprotocol/support#109",
        r"addresses specified in query, but only {cap} are allowed",
        "1001 addresses specified in query, but only 1000 are allowed",
    ),
    # -- too wide a range
    _phrasing(
        _RANGE, "Infura", "INFURA/infura#237",
        r"range \d+ exceeds limit of {cap}",
        "range 1000000 exceeds limit of 10000",
    ),
    _phrasing(
        _RANGE, "Alchemy", "BobTheBuidler/dank_mids#772",
        r"eth_getLogs requests with up to a {cap} block range",
        "You can make eth_getLogs requests with up to a 500 block range. Based on your parameters,"
        " this block range should work: [0x123c9b2, 0x123cba5]",
    ),
    _phrasing(
        _RANGE, "QuickNode", "OffchainLabs/arbitrum-sdk#609",
        r"eth_getLogs is limited to an? {cap} (?:blocks? )?range",
        "eth_getLogs is limited to a 10,000 range",
    ),
    _phrasing(
        _RANGE, "QuickNode (2022)", "thirdweb-dev/js#275",
        r"eth_newFilter are limited to an? {cap} blocks? range",
        "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range",
    ),
    _phrasing(
        _RANGE, "Tenderly", "bobanetwork/boba_legacy#827",
        r"range \d+ is bigger than range limit {cap}",
        "invalid params: range 9009594 is bigger than range limit 2000",
    ),
    _phrasing(
        _RANGE, "BNB Chain", "omni/tokenbridge#538",
        r"exceed maximum block range: {cap}",
        "exceed maximum block range: 5000",
    ),
    _phrasing(
        _RANGE, "Polygon (Matic)", "AlphaWallet/alpha-wallet-ios#3733",
        r"block range too large, range: \d+, max: {cap}",
        "eth_getLogs block range too large, range: 99991, max: 3500",
    ),
    _phrasing(
        _RANGE, "Polygon zkEVM", "0xPolygon/zkevm-node#3136",
        r"logs are limited to an? {cap} block range",
        "logs are limited to a 10000 block range",
    ),
    _phrasing(
        _RANGE, "Polygon CDK Erigon", "0xPolygon/cdk-erigon#1706",
        r"block range too large, max range: {cap}",
        "block range too large, max range: 1000",
    ),
    _phrasing(
        _RANGE, "Ankr", "ponder-sh/ponder#1940",
        r"maximum \[from, to\] blocks distance: {cap}",
        "maximum [from, to] blocks distance: 10000",
    ),
    _phrasing(
        _RANGE, "Avalanche", "ponder-sh/ponder#1783",
        r"requested too many blocks from .{1,80} maximum is set to {cap}",
        "requested too many blocks from 1000 to 9000, maximum is set to 2048",
    ),
    _phrasing(
        _RANGE, "Moonbeam", "moonbeam-foundation/moonbeam#3250",
        r"block range is too wide \(maximum {cap}\)",
        "block range is too wide (maximum 1024)",
    ),
    _phrasing(
        _RANGE, "Reth", "paradigmxyz/reth#8558",
        r"query exceeds max block range {cap}",
        "query exceeds max block range 5000",
    ),
    _phrasing(
        _RANGE, "Arc", "circlefin/arc-node#383",
        r"query exceeds max block range of {cap}",
        "Query exceeds max block range of 10000",
    ),
    _phrasing(
        _RANGE, "Erigon", "erigontech/erigon#19721",
        r"query block range exceeds server limit, narrow your filter: {cap}",
        "query block range exceeds server limit, narrow your filter: 1000",
    ),
    _phrasing(
        _RANGE, "Morph", "enviodev/hyperindex#605",
        r"block range is larger than max block range.{0,40} max block range = {cap}",
        "block range is larger than max block range, block range = 5120, max block range = 5000",
    ),
    _phrasing(
        _RANGE, "Energy Web", "energywebfoundation/origin#2378",
        r"query requested more than {cap} blocks",
        "Limit exceeded: Query requested more than 10.000 blocks",
    ),
    _phrasing(
        _RANGE, "Aion", "aionnetwork/aion#1080",
        r"can't query more than {cap} blocks",
        "jsonrpc - eth_newFilter(): can't query more than 1000 blocks",
    ),
    _phrasing(
        _RANGE, "Scroll", "scroll-tech/go-ethereum#529",
        r"block range is bigger than maxBlockRange",
        "block range is bigger than maxBlockRange",
    ),
    _phrasing(
        _RANGE, "Chainstack", "matter-labs/zksync-era#2974",
        r"block range limit exceeded",
        "Block range limit exceeded. See more details at https://docs.chainstack.com/docs/limits",
    ),
    _phrasing(
        _RANGE, "Candle", "AlphaWallet/alpha-wallet-ios#5277",
        r"block range too high",
        "block range too high",
    ),
)  # fmt: skip
"""Refusals as public threads quote them."""

# Not quoted anywhere we know: what the next provider is likely to say. Tried after all others.
_UNQUOTED = (
    (_BYTES, r"(?:response|result|payload).{0,20}(?:too (?:large|big)|larger than|size exceed)"),
    (_RESULTS, r"more than {cap} (?:results|logs)"),
    (_RESULTS, r"too many (?:results|logs)|(?:results|logs) (?:limit )?exceed"),
    (_RESULTS, r"exceed\w* (?:the )?(?:max\w* )?(?:number of )?(?:results|logs)"),
    (_RANGE, r"(?:block )?range\b.{0,40}\b(?:at most|up to|max\w*|limit(?: is|:)?) ?{cap}"),
    (_RANGE, r"limited to (?:an? |at most )?{cap} blocks?"),
    (_RANGE, r"(?:more than|over) {cap} blocks"),
    (_RANGE, r"block range\b.{0,30}\b(?:too|exceed|limit|larger|greater|wide)"),
    (_RANGE, r"\brange\b.{0,20}\b(?:too (?:large|wide|big)|limit exceeded|exceeds the)"),
    (_RANGE, r"exceed\w*.{0,30}\bblock range"),
    (_RANGE, r"too many blocks"),
)
_GUESSES = tuple(
    (kind, re.compile(text.replace("{cap}", _CAP), re.IGNORECASE)) for kind, text in _UNQUOTED
)

# Both speak of ranges, and of something else: a node that lacks the blocks, or a wrong request.
_NOT_A_LIMIT = re.compile(
    r"beyond (?:the )?(?:current )?head|invalid block range|blockchain height|after to block"
    r"|per second|\d/s(?:ec)?\b|rate limit",
    re.IGNORECASE,
)
_SUGGESTIONS = (
    re.compile(r"\[\s*0x(?P<first>[0-9a-f]{1,16}),\s*0x(?P<last>[0-9a-f]{1,16})\s*\]", re.I),
    re.compile(r"range:?\s+(?P<first>\d{1,19})\s*-\s*(?P<last>\d{1,19})\b", re.I),
)


def recognise(text: str) -> Refusal | None:
    """What a node's message refuses, or None when it is about something else.

    Args:
        text: the message; where the error has `data`, that too, since some put the reason there.
    """
    if _NOT_A_LIMIT.search(text):
        return None
    for kind, pattern, phrasing in _candidates():
        match = pattern.search(text)
        if match:
            named = match.groupdict().get("cap")
            cap = None if named is None else _number(named)
            if kind is LimitKind.BYTES and cap is not None and "mb" in text.lower():
                cap *= 1_000_000
            return Refusal(kind, cap, _suggestion(text), phrasing)
    return None


def honoured(
    suggested: tuple[int, int] | None, start: int, end: int
) -> list[tuple[int, int]] | None:
    """The blocks `start:end` cut where a node suggested, in order; None for useless suggestions.

    A suggestion counts only if it lies inside the request and is narrower: nodes have suggested the
    refused range itself (paradigmxyz/reth#23810), inverted ranges and ranges that cannot work
    (matter-labs/zksync-era#3412).
    """
    if suggested is None:
        return None
    first, last = suggested
    if not (start <= first <= last < end) or last + 1 - first >= end - start:
        return None
    parts = [(start, first), (first, last + 1), (last + 1, end)]
    return [part for part in parts if part[0] < part[1]]


def _candidates() -> Iterator[tuple[LimitKind, re.Pattern[str], Phrasing | None]]:
    for phrasing in PHRASINGS:
        yield phrasing.kind, phrasing.pattern, phrasing
    for kind, pattern in _GUESSES:
        yield kind, pattern, None


def _suggestion(text: str) -> tuple[int, int] | None:
    for pattern, base in zip(_SUGGESTIONS, (16, 10), strict=True):
        match = pattern.search(text)
        if match:
            return int(match["first"], base), int(match["last"], base)
    return None


def _number(text: str) -> int | None:
    """A limit as nodes write it: 10000, 10,000, 10.000 and 10K; None for nothing usable."""
    scale = 1_000 if text.lower().endswith("k") else 1
    digits = re.sub(r"\D", "", text)
    number = int(digits[:18]) * scale if digits else 0
    return number or None
