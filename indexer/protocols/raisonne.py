"""Our own contracts: works and their lineage, royalties, venues, vaults, loans, the studio, prices.

Emitters are trusted only where `contracts.addresses` names them. The one exception are vaults: each
is a contract of its own, so its rows say which contract spoke for itself, and the links count only
those that the factory opened. Signatures stand in `raisonne_events`, the tables in the modules
beside it.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from contracts.addresses import Addresses
from data.currencies import PriceFeed
from data.units import NATIVE
from indexer.abi import Decoded
from indexer.protocols import (
    raisonne_sales,
    raisonne_studio,
    raisonne_vaults,
    raisonne_works,
)
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.quotes import ANSWER, quotes
from indexer.protocols.raisonne_events import EVENTS, VAULT_EVENTS
from indexer.protocols.raisonne_rows import NAME, VERSION, Frames, address_of, addresses_of
from indexer.protocols.royalty_lists import together

_FEED_DECIMALS = 8
_PAYING = ("market", "auctions", "drops", "vault_factory", "loans")
"""Contracts that pay, and let fetch what could not be paid."""


def _routes(context: ChainContext) -> Sequence[Route]:
    own = context.own
    if own is None:
        return []
    by_event: dict[str, tuple[Route, ...]] = {}
    anywhere = {event.topic0 for event in VAULT_EVENTS}
    for field, events in EVENTS.items():
        emitter = address_of(own, field)
        if emitter is None:
            continue
        for event in events:
            if event.topic0 in anywhere:
                continue
            before = by_event.get(event.topic0, ())
            emitters = frozenset({emitter, *(a for r in before for a in r.emitters or ())})
            by_event[event.topic0] = (Route(event, VERSION, emitters),)
    named = [route for routes in by_event.values() for route in routes]
    return [*named, *(Route(event, VERSION) for event in VAULT_EVENTS)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    own = around.context.own
    if own is None:
        return {}
    frames = {name: decoded.rows for name, decoded in events.items()}
    splitter = address_of(own, "splitter")
    known = addresses_of(own, _PAYING)
    tables = {
        "provenance_events": raisonne_works.provenance(frames, own.artwork),
        "lineage_edges": raisonne_works.edges(frames),
        "royalty_events": raisonne_works.royalty_terms(frames),
        "split_payments": raisonne_works.split_payments(frames, own.artwork),
        "listings": raisonne_sales.listings(frames, own.artwork),
        "auctions": raisonne_sales.auctions(frames, own.artwork, address_of(own, "auctions")),
        "drop_events": raisonne_sales.drop_events(frames, address_of(own, "drops")),
        "payouts": raisonne_sales.payouts(frames, known, splitter),
        "vault_payments": raisonne_sales.vault_payments(frames, own.artwork, splitter),
        "vault_events": raisonne_vaults.vault_events(frames, own.artwork),
        "share_transfers": raisonne_vaults.share_transfers(
            frames, address_of(own, "studio_shares")
        ),
        "rounds": raisonne_studio.rounds(frames),
        "governance_events": raisonne_studio.governance(frames),
        "prices": _prices(frames, own),
    }
    return together(
        [
            {name: frame for name, frame in tables.items() if frame.width},
            raisonne_works.splits(events, own.artwork),
            raisonne_sales.sales(frames, own.artwork, splitter),
            raisonne_sales.orphan_payments(frames, known),
            raisonne_vaults.loan_events(frames, own.artwork),
        ]
    )


def _prices(frames: Frames, own: Addresses) -> pl.DataFrame:
    if ANSWER.name not in frames:
        return pl.DataFrame()
    feed = PriceFeed(own.chain_id, own.price_feed, NATIVE, _FEED_DECIMALS, "ETH/USD")
    return quotes(frames[ANSWER.name], [feed])


PROTOCOL = Protocol(
    NAME,
    _routes,
    _settle,
    limits=(
        "A work that another marketplace sells pays its royalty to the Splitter without naming the"
        " work, so that it goes to the treasury.",
        "What a round's phase is, the clock tells and not an event; pauses move its windows.",
    ),
)
