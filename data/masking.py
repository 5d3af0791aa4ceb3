"""Masks what may hold a secret before it reaches a screen, a log or the store."""

import re

_URL = re.compile(r"\b(?P<scheme>https?|wss?)://(?P<rest>[^\s'\"<>]+)")


def mask_url(url: str) -> str:
    """The URL with scheme and host only; credentials, path and query become `…`.

    Providers put their keys into the path or the query, so nothing behind the host is kept.
    """
    return mask_urls(url)


def mask_urls(text: str) -> str:
    """The text with every http(s) or ws(s) URL masked."""
    return _URL.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    host, slash, path = match["rest"].partition("/")
    host, query, _ = host.partition("?")
    host = host.rpartition("@")[2]
    hidden = "/…" if (slash and path) or query else ""
    return f"{match['scheme']}://{host}{hidden}"
