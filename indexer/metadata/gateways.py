"""Documents by location: inline, over HTTPS, from Arweave, and from IPFS block by block."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

from data.errors import UsageError
from indexer.metadata.cid import DAG_PB, Cid, CidError, parse_cid
from indexer.metadata.errors import FetchFailed, Refused, Waiting
from indexer.metadata.http import HttpFetcher
from indexer.metadata.limits import FetchLimits
from indexer.metadata.locations import Arweave, Inline, Ipfs, Location
from indexer.metadata.unixfs import DagError, Node, find_entry, read_node

VerifiedBy = Literal["inline", "cid", "tls", "gateway"]
NO_IPFS = "no IPFS gateway is named; give --ipfs-gateway"
NO_ARWEAVE = "no Arweave gateway is named; give --arweave-gateway"
_BLOCK = "application/vnd.ipld.raw"


@dataclass(frozen=True)
class Gateways:
    """Base URLs of the gateways that the user named; None: documents there wait."""

    ipfs: str | None = None
    arweave: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Those that are named."""
        return tuple(url for url in (self.ipfs, self.arweave) if url)

    @property
    def opened(self) -> list[str]:
        """The reasons to wait that no longer hold."""
        return [text for text, url in ((NO_IPFS, self.ipfs), (NO_ARWEAVE, self.arweave)) if url]


def parse_gateway(text: str, option: str) -> str:
    """The base URL of a gateway, without a slash at its end.

    Raises:
        UsageError: it is no http(s) URL with nothing behind its path.
    """
    try:
        parts = urlsplit(text)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or parts.fragment or parts.username is not None:
        message = f"{option} {text!r} is no gateway; give http(s)://host[:port]"
        raise UsageError(message)
    return text.rstrip("/").removesuffix("/ipfs")


@dataclass
class Reader:
    """Bytes of documents, with what proves them; one per run."""

    http: HttpFetcher
    gateways: Gateways
    limits: FetchLimits
    nodes: "_Nodes" = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = _Nodes(self.limits.max_cached_nodes)

    async def read(self, location: Location, *, max_bytes: int) -> tuple[bytes, VerifiedBy]:
        """The bytes at a location, and what vouches for them.

        `inline`: they came with the URI; `cid`: each block has the hash that was asked for; `tls`:
        the host's certificate; `gateway`: nothing but the gateway's word.

        Raises:
            Refused: they break a rule.
            Waiting: no gateway is named.
            FetchFailed: they did not come, or are not what the CID names.
        """
        if isinstance(location, Inline):
            if len(location.raw) > max_bytes:
                message = f"{len(location.raw):,} bytes; {max_bytes:,} is the limit"
                raise Refused(message, "too-large")
            return location.raw, "inline"
        if isinstance(location, Ipfs):
            if self.gateways.ipfs is None:
                raise Waiting(NO_IPFS, "no-ipfs-gateway")
            try:
                async with asyncio.timeout(self.limits.dag_s):
                    return await _Walk(self, self.gateways.ipfs, max_bytes).read(location), "cid"
            except TimeoutError as error:
                message = f"the blocks of {location.cid} took longer than {self.limits.dag_s:g} s"
                raise FetchFailed(message, "timeout") from error
        if isinstance(location, Arweave):
            if self.gateways.arweave is None:
                raise Waiting(NO_ARWEAVE, "no-arweave-gateway")
            url = f"{self.gateways.arweave}/{location.transaction}"
            url += f"/{quote(location.path, safe='/%')}" if location.path else ""
            return (await self.http.get(url, max_bytes=max_bytes)).raw, "gateway"
        return (await self.http.get(location.url, max_bytes=max_bytes)).raw, "tls"


@dataclass
class _Nodes:
    """Nodes read last: the tokens of a collection are files of one folder."""

    most: int
    kept: OrderedDict[str, Node] = field(default_factory=OrderedDict)
    busy: dict[str, asyncio.Lock] = field(default_factory=dict)

    def keep(self, key: str, node: Node) -> Node:
        """Remembers a node, and forgets the one that was not needed for the longest time."""
        self.kept[key] = node
        self.kept.move_to_end(key)
        if len(self.kept) > self.most:
            gone, _ = self.kept.popitem(last=False)
            self.busy.pop(gone, None)
        return node


@dataclass
class _Walk:
    """One file out of the blocks of its tree.

    Every visit counts, also of a block that is known: twenty small nodes that each link twice to
    the next are a million visits.
    """

    reader: Reader
    gateway: str
    max_bytes: int
    visits: int = 0

    async def read(self, location: Ipfs) -> bytes:
        try:
            cid = parse_cid(location.cid)
            for name in location.path:
                cid = await self._enter(cid, name)
            body = bytearray()
            await self._append(cid, body, 0)
        except (CidError, DagError) as error:
            raise Refused(str(error), "bad-dag") from error
        return bytes(body)

    async def _enter(self, cid: Cid, name: str) -> Cid:
        """The entry of a folder, through its shards."""
        for depth in range(self.reader.limits.max_dag_depth):
            link, is_entry = find_entry(await self._node(cid), name, depth)
            if link is None:
                message = f"the folder holds no {name[:80]!r}"
                raise Refused(message, "not-in-folder")
            cid = link.cid
            if is_entry:
                return cid
        message = "a sharded folder without end"
        raise Refused(message, "bad-dag")

    async def _append(self, cid: Cid, body: bytearray, depth: int) -> None:
        """Adds the bytes of a file below a CID."""
        if depth > self.reader.limits.max_dag_depth:
            message = "a file without end"
            raise Refused(message, "bad-dag")
        if cid.codec == DAG_PB:
            node = await self._node(cid)
            if not node.is_file:
                message = "the CID is of a folder, not of a file"
                raise Refused(message, "is-folder")
            body += node.data
            self._check(body)
            for link in node.links:
                await self._append(link.cid, body, depth + 1)
            return
        body += await self._block(cid)
        self._check(body)

    def _count(self) -> None:
        self.visits += 1
        # A node is counted when it is visited, and once more when it is fetched.
        if self.visits > 2 * self.reader.limits.max_blocks:
            message = f"more than {self.reader.limits.max_blocks:,} blocks"
            raise Refused(message, "too-many-blocks")

    def _check(self, body: bytearray) -> None:
        if len(body) > self.max_bytes:
            message = f"the file has more than {self.max_bytes:,} bytes, which is the limit"
            raise Refused(message, "too-large")

    async def _node(self, cid: Cid) -> Node:
        if cid.codec != DAG_PB:
            message = "a path leads through a file"
            raise DagError(message)
        self._count()
        nodes = self.reader.nodes
        # Many tokens ask for one folder at the same moment.
        async with nodes.busy.setdefault(cid.key, asyncio.Lock()):
            node = nodes.kept.get(cid.key) or read_node(await self._block(cid))
            return nodes.keep(cid.key, node)

    async def _block(self, cid: Cid) -> bytes:
        """One block, which is the one that the CID names or is not taken."""
        self._count()
        if cid.inline is not None:
            return cid.inline
        limits = self.reader.limits
        url = f"{self.gateway}/ipfs/{cid.key}?format=raw"
        answer = await self.reader.http.get(url, max_bytes=limits.max_block_bytes, accept=_BLOCK)
        if not cid.matches(answer.raw):
            message = f"the gateway's bytes are not those of {cid.key}; nothing of them was kept"
            raise FetchFailed(message, "cid-mismatch")
        return answer.raw
