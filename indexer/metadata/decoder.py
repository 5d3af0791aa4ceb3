"""Decoding in limited subprocesses, from the side of the run."""

import asyncio
import json
import struct
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from indexer.metadata.child import pack, unpack
from indexer.metadata.document import Document
from indexer.metadata.errors import FetchFailed, Refused
from indexer.metadata.images import Picture
from indexer.metadata.limits import DecodeLimits

_ROOT = Path(__file__).resolve().parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1));"
    " from indexer.metadata.child import main; main()"
)
_GRACE_S = 10.0
_MAX_FRAME = 64 << 20


@dataclass
class Decoder:
    """A few subprocesses that decode one document each at a time; started when first needed."""

    limits: DecodeLimits = field(default_factory=DecodeLimits)
    workers: int = 2

    def __post_init__(self) -> None:
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        for _ in range(self.workers):
            self._free.put_nowait(_Worker(self.limits))

    async def __aenter__(self) -> "Decoder":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while not self._free.empty():
            await self._free.get_nowait().stop()

    async def read_json(self, raw: bytes) -> Document:
        """The document in a JSON text.

        Raises:
            Refused: it is no JSON object, passes a limit, or its decoder did.
        """
        head, _ = await self._ask("json", raw)
        fields = head["document"]
        return Document(**{**fields, "traits": tuple((n, v) for n, v in fields["traits"])})

    async def read_image(self, raw: bytes) -> Picture:
        """Size, frames and thumbnail of an image.

        Raises:
            Refused: it passes a limit or is damaged, or its decoder passed a limit.
        """
        head, thumbnail = await self._ask("image", raw)
        return Picture(**head["picture"], thumbnail=thumbnail)

    async def _ask(self, task: str, raw: bytes) -> tuple[dict[str, Any], bytes]:
        worker = await self._free.get()
        try:
            head, body = await worker.ask(task, raw)
        finally:
            self._free.put_nowait(worker)
        if "reason" in head:
            raise Refused(head["reason"], head["code"])
        return head, body


class _Worker:
    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, task: str, raw: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._process or await self._start()
        try:
            async with asyncio.timeout(self._limits.wall_s + _GRACE_S):
                return await _exchange(process, pack({"task": task}, raw))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            await self.stop()
            message = f"the decoding subprocess ended: {type(error).__name__}"
            raise FetchFailed(message, "decoder-died") from error
        except asyncio.CancelledError:
            # An answer that nobody waited for would be taken for the next one's.
            await self.stop()
            raise

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", _START, str(_ROOT), json.dumps(asdict(self._limits)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )  # fmt: skip
        return self._process

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


async def _exchange(
    process: asyncio.subprocess.Process, frame: bytes
) -> tuple[dict[str, Any], bytes]:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(frame)
    await process.stdin.drain()
    (size,) = struct.unpack(">Q", await process.stdout.readexactly(8))
    if size > _MAX_FRAME:
        raise EOFError
    return unpack(await process.stdout.readexactly(size))
