"""The URI of tokens, asked of their contracts in batches."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from indexer.answers import Request
from indexer.errors import BatchRefused, SizeRefused, SlowAnswer
from indexer.metadata.locations import substitute_id
from indexer.rpc import RpcClient

_TOKEN_URI, _URI = "c87b56dd", "0e89341c"  # tokenURI(uint256), uri(uint256)
# A hostile contract answers with megabytes per token; so much of it is held at a time.
_BATCH = 25
_CONCURRENT = 2
_MAX_URI = 3 << 19  # 1 MiB in base64, and some
_WORD = 32


@dataclass(frozen=True)
class Token:
    """A token whose URI is wanted."""

    collection: str
    token_id: str
    standard: str

    @property
    def method(self) -> str:
        """The function of the standard that tells it."""
        return "uri" if self.standard == "erc1155" else "tokenURI"


@dataclass(frozen=True)
class Read:
    """The URI that a contract told at a block, or why it told none."""

    token: Token
    uri: str | None
    reason: str | None


@dataclass(frozen=True)
class Place:
    """The block that contracts are asked at."""

    number: int
    hash: str
    time: datetime


async def find_place(client: RpcClient) -> Place:
    """The newest block."""
    header: dict[str, Any] = await client.call("eth_getBlockByNumber", "latest", False)
    time = datetime.fromtimestamp(int(header["timestamp"], 16), UTC).replace(tzinfo=None)
    return Place(int(header["number"], 16), header["hash"].lower(), time)


async def read_uris(client: RpcClient, tokens: Sequence[Token], place: Place) -> list[Read]:
    """What the contracts tell of each token, in its order; {id} is replaced.

    A contract that reverts, answers with no text or answers endlessly is a reason, not an error.

    Raises:
        UpstreamError: the endpoint does not answer.
    """
    parts = [tokens[at : at + _BATCH] for at in range(0, len(tokens), _BATCH)]
    slots = asyncio.Semaphore(_CONCURRENT)

    async def read(part: Sequence[Token]) -> list[Read]:
        async with slots:
            return await _read_part(client, part, place)

    return [each for found in await asyncio.gather(*map(read, parts)) for each in found]


async def _read_part(client: RpcClient, tokens: Sequence[Token], place: Place) -> list[Read]:
    try:
        results = await client.batch([_request(token, place) for token in tokens])
    except (SizeRefused, SlowAnswer, BatchRefused):
        if len(tokens) == 1:
            reason = f"{tokens[0].method} answers with too much, or takes too long"
            return [Read(tokens[0], None, reason)]
        half = len(tokens) // 2
        return [
            *await _read_part(client, tokens[:half], place),
            *await _read_part(client, tokens[half:], place),
        ]
    return [_read(token, raw) for token, raw in zip(tokens, results, strict=True)]


def _request(token: Token, place: Place) -> Request:
    selector = _URI if token.standard == "erc1155" else _TOKEN_URI
    call = {"to": token.collection, "data": f"0x{selector}{int(token.token_id):064x}"}
    return Request("eth_call", (call, hex(place.number)), may_revert=True)


def _read(token: Token, raw: bytes) -> Read:
    if not raw:
        return Read(token, None, f"{token.method} reverts")
    uri = decode_text(msgspec.json.decode(raw))
    if uri is None:
        return Read(token, None, f"{token.method} answers with no text")
    if len(uri) > _MAX_URI:
        return Read(token, None, f"{token.method} answers with too much")
    return Read(token, substitute_id(uri, token.token_id), None)


def decode_text(answer: object) -> str | None:
    """The text in the ABI encoding of one string; None when it is none."""
    try:
        raw = bytes.fromhex(str(answer).removeprefix("0x"))
        start = int.from_bytes(raw[:_WORD], "big")
        size = int.from_bytes(raw[start : start + _WORD], "big")
        text = raw[start + _WORD : start + _WORD + size]
        if len(raw) < 2 * _WORD or start + _WORD > len(raw) or len(text) != size:
            return None
        return text.decode()
    except (ValueError, OverflowError):
        return None
