"""Log filters as eth_getLogs takes them: halved, matched, and their answers counted."""

from collections.abc import Mapping
from typing import Any

import msgspec

from indexer.selection import LogFilter


def halve(log_filter: LogFilter) -> list[LogFilter]:
    """Two filters that together match what the one does; none if it cannot be split.

    The alternatives of the first topic are split first, then the addresses.
    """
    first, *rest = log_filter.get("topics") or [None]
    if isinstance(first, list) and len(first) > 1:
        return [{**log_filter, "topics": [half, *rest]} for half in _halves(first)]
    address = log_filter.get("address")
    if isinstance(address, list) and len(address) > 1:
        return [{**log_filter, "address": half} for half in _halves(address)]
    return []


def is_match(log: Mapping[str, Any], log_filter: LogFilter) -> bool:
    """Whether a log is one that the filter asks for, as geth reads filters.

    A list of topics matches no log with fewer topics, even where it ends in wildcards.
    """
    addresses = _alternatives(log_filter.get("address"))
    if addresses and str(log["address"]).lower() not in addresses:
        return False
    topics = [str(topic).lower() for topic in log["topics"]]
    wanted = [_alternatives(one) for one in log_filter.get("topics") or []]
    if len(wanted) > len(topics):
        return False
    return all(not any_of or topics[place] in any_of for place, any_of in enumerate(wanted))


def count_logs(raw: bytes) -> int:
    """Logs in an eth_getLogs result."""
    return len(msgspec.json.decode(raw, type=list[msgspec.Raw]))


def _halves(items: list[str]) -> tuple[list[str], list[str]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _alternatives(value: Any) -> frozenset[str]:
    """The lower-case alternatives of one place of a filter; none where anything matches."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(str(each).lower() for each in values)
