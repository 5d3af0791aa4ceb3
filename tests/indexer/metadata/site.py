"""Servers on loopback that behave as a test says, and the content that they serve."""

import base64
import hashlib
import io
import json
import struct
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from PIL import Image

from indexer.metadata.cid import DAG_PB, RAW, Cid
from indexer.metadata.http import Allowance


@dataclass
class Site:
    """A web server; `pages` by path hold bytes, JSON values, responses or async handlers."""

    pages: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    url: str = ""

    @property
    def allowance(self):
        return Allowance.of([self.url])

    async def handle(self, request):
        self.asked.append(request.path_qs)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="<html>not here</html>")
        if callable(page) and not isinstance(page, web.StreamResponse):
            return await page(request)
        if isinstance(page, bytes):
            return web.Response(body=page)
        if isinstance(page, web.StreamResponse):
            return web.Response(status=page.status, headers=page.headers, body=page.body)
        return web.json_response(page)


@asynccontextmanager
async def serve(pages=None, tls=None):
    """A site on a free port of 127.0.0.1."""
    site = Site(pages if pages is not None else {})
    app = web.Application()
    app.router.add_get("/{path:.*}", site.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield site
    finally:
        await runner.cleanup()


def redirect(to, status=302):
    return web.Response(status=status, headers={"location": to})


def drip(piece, pause_s=0.02, head=None):
    """A body that never ends; `pause_s` between its pieces."""
    import asyncio

    async def page(request):
        response = web.StreamResponse(headers=head or {})
        await response.prepare(request)
        try:
            while True:
                await response.write(piece)
                await asyncio.sleep(pause_s)
        except (ConnectionError, asyncio.CancelledError):
            return response

    return page


# --- content


def data_uri(document):
    text = base64.b64encode(json.dumps(document).encode()).decode()
    return f"data:application/json;base64,{text}"


def png(width=4, height=3, color="red"):
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


def bomb_png(width, height):
    """A PNG of a few kilobytes that is all zeros, however large it says it is."""
    rows = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    body = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def gif(frames):
    images = [Image.new("P", (8, 8), n % 256) for n in range(frames)]
    for n, image in enumerate(images):
        image.putpixel((n % 8, n // 8 % 8), (n + 1) % 256)
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:])
    return out.getvalue()


# --- IPFS, encoded here by the specification, apart from the code under test


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field_of(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def cid_of(block, codec):
    return Cid(codec, 0x12, hashlib.sha256(block).digest())


def binary(cid):
    return bytes([1, cid.codec, 0x12, 32]) + cid.digest


@dataclass
class Blocks:
    """A trustless gateway's blocks by CID; `pages` serve them."""

    held: dict = field(default_factory=dict)

    @property
    def pages(self):
        return {f"/ipfs/{key}": block for key, block in self.held.items()}

    def raw(self, block):
        cid = cid_of(block, RAW)
        self.held[cid.key] = block
        return cid

    def node(self, kind, links=(), data=b"", fanout=0):
        """A dag-pb node of UnixFS `kind`; links are (name, CID)."""
        unixfs = field_of(1, kind) + (field_of(2, data) if data else b"")
        if fanout:
            unixfs += field_of(5, 0x22) + field_of(6, fanout)
        block = b"".join(
            field_of(2, field_of(1, binary(cid)) + field_of(2, name.encode()) + field_of(3, 1))
            for name, cid in links
        ) + field_of(1, unixfs)
        cid = cid_of(block, DAG_PB)
        self.held[cid.key] = block
        return cid

    def file(self, raw, piece=1_000):
        pieces = [raw[at : at + piece] for at in range(0, len(raw), piece)]
        return self.node(2, [("", self.raw(each)) for each in pieces])
