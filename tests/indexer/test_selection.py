import pytest

from data.errors import UsageError
from indexer.abi import Event
from indexer.protocols import PROTOCOLS, select_protocols
from indexer.protocols.base import ChainContext, Protocol, Route
from indexer.selection import Selection
from tests.indexer.protocols.settled import OWN
from tests.indexer.samples import COLLECTION

EVERY = tuple(PROTOCOLS.values())


def select(chain_id=1, own=None, protocols=EVERY, addresses=()):
    return Selection(ChainContext(chain_id, own), protocols, addresses)


def test_transfers_of_any_contract_are_asked_for_with_four_topics_only():
    transfer = PROTOCOLS["erc721"].routes(ChainContext(10))[0].event.topic0
    for each in select(10).log_filters:
        if "address" not in each:
            assert len(each["topics"]) == 4 or transfer not in each["topics"][0]


@pytest.mark.parametrize("chain_id", [1, 10, 8_453])
def test_three_filters_at_most_match_the_events_of_every_protocol(chain_id):
    selection = select(chain_id)
    assert len(selection.log_filters) <= 3
    for _, route in selection.routes:
        assert any(
            route.event.topic0 in each["topics"][0]
            and len(each["topics"]) <= route.event.n_topics
            and (route.emitters or frozenset()) <= set(each.get("address", ()))
            for each in selection.log_filters
        ), route


def test_own_contracts_are_asked_for_where_they_are_known():
    def asked(selection):
        return {address for each in selection.log_filters for address in each.get("address", [])}

    assert OWN.market in asked(select(31_337, OWN))
    assert OWN.market not in asked(select(31_337))


def test_address_narrows_every_filter():
    assert all(
        each["address"] == [COLLECTION] for each in select(addresses=(COLLECTION,)).log_filters
    )


def test_digest_tells_selections_apart_and_nothing_else():
    assert select().digest == select(protocols=tuple(reversed(EVERY))).digest
    others = [
        select(10),
        select(protocols=EVERY[:2]),
        select(addresses=(COLLECTION,)),
        select(31_337),
        select(31_337, OWN),
    ]
    assert len({select().digest, *(each.digest for each in others)}) == 6


def test_two_protocols_that_claim_the_same_logs_are_refused():
    event = Event.parse("Transfer(address indexed from, address indexed to, uint256 indexed id)")
    rival = Protocol("rival", lambda _: [Route(event, "1")], lambda *_: {})
    with pytest.raises(UsageError, match="erc721 and rival both claim Transfer with 4 topics"):
        _ = select(protocols=(*EVERY, rival)).routes
    named = Protocol("named", lambda _: [Route(event, "1", frozenset({COLLECTION}))], lambda *_: {})
    assert select(protocols=(*EVERY, named)).routes


def test_unknown_protocol_is_refused_with_the_known_ones():
    assert [protocol.name for protocol in select_protocols(("seaport",))] == ["seaport"]
    with pytest.raises(UsageError, match=r"unknown protocol 'x'; known: .*erc1155, .*erc721"):
        select_protocols(("seaport", "x"))
