"""Every event of every contract of ours is read: none is emitted for nobody."""

import json
import re

import pytest

from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.protocols.raisonne_events import EVENTS, VAULT_EVENTS
from indexer.signature import parse_signature
from tests.indexer.protocols.settled import OWN
from tests.paths import REPO_ROOT

ABI = REPO_ROOT / "contracts" / "abi"
_ALLOWANCE = "an allowance moves nothing, and nothing of the store follows from it"
_ERC20 = "ERC-20 traffic of a chain cannot be fetched; `SharesMoved` says the same"
UNREAD = {
    ("Artwork", "Approval"): _ALLOWANCE,
    ("Artwork", "ApprovalForAll"): _ALLOWANCE,
    ("Vault", "Approval"): _ALLOWANCE,
    ("Vault", "Transfer"): _ERC20,
    ("StudioShares", "Approval"): _ALLOWANCE,
    ("StudioShares", "Transfer"): _ERC20,
}
"""Events that no protocol reads, with the reason."""
_ELSEWHERE = "0x" + "77" * 20


def contracts():
    return sorted(path.stem for path in ABI.glob("*.json"))


def events_of(contract):
    described = json.loads((ABI / f"{contract}.json").read_text())["abi"]
    return [each for each in described if each["type"] == "event"]


def signature_of(event):
    arguments = ", ".join(
        f"{each['type']}{' indexed' if each['indexed'] else ''} {each['name']}"
        for each in event["inputs"]
    )
    return f"{event['name']}({arguments})"


def address_of(contract):
    """Where the contract stands; a vault, and what has no address of ours, anywhere."""
    field = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", contract).lower()
    return getattr(OWN, field, _ELSEWHERE)


def readers(event, address):
    """Protocols that read the event of that contract, with the route's event."""
    parsed = parse_signature(signature_of(event))
    context = ChainContext(OWN.chain_id, OWN)
    return [
        (name, route.event)
        for name, protocol in PROTOCOLS.items()
        for route in protocol.routes(context)
        if (route.event.topic0, route.event.n_topics) == (parsed.topic0, parsed.n_topics)
        and (route.emitters is None or address in route.emitters)
    ]


@pytest.mark.parametrize("contract", contracts())
def test_every_event_is_read_by_one_protocol_or_has_a_reason(contract):
    for event in events_of(contract):
        found = readers(event, address_of(contract))
        if (contract, event["name"]) in UNREAD:
            assert found == [], f"{event['name']} of {contract} is read, and needs no reason"
        else:
            assert len(found) == 1, f"{event['name']} of {contract} is read by {found}"


@pytest.mark.parametrize("contract", contracts())
def test_arguments_are_called_as_the_contract_calls_them(contract):
    for event in events_of(contract):
        for name, route in readers(event, address_of(contract)):
            if name != "raisonne":
                continue
            ours = [p.name.rstrip("_") for p in route.signature.parameters]
            theirs = [each["name"].removesuffix("Wei") for each in event["inputs"]]
            # Units may stand in a name: `amountWei`.
            assert theirs == ours, event["name"]


def test_events_of_a_contract_are_not_heard_from_another():
    event = next(each for each in events_of("Market") if each["name"] == "Sold")
    assert readers(event, OWN.market)
    assert not readers(event, _ELSEWHERE)


def test_reasons_are_of_events_that_exist():
    known = {(name, event["name"]) for name in contracts() for event in events_of(name)}
    assert set(UNREAD) <= known


def test_the_chain_without_contracts_of_ours_is_not_asked_for_their_events():
    assert not PROTOCOLS["raisonne"].routes(ChainContext(1, None))


def test_what_vaults_say_is_read_from_anywhere_and_all_else_by_address():
    anywhere = {event.topic0 for event in VAULT_EVENTS}
    for route in PROTOCOLS["raisonne"].routes(ChainContext(OWN.chain_id, OWN)):
        assert (route.emitters is None) == (route.event.topic0 in anywhere), route.event.name
    assert len(EVENTS) == 13
