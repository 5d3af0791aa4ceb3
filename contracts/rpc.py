"""JSON-RPC over one kept-alive HTTP connection: single calls and batches.

For the local chain and for the few calls of a user. The indexer has its own, concurrent client.
"""

import http.client
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from contracts.errors import RpcError

Call = tuple[str, list[Any]]

TIMEOUT_S = 60.0


class _Reply(msgspec.Struct):
    id: int | None = None
    result: Any = None
    error: dict[str, Any] | None = None


_one_reply = msgspec.json.Decoder(_Reply)
_many_replies = msgspec.json.Decoder(list[_Reply])


def mask_url(url: str) -> str:
    """Returns the URL without user, password, path and query: the places where keys stand."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{port}{rest}"


class Rpc:
    """One HTTP connection to a node; not for use by several threads at once."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"not an HTTP address of a node: {mask_url(url)}; use http://HOST:PORT"
            raise RpcError(message)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.url = url
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Returns the result of one call.

        Raises:
            RpcError: the node cannot be reached, or answers with an error.
        """
        body = msgspec.json.encode(
            {"jsonrpc": "2.0", "id": 0, "method": method, "params": list(params)}
        )
        try:
            reply = _one_reply.decode(self._post(body))
        except msgspec.DecodeError as problem:
            raise self._unusable(problem) from problem
        return self._result(method, reply)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Returns the results of many calls sent in one HTTP request, in the order given.

        The node may work on them in any order: calls that build on each other need two batches.

        Raises:
            RpcError: the node cannot be reached, or any of the calls fails; the first is named.
        """
        if not calls:
            return []
        body = msgspec.json.encode(
            [
                {"jsonrpc": "2.0", "id": i, "method": method, "params": list(params)}
                for i, (method, params) in enumerate(calls)
            ]
        )
        try:
            replies = {reply.id: reply for reply in _many_replies.decode(self._post(body))}
        except msgspec.DecodeError as problem:
            raise self._unusable(problem) from problem
        missing = next((i for i in range(len(calls)) if i not in replies), None)
        if missing is not None:
            message = f"{mask_url(self.url)} left {calls[missing][0]} of a batch unanswered"
            raise RpcError(message)
        return [self._result(method, replies[i]) for i, (method, _) in enumerate(calls)]

    def close(self) -> None:
        """Closes the connection; the next call opens a new one."""
        self._connection.close()

    def _post(self, body: bytes) -> bytes:
        try:
            return self._exchange(body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # A node closes idle connections; whether it is gone shows when a new one is tried.
            self._connection.close()
        try:
            return self._exchange(body)
        except (OSError, http.client.HTTPException) as problem:
            raise self._unreachable(problem) from problem

    def _exchange(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._target, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            raise
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise self._unreachable(problem) from problem
        except BaseException:
            # Interrupted: the answer still to come is not the next call's.
            self._connection.close()
            raise
        if response.status >= 400 and not content.lstrip().startswith((b"{", b"[")):
            message = f"{mask_url(self.url)} answered HTTP {response.status}; check the address"
            raise RpcError(message)
        return content

    def _unreachable(self, problem: Exception) -> RpcError:
        message = (
            f"no node answers at {mask_url(self.url)} ({problem}); "
            "check --rpc-url, or start a local chain: raisonne chain up"
        )
        return RpcError(message)

    def _unusable(self, problem: Exception) -> RpcError:
        message = f"{mask_url(self.url)} does not answer as a node does ({problem})"
        return RpcError(message)

    def _result(self, method: str, reply: _Reply) -> Any:
        if reply.error is None:
            return reply.result
        text = reply.error.get("message", "no message")
        data = reply.error.get("data")
        message = f"{method} failed at {mask_url(self.url)}: {text}"
        raise RpcError(
            message,
            code=reply.error.get("code"),
            data=data if isinstance(data, str) else None,
        )
