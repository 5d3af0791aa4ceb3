"""What happens to a body on its way: cut, slow, never sent, no JSON, not for every call."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tests.faults.base import Exchange, HttpError, ScriptedFault

_JSON = {"Content-Type": "application/json"}
_PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>"


def _body(exchange: Exchange) -> bytes:
    """What the node would have sent."""
    answers = exchange.answers
    return msgspec.json.encode(answers if exchange.is_batch else answers[0])


@dataclass
class TruncatedBody(ScriptedFault):
    """Ends the connection in the middle of the body (test matrix, 8)."""

    share: float = 0.5

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            body = _body(exchange)
            raise HttpError(200, body, _JSON, keep=int(len(body) * self.share))


@dataclass
class CutJson(ScriptedFault):
    """Sends half of the JSON as if it were the whole (test matrix, 8: invalid JSON)."""

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            body = _body(exchange)
            raise HttpError(200, body[: len(body) // 2], _JSON)


@dataclass
class SlowBody(ScriptedFault):
    """Sends half of the body, then a space now and then, and never ends (ponder#2163).

    After `limit_s` the connection is closed, so that a client without a timeout ends too.
    """

    drip_s: float = 0.05
    limit_s: float = 300

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            body = _body(exchange)
            half = body[: len(body) // 2]
            raise HttpError(200, half, _JSON, drip_s=self.drip_s, limit_s=self.limit_s)


@dataclass
class Hang(ScriptedFault):
    """Takes the request and sends nothing (ponder#2163); after `limit_s` it hangs up."""

    limit_s: float = 300

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(0, hold_s=self.limit_s)


@dataclass
class Reset(ScriptedFault):
    """Closes the connection without an answer."""

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(0)


@dataclass
class Late(ScriptedFault):
    """Answers correctly, `delay_s` later (op-geth#667: seconds on busy days)."""

    delay_s: float = 0.2

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(200, _body(exchange), _JSON, hold_s=self.delay_s)


@dataclass
class HtmlPage(ScriptedFault):
    """Sends the page of a proxy in place of JSON (metamask-extension#1424, ethers.js#2897)."""

    status: int = 502

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(self.status, _PAGE, {"Content-Type": "text/html"})


@dataclass
class PlainText(ScriptedFault):
    """Sends the status as text with the type of JSON: Cloudflare's 502 (ethers.js#1081)."""

    status: int = 502
    text: str = "502 Bad Gateway"

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(self.status, self.text.encode(), _JSON)


@dataclass
class EmptyBody(ScriptedFault):
    """Sends a 200 with no byte in it."""

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(200, b"", _JSON)


@dataclass
class NullResults(ScriptedFault):
    """Answers every call of a request with a null result (ethereum-etl#153, #252, #362)."""

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            for answer in exchange.answers:
                answer.pop("error", None)
                answer["result"] = None


@dataclass
class MissingAnswer(ScriptedFault):
    """Leaves the last call of a batch without an answer."""

    def finish(self, exchange: Exchange) -> None:
        if len(exchange.answers) > 1 and self.strikes():
            exchange.answers.pop()


@dataclass
class ReorderedAnswers(ScriptedFault):
    """Sends the answers of a batch in another order, as JSON-RPC 2.0 allows (section 6)."""

    def finish(self, exchange: Exchange) -> None:
        if len(exchange.answers) > 1 and self.strikes():
            exchange.answers.reverse()


@dataclass
class ForeignIds(ScriptedFault):
    """Sends answers whose ids were never asked: those of another client's batch."""

    def finish(self, exchange: Exchange) -> None:
        if self.strikes():
            for answer in exchange.answers:
                answer["id"] = 1_000_000 + self.draw(answer["id"]) % 1_000
