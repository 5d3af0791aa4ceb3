"""Artists: they make what sells, ask what it may be worth, and lower what stays."""

import numpy as np

from contracts.simulation.agents import Artist
from contracts.simulation.ledger import Listing
from contracts.simulation.registrars import Registrars
from contracts.simulation.works import Parenthood, make_work
from contracts.simulation.world import World, asking_price_wei, to_eth, to_wei

STOCK_DAYS = 6.0
"""An artist wants to offer about so many days of expected sales of each style."""

_BASE_STOCK = 1.5
_FILL_PER_DAY = 0.4
_MOST_PER_DAY = 4
_FRESH_DAYS = 16
_MARKUP, _MARKUP_SIGMA = 0.04, 0.20
_DERIVED_SHARE = 0.08
_PATIENCE_DAYS = 10
_CUT_CHANCE = 0.06
_MOST_CUTS = 3
_BURN_CHANCE = 0.3
_CASH_OUT_DAYS = 30
_KEEP_ETH = 0.5
_MINT_ETH = 0.01


def make_and_offer(
    world: World, registrars: Registrars, rng: np.random.Generator, artist: Artist
) -> None:
    """Mints and lists new works of each style of which the artist has too few on offer."""
    for style in artist.styles:
        colleagues = sum(1 for other in world.people.artists if style in other.styles)
        wanted = _BASE_STOCK + STOCK_DAYS * float(world.expected_sales[style]) / colleagues
        missing = wanted - _fresh_offers(world, artist, style)
        for _ in range(min(int(rng.poisson(max(missing, 0.0) * _FILL_PER_DAY)), _MOST_PER_DAY)):
            if world.ledger.can_pay(artist.address, to_wei(_MINT_ETH)):
                _make_one(world, registrars, rng, artist, style)


def lower_or_withdraw(world: World, rng: np.random.Generator, artist: Artist) -> None:
    """Lowers the price of what stays unsold, and gives up after three times."""
    for token_id in list(world.artistry[artist.address].works):
        listing = world.ledger.listings.get(token_id)
        if listing is None or listing.seller != artist.address:
            world.artistry[artist.address].works.remove(token_id)
        elif world.day - listing.day < _PATIENCE_DAYS or rng.random() >= _CUT_CHANCE:
            continue
        elif world.ledger.can_pay(artist.address, 0):
            _lower(world, rng, listing)


def cash_out(world: World, artist: Artist) -> None:
    """Sends what an artist does not need to the exchange, once a month."""
    if (world.day + artist.slot) % _CASH_OUT_DAYS != _CASH_OUT_DAYS - 1:
        return
    spare_eth = to_eth(world.ledger.balance_wei(artist.address)) - _KEEP_ETH
    if spare_eth > _KEEP_ETH:
        world.ledger.send_eth(artist.address, world.people.exchange, to_wei(spare_eth))


def _fresh_offers(world: World, artist: Artist, style: int) -> int:
    ledger = world.ledger
    offers = (ledger.listings.get(t) for t in world.artistry[artist.address].works)
    return sum(
        1
        for offer in offers
        if offer
        and ledger.pieces[offer.token_id].style == style
        and world.day - ledger.pieces[offer.token_id].acquired_day < _FRESH_DAYS
    )


def _make_one(
    world: World, registrars: Registrars, rng: np.random.Generator, artist: Artist, style: int
) -> None:
    artistry = world.artistry[artist.address]
    artistry.made += 1
    work = make_work(
        rng,
        creator=artist.address,
        artist=artist.name,
        number=artistry.made,
        style=style,
        royalty_bps=artist.royalty_bps,
        materials=registrars.materials(artist, style),
        parents=_parents(world, rng, artist, style),
    )
    token_id = world.ledger.mint(work, world.split_of(work))
    markup = float(np.exp(rng.normal(_MARKUP, _MARKUP_SIGMA)))
    value_eth = world.asking_value_eth(artistry.level_eth, work)
    world.ledger.offer(token_id, asking_price_wei(rng, value_eth * markup))
    artistry.works.append(token_id)


def _parents(
    world: World, rng: np.random.Generator, artist: Artist, style: int
) -> tuple[Parenthood, ...]:
    """Now and then a work is a variation of an earlier one, every second time of a colleague's."""
    if rng.random() >= _DERIVED_SHARE:
        return ()
    pieces = world.ledger.pieces
    makers = [artist]
    if world.artistry[artist.address].made % 2:
        makers = [other for other in world.people.artists if style in other.styles]
    works = [t for maker in makers for t in world.artistry[maker.address].works if t in pieces]
    earlier = [t for t in works if pieces[t].style == style]
    if not earlier:
        return ()
    parent = earlier[int(rng.integers(0, len(earlier)))]
    relation = int(rng.integers(0, 3))
    return (Parenthood(parent, relation, int(rng.integers(2, 11)) * 500),)


def _lower(world: World, rng: np.random.Generator, listing: Listing) -> None:
    artistry = world.artistry[listing.seller]
    if listing.cuts < _MOST_CUTS:
        price_eth = to_eth(listing.price_wei) * float(rng.uniform(0.80, 0.93))
        new_wei = asking_price_wei(rng, price_eth)
        if new_wei < listing.price_wei:
            world.ledger.offer(listing.token_id, new_wei)
            world.lower_fame(listing.seller)
        return
    artistry.works.remove(listing.token_id)
    if rng.random() < _BURN_CHANCE:
        world.ledger.burn(listing.token_id)
    else:
        world.ledger.cancel(listing.token_id)
