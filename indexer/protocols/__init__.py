"""The protocols that the indexer knows: one file each, found by its `PROTOCOL`."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from data.errors import UsageError
from indexer.protocols.base import Protocol


def _find() -> Iterator[Protocol]:
    for module in pkgutil.iter_modules(__path__):
        found = getattr(import_module(f"{__name__}.{module.name}"), "PROTOCOL", None)
        if isinstance(found, Protocol):
            yield found


PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _find()}


def select_protocols(names: tuple[str, ...]) -> tuple[Protocol, ...]:
    """The named protocols and those whose facts they read, or all when none is named, in order.

    Raises:
        UsageError: a name is unknown; the message lists the known ones.
    """
    unknown = sorted(set(names) - set(PROTOCOLS))
    if unknown:
        message = f"unknown protocol {unknown[0]!r}; known: {', '.join(sorted(PROTOCOLS))}"
        raise UsageError(message)
    wanted = set(names or PROTOCOLS)
    while missing := {each for name in wanted for each in PROTOCOLS[name].after} - wanted:
        wanted |= missing
    return tuple(protocol for name, protocol in sorted(PROTOCOLS.items()) if name in wanted)
