"""Where a URI points: the four schemes that are read, and nothing else.

Forms that mean IPFS or Arweave are read as such, whatever they look like: `ipfs://ipfs/CID`, a bare
CID, and the https addresses of public gateways, whose answer could not be verified.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from indexer.metadata.cid import CidError, parse_cid
from indexer.metadata.errors import Refused
from indexer.metadata.text import neutralise

MAX_SHOWN = 512
_MAX_SEGMENTS = 32
_CONTROLS = re.compile(r"[\x00-\x20\x7f\\]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PATH_GATEWAY = re.compile(r"^/ipfs/([A-Za-z0-9]+)(/.*)?$")
_HOST_GATEWAY = re.compile(r"^([a-z0-9]{40,})\.ipfs\.[a-z0-9.-]+$")
_ARWEAVE_ID = re.compile(r"^[A-Za-z0-9_-]{43}$")
_ARWEAVE_HOSTS = frozenset({"arweave.net", "www.arweave.net"})
_ID, _MAX_IDS = "{id}", 16


@dataclass(frozen=True)
class Inline:
    """Bytes that the URI itself carries."""

    raw: bytes


@dataclass(frozen=True)
class Ipfs:
    """A file below a CID; the path has no leading slash, and is decoded."""

    cid: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Arweave:
    """An Arweave transaction, and a path in it."""

    transaction: str
    path: str


@dataclass(frozen=True)
class Web:
    """An address that is asked over HTTP."""

    url: str


Location = Inline | Ipfs | Arweave | Web


def uri_hash(uri: str) -> str:
    """SHA-256 of a URI, by which documents are kept, as 0x text."""
    return "0x" + hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()


def shown_uri(uri: str) -> str:
    """A URI to keep and show: no data, no control or hidden characters, 512 characters at most."""
    head, comma, _ = uri[: 4 * MAX_SHOWN].partition(",")
    if uri[:5].lower() == "data:" and comma:
        uri = head + ",…"
    return neutralise(uri, MAX_SHOWN)


def substitute_id(uri: str, token_id: str) -> str:
    """An ERC-1155 URI with `{id}` replaced by the id: hexadecimal, lower case, 64 digits.

    Only the first few: a megabyte of `{id}` would become sixteen.
    """
    return uri.replace(_ID, f"{int(token_id):064x}", _MAX_IDS) if _ID in uri else uri


def locate(uri: str, *, max_bytes: int, max_url_bytes: int) -> Location:
    """Where a URI points.

    Args:
        uri: as the contract gives it; blanks around it do not count.
        max_bytes: longest document that a data URI may carry.
        max_url_bytes: longest URI of another scheme.

    Raises:
        Refused: it has no readable scheme, or is malformed.
    """
    uri = uri.strip()
    if not uri:
        message = "the contract gives an empty URI"
        raise Refused(message, "no-uri")
    if uri[:5].lower() == "data:":
        return Inline(decode_data_uri(uri, max_bytes=max_bytes)[1])
    if len(uri.encode("utf-8", "replace")) > max_url_bytes:
        message = f"a URI of {len(uri):,} characters; {max_url_bytes:,} bytes is the limit"
        raise Refused(message, "uri-too-long")
    if _CONTROLS.search(uri):
        message = "the URI holds blanks, control characters or backslashes"
        raise Refused(message, "malformed-uri")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return _bare(uri)
    rest = uri[scheme.end() :]
    match scheme[1].lower():
        case "ipfs":
            return _ipfs(rest)
        case "ar":
            return _arweave(rest)
        case "http" | "https":
            return _web(uri)
    message = f"scheme {scheme[1][:20].lower()!r} is not read; ipfs, ar, data and https are"
    raise Refused(message, "scheme")


def decode_data_uri(uri: str, *, max_bytes: int) -> tuple[str, bytes]:
    """Declared media type and bytes of a data URI (RFC 2397).

    Raises:
        Refused: it is malformed, or carries more than `max_bytes`.
    """
    head, comma, body = uri.partition(",")
    if not comma:
        message = "the data URI has no comma"
        raise Refused(message, "malformed-uri")
    # Three characters of text make one byte at the least.
    if len(body) > 3 * max_bytes:
        message = f"the data URI carries more than {max_bytes:,} bytes"
        raise Refused(message, "too-large")
    raw = unquote_to_bytes(body)
    if head.lower().endswith(";base64"):
        try:
            raw = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
        except binascii.Error as error:
            message = "the data URI is no base64"
            raise Refused(message, "malformed-uri") from error
    if len(raw) > max_bytes:
        message = f"the data URI carries {len(raw):,} bytes; {max_bytes:,} is the limit"
        raise Refused(message, "too-large")
    return head[5:].partition(";")[0].strip().lower(), raw


def _bare(text: str) -> Location:
    """A URI without a scheme: a CID, with or without a path."""
    rest = text.removeprefix("/ipfs/").removeprefix("ipfs/")
    try:
        return _ipfs(rest)
    except Refused as error:
        message = "the URI has no scheme, and is no CID"
        raise Refused(message, "scheme") from error


def _ipfs(rest: str) -> Ipfs:
    rest = rest.lstrip("/")
    while rest.startswith("ipfs/"):
        rest = rest.removeprefix("ipfs/").lstrip("/")
    path = rest.partition("#")[0].partition("?")[0]
    cid, _, path = path.partition("/")
    try:
        parse_cid(cid)
    except CidError as error:
        raise Refused(str(error), "bad-cid") from error
    segments = tuple(unquote(segment) for segment in path.split("/") if segment)
    if len(segments) > _MAX_SEGMENTS or any(each in (".", "..") for each in segments):
        message = "the path below the CID is not one"
        raise Refused(message, "malformed-uri")
    return Ipfs(cid, segments)


def _arweave(rest: str) -> Arweave:
    transaction, _, path = rest.lstrip("/").partition("#")[0].partition("/")
    if not _ARWEAVE_ID.match(transaction):
        message = "no Arweave transaction id (43 characters of base64url)"
        raise Refused(message, "malformed-uri")
    if any(unquote(each) in (".", "..") for each in path.split("/")):
        message = "the path below the Arweave id is not one"
        raise Refused(message, "malformed-uri")
    return Arweave(transaction, path)


def _web(url: str) -> Location:
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        message = f"the URL is malformed: {error}"
        raise Refused(message, "malformed-uri") from error
    if not host:
        message = "the URL names no host"
        raise Refused(message, "malformed-uri")
    return _ipfs_behind(parts, host) or _arweave_behind(parts, host) or Web(url)


def _ipfs_behind(parts: SplitResult, host: str) -> Ipfs | None:
    """The IPFS file that a gateway's address means."""
    by_path, by_host = _PATH_GATEWAY.match(parts.path), _HOST_GATEWAY.match(host)
    if by_path:
        rest = by_path[1] + (by_path[2] or "")
    elif by_host:
        rest = by_host[1] + parts.path
    else:
        return None
    try:
        return _ipfs(rest)
    except Refused:
        return None


def _arweave_behind(parts: SplitResult, host: str) -> Arweave | None:
    if host not in _ARWEAVE_HOSTS:
        return None
    try:
        return _arweave(parts.path)
    except Refused:
        return None
