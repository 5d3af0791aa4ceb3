"""The subprocess that decodes what strangers wrote.

It is started once, loads its decoders, gives up the network where the system lets it, and then
forks for every document: a decoder that crashes, loops or eats memory takes only its own fork with
it. Frames on stdin and stdout are a length of 8 bytes, then a JSON head, a zero byte and a body.
"""

import ctypes
import json
import os
import resource
import select
import signal
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NoReturn

from indexer.metadata.document import read_document
from indexer.metadata.images import HostileImageError, load_decoders, read_picture
from indexer.metadata.json_text import HostileJsonError, parse_json
from indexer.metadata.limits import DecodeLimits

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_MAX_ANSWER = 32 << 20
_READ = 1 << 20


def main() -> None:
    """Decodes until stdin ends. The only argument is the limits, as JSON."""
    limits = DecodeLimits(**json.loads(sys.argv[1]))
    load_decoders()
    decode(pack({"task": "json"}, b'{"name": "\xc3\xa9", "traits": [1.5, "a"]}')[8:], limits)
    _confine()
    while (frame := _read_frame(0)) is not None:
        _write_all(1, _pack(*_decode_apart(frame, limits)))


def pack(head: dict[str, Any], body: bytes) -> bytes:
    """A frame: length, head as JSON, a zero byte, body."""
    return _pack(json.dumps(head).encode(), body)


def unpack(frame: bytes) -> tuple[dict[str, Any], bytes]:
    """Head and body of a frame without its length."""
    head, _, body = frame.partition(b"\0")
    return json.loads(head), body


def _pack(head: bytes, body: bytes) -> bytes:
    return struct.pack(">Q", len(head) + 1 + len(body)) + head + b"\0" + body


def _confine() -> None:
    """Gives up what no decoder needs; each step where the system has it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # An empty network: not even loopback is up in it.
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWNET)


def _decode_apart(frame: bytes, limits: DecodeLimits) -> tuple[bytes, bytes]:
    """The answer of a fork that decodes one frame, or what ended it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _decode_and_exit(frame, limits, writer)
    os.close(writer)
    try:
        answer = _collect(reader, time.monotonic() + limits.wall_s)
    finally:
        os.close(reader)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if answer is None or b"\0" not in answer:
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {status}"
        reason = "the decoder passed its time" if answer is None else f"the decoder ended by {how}"
        return json.dumps({"code": "decoder-limit", "reason": reason}).encode(), b""
    head, _, body = answer.partition(b"\0")
    return head, body


def _collect(reader: int, until_s: float) -> bytes | None:
    """What the fork writes until it closes; None when its time is over."""
    parts: list[bytes] = []
    size = 0
    while size <= _MAX_ANSWER:
        left_s = until_s - time.monotonic()
        if left_s <= 0 or not select.select([reader], [], [], left_s)[0]:
            return None
        part = os.read(reader, _READ)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""


def _decode_and_exit(frame: bytes, limits: DecodeLimits, writer: int) -> NoReturn:
    try:
        os.close(0)
        os.close(1)
        _limit(limits)
        head, body = decode(frame, limits)
        _write_all(writer, json.dumps(head).encode() + b"\0" + body)
    except BaseException as error:
        reason = f"the decoder gave up: {type(error).__name__}"
        _write_all(writer, json.dumps({"code": "decoder-limit", "reason": reason}).encode() + b"\0")
    finally:
        os._exit(0)


def _limit(limits: DecodeLimits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # The pipe is open; nothing else can be opened any more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def decode(frame: bytes, limits: DecodeLimits) -> tuple[dict[str, Any], bytes]:
    """Head and body that answer a frame: its `task` is `json` or `image`."""
    head, raw = unpack(frame)
    try:
        if head["task"] == "json":
            value = parse_json(
                raw,
                max_bytes=limits.max_json_bytes,
                max_depth=limits.max_depth,
                max_keys=limits.max_keys,
            )
            if not isinstance(value, dict):
                return {"code": "not-json", "reason": "the document is no JSON object"}, b""
            return {"document": asdict(read_document(value))}, b""
        picture = read_picture(
            raw,
            max_pixels=limits.max_pixels,
            max_frames=limits.max_frames,
            thumbnail_px=limits.thumbnail_px,
        )
    except (HostileJsonError, HostileImageError) as error:
        return {"code": error.code, "reason": str(error)}, b""
    sizes = {"width": picture.width, "height": picture.height, "n_frames": picture.n_frames}
    return {"picture": sizes}, picture.thumbnail


def _read_frame(source: int) -> bytes | None:
    head = _read_exactly(source, 8)
    return None if head is None else _read_exactly(source, struct.unpack(">Q", head)[0])


def _read_exactly(source: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(source, min(size - len(parts), _READ))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
