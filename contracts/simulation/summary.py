"""What a phase of the market comes to: counts and sums, from the books and from the chain."""

from typing import Any

from contracts.addresses import Addresses
from contracts.rpc import Rpc
from contracts.simulation.books.royalties import Source
from contracts.simulation.economy import Economy
from contracts.simulation.execution import topic_of
from data.units import WEI_PER_ETH


def owed_by_source(economy: Economy) -> dict[Source, int]:
    """Royalties in wei that the market's payments owed so far, by what they were for."""
    return {source: flow.wei for source, flow in economy.ledger.royalties.flows.items()}


def count_royalties(
    rpc: Rpc, at: Addresses, economy: Economy, before: dict[Source, int], first_block: int
) -> dict[str, dict[str, int]]:
    """owed_wei by the books, and paid_wei by the Splitter's events, per source.

    From `first_block` to the latest; nobody but the market may have paid in between.
    """
    owed = {s: wei - before[s] for s, wei in owed_by_source(economy).items()}
    paid = dict.fromkeys(Source, 0)
    request = {
        "fromBlock": hex(first_block),
        "toBlock": "latest",
        "address": at.splitter,
        "topics": [topic_of("Splitter", "RoyaltyReceived")],
    }
    for log in rpc.call("eth_getLogs", [request]):
        source = int(log["topics"][3], 16)
        if source in paid:
            paid[Source(source)] += int(log["data"], 16)
    return {
        "owed_wei": {source.name.lower(): wei for source, wei in owed.items()},
        "paid_wei": {source.name.lower(): wei for source, wei in paid.items()},
    }


def count_sales(economy: Economy, start: int) -> dict[str, Any]:
    """Sales since one of them, those that were made up, and how they came about."""
    sales = economy.ledger.sales[start:]
    by_kind = [sum(1 for sale in sales if sale.kind == kind) for kind in range(3)]
    return {
        "sales": len(sales),
        "auction_sales": by_kind[1],
        "drop_sales": by_kind[2],
        "wash_sales": sum(1 for sale in sales if sale.is_wash),
        "volume_eth": round(sum(sale.price_wei for sale in sales) / WEI_PER_ETH, 4),
    }


def offers_of_strangers(economy: Economy) -> dict[int, str]:
    """Seller by token of every offer from outside, also those that earlier phases left unsold."""
    ours = economy.people.addresses()
    offers = economy.ledger.listings.values()
    return {offer.token_id: offer.seller for offer in offers if offer.seller not in ours}


def count_outside(economy: Economy, sellers: dict[int, str], start: int) -> dict[str, Any]:
    """Offers from outside, and which of them were taken since a sale."""
    sold = [
        sale for sale in economy.ledger.sales[start:] if sellers.get(sale.token_id) == sale.seller
    ]
    return {
        "outside_offers": len(sellers),
        "outside_sales": len(sold),
        "outside_volume_eth": round(sum(sale.price_wei for sale in sold) / WEI_PER_ETH, 4),
    }


def count_deeds(economy: Economy) -> dict[str, int]:
    """What else happened on the contracts since the market's first day."""
    world = economy.world
    return {
        "loans": len(world.loans.loans),
        "rounds": len(world.studio.rounds),
        "disputes": len(world.registry.disputes),
    }
