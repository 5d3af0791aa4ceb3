"""What an answer of a node means: results, or an error sorted by what to do about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from data.errors import RetryableError, UpstreamError
from indexer.errors import (
    BatchRefused,
    RangeTooWide,
    RpcError,
    SlowAnswer,
    Throttled,
    TooManyBytes,
    TooManyCriteria,
    TooManyResults,
    UnknownBlock,
)
from indexer.limits import LimitKind, recognise
from indexer.rate import throttle_in_error, throttle_in_http
from indexer.transport import HttpAnswer

_RETRYABLE_STATUS = frozenset({408, 425, 500, 502, 503, 504})
_SIZED = frozenset({"eth_getLogs", "eth_getBlockReceipts"})
_NO_TAG = re.compile(r"(?:finalized|safe) block not found", re.IGNORECASE)
"""How geth says that it has no consensus client; only a block by number or hash may come later."""

_SLOW = re.compile(r"time(?:d|s)?.?out|took too long|duration|deadline", re.IGNORECASE)
_PASSING = re.compile(
    r"temporar|try again|unavailable|overload|busy|not yet|connection|capacity", re.IGNORECASE
)
_UNKNOWN_BLOCK = re.compile(
    r"header not found|unknown block|block not found|beyond (?:the )?(?:current )?head"
    r"|blockchain height",
    re.IGNORECASE,
)
"""How replicas behind the tip, or such that reorganise, speak of a block."""

_BATCH = re.compile(r"\bbatch", re.IGNORECASE)
"""Every known refusal of a batch says so (go-ethereum#26681, besu#4951, jsonrpsee#1107)."""

_REVERT = re.compile(
    r"revert|invalid opcode|out of gas|stack (?:under|over)flow|invalid jump|bad ?jump"
    r"|EVM error|VM execution error|opcode not found|invalid memory|write protection",
    re.IGNORECASE,
)
"""How nodes say that the contract, not they, refused a call."""

_NEVER_NULL = frozenset({"eth_chainId", "eth_blockNumber", "eth_getLogs"})

_REFUSALS = {
    LimitKind.RANGE: RangeTooWide,
    LimitKind.CRITERIA: TooManyCriteria,
    LimitKind.RESULTS: TooManyResults,
    LimitKind.BYTES: TooManyBytes,
}


@dataclass(frozen=True)
class Request:
    """One JSON-RPC call.

    Where it `may_revert`, a contract that does gives an empty result. Where what it asks for
    `must_exist`, null is no answer of the chain, but of a node that does not have it.
    """

    method: str
    params: tuple[Any, ...] = ()
    may_revert: bool = False
    must_exist: bool = False


def block_request(number: int, *, full: bool = False) -> Request:
    """A block of the chain that is there, by its number; `full`: with its transactions."""
    return Request("eth_getBlockByNumber", (hex(number), full), must_exist=True)


class _Fault(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Fault | None = None


def encode(requests: Sequence[Request]) -> bytes:
    """The body of a JSON-RPC batch, or of a call alone; the ids are the places of the requests."""
    calls = [
        {"jsonrpc": "2.0", "id": i, "method": r.method, "params": r.params}
        for i, r in enumerate(requests)
    ]
    # Nodes without batches refuse a list even of one call.
    return msgspec.json.encode(calls if len(calls) > 1 else calls[0])


def read_results(
    http: HttpAnswer, requests: Sequence[Request], name: str, now: datetime
) -> list[bytes]:
    """Raw results in the order of the requests.

    Raises:
        RpcError, RetryableError, UpstreamError: as `classify`, for a call or for the whole batch.
    """
    throttle = throttle_in_http(http.status, http.headers, http.body[:1_000], now)
    if throttle:
        message = f"{name} answered with status {http.status}: too many requests"
        raise Throttled(message, throttle.retry_after_s)
    answers = _parse(http, name)
    reverted = {i for i, each in enumerate(requests) if _has_reverted(answers.get(i), each)}
    errors = [
        _error(answer.error, requests[i].method if 0 <= i < len(requests) else "", name)
        for i, answer in answers.items()
        if answer.error and i not in reverted
    ]
    if errors:
        # What no retry cures is said first.
        raise min(errors, key=lambda error: isinstance(error, RetryableError))
    missing = [
        i
        for i, each in enumerate(requests)
        if i not in reverted and not _is_answered(answers.get(i), each)
    ]
    if missing:
        message = f"{name} left {len(missing)} of {len(requests)} calls unanswered"
        raise RetryableError(message)
    for i, each in enumerate(requests):
        if each.must_exist and _is_null(answers[i]):
            what = " ".join(map(str, (each.method, *each.params[:1])))
            message = f"{name}: {what} is null: the node that answered is behind the tip"
            raise UnknownBlock(message)
    return [b"" if i in reverted else bytes(answers[i].result) for i in range(len(requests))]


def _has_reverted(answer: _Answer | None, request: Request) -> bool:
    if answer is None or answer.error is None or not request.may_revert:
        return False
    # Code 3 is go-ethereum's for a revert with data, whose text is the contract's own.
    return answer.error.code == 3 or bool(_REVERT.search(answer.error.message))


def _is_answered(answer: _Answer | None, request: Request) -> bool:
    if answer is None or not answer.result:
        return False
    return request.method not in _NEVER_NULL or not _is_null(answer)


def _is_null(answer: _Answer) -> bool:
    return bytes(memoryview(answer.result)[:5]) == b"null"


def _parse(http: HttpAnswer, name: str) -> dict[int, _Answer]:
    try:
        try:
            answers = msgspec.json.decode(http.body, type=list[_Answer])
        except msgspec.ValidationError:
            # A node that refuses the batch as a whole answers with one object.
            answers = [msgspec.json.decode(http.body, type=_Answer)]
    except msgspec.DecodeError as error:
        start = http.body[:60].decode("utf-8", "replace").replace("\n", " ")
        message = f"{name} answered {http.status} with something that is no JSON-RPC: {start!r}"
        if http.status in _RETRYABLE_STATUS or not http.body.lstrip().startswith(b"<"):
            raise RetryableError(message) from error
        message += "; check --rpc-url"
        raise UpstreamError(message) from error
    if http.status in _RETRYABLE_STATUS and not any(answer.error for answer in answers):
        message = f"{name} answered with status {http.status}"
        raise RetryableError(message)
    return {_place(answer.id): answer for answer in answers}


def _place(given: int | str | None) -> int:
    if isinstance(given, str):
        return int(given) if given.isdecimal() else -1
    return -1 if given is None else given


def _error(fault: _Fault, method: str, name: str) -> UpstreamError:
    # The whole batch is refused in place of a call: any of its methods may be meant.
    return classify(fault.message, name, code=fault.code, data=fault.data, method=method)


def classify(
    message: str, endpoint: str, *, code: int = 0, data: Any = None, method: str = ""
) -> UpstreamError:
    """The error that a node's message stands for, by what can be done about it.

    Args:
        message: the text of the error object.
        endpoint: the name of the endpoint, for the message of the error.
        code: the JSON-RPC code; many codes mean different things to different nodes.
        data: the data of the error object; some nodes put the reason there.
        method: what was called; sizes are refused of logs and receipts only. Empty: any.
    """
    details = f"{message}: {_text(data)}" if data else message
    text = f"{endpoint}: {details[:500]}"
    refusal = recognise(details) if not method or method in _SIZED else None
    if refusal:
        return _REFUSALS[refusal.kind](text, refusal.cap, refusal.suggested)
    throttle = throttle_in_error(code, details, data)
    if throttle:
        return Throttled(text, throttle.retry_after_s)
    if _BATCH.search(details):
        return BatchRefused(f"{text}; the node refuses batches, try another --rpc-url")
    if _SLOW.search(message):
        return SlowAnswer(text)
    is_unknown = bool(_UNKNOWN_BLOCK.search(details))
    if (is_unknown or _PASSING.search(details)) and not _NO_TAG.search(details):
        return UnknownBlock(text) if is_unknown else RetryableError(text)
    return RpcError(f"{text}; the node refuses this call, try another --rpc-url")


def _text(data: Any) -> str:
    return data if isinstance(data, str) else msgspec.json.encode(data).decode()
