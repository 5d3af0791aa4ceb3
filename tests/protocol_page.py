"""Writes docs/protocols.md from the protocols, their fixtures and tests: `make protocols`."""

import importlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from types import ModuleType

from contracts.addresses import Addresses
from indexer.chains import CHAINS, chain_name
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext, Protocol, Route
from tests.paths import REPO_ROOT

PAGE = REPO_ROOT / "docs" / "protocols.md"
_FIXTURES = REPO_ROOT / "tests" / "fixtures" / "protocols"
_LOCAL = 31_337
_INTRO = """\
# Protocols

Made by `make protocols` from the files in `indexer/protocols/`; not to be edited by hand. Where no
contract is named, the event is read from any. *Emitted*: transactions acted out on a local node at
the protocol's own addresses (`tests/fixtures/protocols/`). *Real*: recorded transactions whose rows
a test expects. How to add one: [CONTRIBUTING](../CONTRIBUTING.md).

"""
_NEEDS = {
    "input": "the transaction",
    "receipt": "its ERC-20 transfers",
    "trace": "its calls",
    "call": "contract calls at the block",
}


def page() -> str:
    """The page."""
    parts = [_INTRO, _overview()]
    parts += [_section(PROTOCOLS[name]) for name in sorted(PROTOCOLS)]
    return "".join(parts).rstrip() + "\n"


def _overview() -> str:
    rows = [
        f"| [{name}](#{name}) | {', '.join(_versions(protocol))} | {len(_events(protocol))} "
        f"| {_chains(protocol)} | {_evidence(protocol)} |"
        for name, protocol in sorted(PROTOCOLS.items())
    ]
    head = (
        "| protocol | versions | events | chains | tested on |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(rows) + "\n"


def _section(protocol: Protocol) -> str:
    lines = [f"\n## {protocol.name}\n"]
    needs = [words for need, words in _NEEDS.items() if need in protocol.needs]
    if needs:
        lines.append(f"Asks besides the logs of each of its transactions for {', '.join(needs)}.\n")
    lines += [
        f"- {version}: {', '.join(f'`{event}`' for event in events)}{_contracts(protocol, version)}"
        for version, events in _versions(protocol).items()
    ]
    lines += [f"- *Limit*: {limit}" for limit in protocol.limits]
    return "\n".join(lines) + "\n"


def _routes(protocol: Protocol) -> Iterator[tuple[int, Route]]:
    names = [each.name for each in fields(Addresses) if each.type is str]
    places = {name: f"0x{number:040x}" for number, name in enumerate(names, 1)}
    own = Addresses(chain_id=_LOCAL, deployed_block=0, **places)
    for chain_id in CHAINS.values():
        context = ChainContext(chain_id, own if chain_id == _LOCAL else None)
        for route in protocol.routes(context):
            yield chain_id, route


def _versions(protocol: Protocol) -> dict[str, list[str]]:
    """Names of events by version, in the order of the protocol's file."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for _, route in _routes(protocol):
        found[route.version][route.event.signature.name] = None
    return {version: list(events) for version, events in found.items()}


def _events(protocol: Protocol) -> set[tuple[str, int]]:
    return {(route.event.topic0, route.event.n_topics) for _, route in _routes(protocol)}


def _chains(protocol: Protocol) -> str:
    ids = {chain_id for chain_id, _ in _routes(protocol)}
    if ids >= set(CHAINS.values()) - {_LOCAL}:
        return "all"
    return ", ".join(chain_name(each) for each in sorted(ids))


def _contracts(protocol: Protocol, version: str) -> str:
    by_chain = defaultdict(set)
    for chain_id, route in _routes(protocol):
        if route.version == version and chain_id != _LOCAL:
            by_chain[chain_id] |= route.emitters or {"any contract"}
    alike = {frozenset(emitters) for emitters in by_chain.values()}
    if not alike:
        return ""
    first = sorted(min(alike, key=sorted))
    named = ", ".join(f"`{each}`" if each.startswith("0x") else each for each in first[:4])
    more = f" and {len(first) - 4} more" if len(first) > 4 else ""
    other = " (other addresses on other chains)" if len(alike) > 1 else ""
    return f"; {named}{more}{other}"


def _evidence(protocol: Protocol) -> str:
    name = protocol.settle.__module__.rpartition(".")[2]
    kinds = ["emitted"] if (_FIXTURES / f"{name}.json").exists() else []
    if (REPO_ROOT / "tests" / "indexer" / "protocols" / f"test_{name}.py").exists():
        test = module_of(name)
        real = getattr(test, "REAL", ())
        kinds += [f"{1 if isinstance(real, str) else len(real)} real"] if real else []
    return ", ".join(kinds) or "its own tests"


def module_of(name: str) -> ModuleType:
    """The test of a protocol."""
    return importlib.import_module(f"tests.indexer.protocols.test_{name}")


if __name__ == "__main__":
    PAGE.write_text(page())
