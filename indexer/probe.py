"""Single calls to one endpoint that may fail: what a diagnosis asks, and what came of it.

Nothing is retried and nothing raised: a refusal is a finding.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from data.masking import mask_urls

_MOST_BYTES = 64 << 20
_NO_METHOD = -32601


@dataclass(frozen=True)
class Answer:
    """What a call gave: a result, or an error in words. `n_bytes` is the size of the body."""

    result: Any = None
    error: str = ""
    is_unknown_method: bool = False
    elapsed_ms: float = 0.0
    n_bytes: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether there is a result that is not null."""
        return not self.error and self.result is not None


@dataclass
class Probe:
    """One endpoint, with a time limit for each post and a count of the calls made."""

    url: str
    session: aiohttp.ClientSession
    timeout_s: float = 10.0
    calls: int = field(default=0)

    async def call(self, method: str, *params: Any) -> Answer:
        """One call, sent alone."""
        (answer,) = await self._send([(method, params)], is_batch=False)
        return answer

    async def batch(self, calls: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Answer]:
        """Several calls in one JSON-RPC batch; the same error for all where it is refused whole."""
        return await self._send(calls, is_batch=True)

    async def _send(
        self, calls: Sequence[tuple[str, tuple[Any, ...]]], *, is_batch: bool
    ) -> list[Answer]:
        self.calls += len(calls)
        asked = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, (method, params) in enumerate(calls)
        ]
        started = time.monotonic()
        try:
            status, body = await self._post(msgspec.json.encode(asked if is_batch else asked[0]))
        except TimeoutError:
            return [Answer(error=f"no answer within {self.timeout_s:g} s")] * len(calls)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = mask_urls(str(error) or type(error).__name__)
            return [Answer(error=f"no connection: {reason}")] * len(calls)
        elapsed_ms = (time.monotonic() - started) * 1_000
        answers = _read(status, body, is_batch=is_batch)
        missing = Answer(error="left unanswered")
        whole = answers.get(None)
        return [
            _timed(answers.get(place) or whole or missing, elapsed_ms, len(body))
            for place in range(len(calls))
        ]

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        async with (
            asyncio.timeout(self.timeout_s),
            self.session.post(self.url, data=body, headers=headers) as reply,
        ):
            content = bytearray()
            async for chunk in reply.content.iter_any():
                content += chunk
                if len(content) > _MOST_BYTES:
                    message = f"more than {_MOST_BYTES >> 20} MiB"
                    raise ValueError(message)
            return reply.status, bytes(content)


def _timed(answer: Answer, elapsed_ms: float, n_bytes: int) -> Answer:
    return Answer(answer.result, answer.error, answer.is_unknown_method, elapsed_ms, n_bytes)


def _read(status: int, body: bytes, *, is_batch: bool) -> dict[int | None, Answer]:
    """Answers by id; under None one for all calls, where the endpoint did not tell them apart."""
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        start = body[:60].decode("utf-8", "replace").replace("\n", " ")
        return {None: Answer(error=f"status {status}, no JSON: {start!r}")}
    if is_batch and isinstance(decoded, list):
        return {each.get("id"): _answer(status, each) for each in decoded if isinstance(each, dict)}
    return {None: _answer(status, decoded)}


def _answer(status: int, decoded: Any) -> Answer:
    if not isinstance(decoded, dict):
        return Answer(error=f"status {status}, no JSON-RPC answer")
    fault = decoded.get("error")
    if fault is not None or "result" not in decoded:
        told = fault if isinstance(fault, dict) else {"message": fault or f"status {status}"}
        text, code = str(told.get("message")), told.get("code")
        is_unknown = code == _NO_METHOD or "not supported" in text or "does not exist" in text
        return Answer(error=mask_urls(text)[:300], is_unknown_method=is_unknown)
    return Answer(decoded["result"])
