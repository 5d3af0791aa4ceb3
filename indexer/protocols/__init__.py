"""The protocols that the indexer knows: one file each."""

from data.errors import UsageError
from indexer.protocols import erc721, erc1155, raisonne, seaport
from indexer.protocols.base import Protocol

PROTOCOLS: dict[str, Protocol] = {
    module.PROTOCOL.name: module.PROTOCOL for module in (erc721, erc1155, raisonne, seaport)
}


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
