"""The protocols that the indexer knows: one file each."""

from data.errors import UsageError
from indexer.protocols import erc721, erc1155, raisonne, seaport
from indexer.protocols.base import Protocol

PROTOCOLS: dict[str, Protocol] = {
    module.PROTOCOL.name: module.PROTOCOL for module in (erc721, erc1155, raisonne, seaport)
}


def select_protocols(names: tuple[str, ...]) -> tuple[Protocol, ...]:
    """The named protocols, or all of them when none is named, in a fixed order.

    Raises:
        UsageError: a name is unknown; the message lists the known ones.
    """
    unknown = sorted(set(names) - set(PROTOCOLS))
    if unknown:
        message = f"unknown protocol {unknown[0]!r}; known: {', '.join(sorted(PROTOCOLS))}"
        raise UsageError(message)
    return tuple(p for name, p in sorted(PROTOCOLS.items()) if not names or name in names)
