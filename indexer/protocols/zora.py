"""Zora: market and auction house of version 1, modules of version 3, mints of its 1155 contracts.

`ExchangeExecuted` repeats what `AskFilled` and `OfferFilled` say, and `MintComment` what
`Purchased` says but for a comment, so neither is read. Version 3 speaks of royalties before a sale
(`RoyaltyPayout`); whoever else is paid is told by the money. A mint pays its rewards through one
contract for all chains, which names who gets how much.

Source: ourzora/core (Market), ourzora/auction-house, ourzora/v3 (contracts/modules,
contracts/common), ourzora/zora-protocol (packages/1155-contracts, packages/protocol-rewards).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.sales import sale_tables, with_standard
from indexer.protocols.zora_1155 import settle_mints
from indexer.protocols.zora_v1 import settle_first
from indexer.protocols.zora_v3 import settle_modules

_NAME = "zora"
_REWARDS = "0x7777777f279eba3d3ad8f4e708545291a6fdba8b"
_ASKS = "0x6170b3c3a54c3d8c854934cbc314ed479b2b29a3"
_ASKS_POLYGON = "0x3634e984ba0373cfa178986fd19f03ba4dd8e469"
_ASKS_CORE = "0x34aa9cbb80dc0b3d82d04900c02fb81468dafcab"
_ASKS_PRIVATE = "0xfbf87e6c2c242d0166e2ddb60db5a94cd4dae00e"
_OFFERS = "0x76744367ae5a056381868f716bdf0b13ae1aeaa3"
_RESERVE = "0x5f7072e1fa7c01dfac7cf54289621afaad2184d0"
_MARKET = "0xe5bfab544eca83849c53464f85b7164375bdaac1"
_HOUSE = "0xe468ce99444174bd3bbbed09209577d25d1ad673"
_MODULES = frozenset({_ASKS, _ASKS_CORE, _ASKS_PRIVATE, _OFFERS, _RESERVE})

_TOKEN = "address indexed tokenContract, uint256 indexed tokenId"  # noqa: S105 - two arguments
_ASK = Event.parse(
    f"AskFilled({_TOKEN}, address indexed buyer, address finder, (address seller,"
    " address fundsRecipient, address currency, uint16 findersFeeBps, uint256 price) ask)",
    wei=["ask.price"],
)
_ASK_CORE = Event.parse(
    f"AskFilled({_TOKEN}, address buyer, address seller, uint256 price)",
    wei=["price"],
    name="AskFilledCore",
)
_ASK_PRIVATE = Event.parse(
    f"AskFilled({_TOKEN}, (address seller, uint96 price, address buyer) ask)",
    wei=["ask.price"],
    name="AskFilledPrivate",
)
_OFFER = Event.parse(
    f"OfferFilled({_TOKEN}, uint256 indexed id, address taker, address finder,"
    " (address maker, address currency, uint16 findersFeeBps, uint256 amount) offer)",
    wei=["offer.amount"],
)
_AUCTION = Event.parse(
    f"AuctionEnded({_TOKEN}, (address seller, uint96 reservePrice, address fundsRecipient,"
    " uint96 highestBid, address highestBidder, uint32 duration, uint32 startTime,"
    " uint32 firstBidTime) auction)",
    wei=["auction.highestBid"],
)
_ROYALTY = Event.parse(
    f"RoyaltyPayout({_TOKEN}, address recipient, uint256 amount)", wei=["amount"]
)
_BID = Event.parse(
    "BidFinalized(uint256 indexed tokenId, (uint256 amount, address currency, address bidder,"
    " address recipient, (uint256 value) sellOnShare) bid)",
    wei=["bid.amount"],
)
_HOUSE_AUCTION = Event.parse(
    "AuctionEnded(uint256 indexed auctionId, uint256 indexed tokenId,"
    " address indexed tokenContract, address tokenOwner, address curator, address winner,"
    " uint256 amount, uint256 curatorFee, address auctionCurrency)",
    wei=["amount", "curatorFee"],
    name="AuctionEndedHouse",
)
_PURCHASED = Event.parse(
    "Purchased(address indexed sender, address indexed minter, uint256 indexed tokenId,"
    " uint256 quantity, uint256 value)",
    wei=["value"],
)
_REWARD_FIELDS = ("creator", "createReferral", "mintReferral", "firstMinter", "zora")
_DEPOSIT = Event.parse(
    "RewardsDeposit(address indexed creator, address indexed createReferral,"
    " address indexed mintReferral, address firstMinter, address zora, address from,"
    " uint256 creatorReward, uint256 createReferralReward, uint256 mintReferralReward,"
    " uint256 firstMinterReward, uint256 zoraReward)",
    wei=[f"{name}Reward" for name in _REWARD_FIELDS],
)


def _routes(context: ChainContext) -> Sequence[Route]:
    routes = [
        Route(_PURCHASED, "1155"),
        Route(_DEPOSIT, "protocol-rewards", frozenset({_REWARDS})),
    ]
    if context.chain_id == 137:
        routes += [Route(each, "3", frozenset({_ASKS_POLYGON})) for each in (_ASK, _ROYALTY)]
    if context.chain_id == 1:
        routes += [
            Route(_ASK, "3", frozenset({_ASKS})),
            Route(_ASK_CORE, "3-asks-core-eth", frozenset({_ASKS_CORE})),
            Route(_ASK_PRIVATE, "3-asks-private-eth", frozenset({_ASKS_PRIVATE})),
            Route(_OFFER, "3-offers-1", frozenset({_OFFERS})),
            Route(_AUCTION, "3-reserve-core-eth", frozenset({_RESERVE})),
            Route(_ROYALTY, "3", _MODULES),
            Route(_BID, "1-market", frozenset({_MARKET})),
            Route(_HOUSE_AUCTION, "auction-house-1", frozenset({_HOUSE})),
        ]
    return routes


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    modules, module_legs = settle_modules(events, around)
    mints, mint_legs, odd = settle_mints(events, around)
    first, first_legs = settle_first(events, around)
    sales = pl.concat([each for each in (modules, mints, first) if each.width], how="diagonal")
    aside = {} if odd.is_empty() else {"quarantine": odd}
    if not sales.width:
        return aside
    sales = with_standard(sales, around.fact("transfers"))
    return sale_tables(_NAME, sales, [module_legs, mint_legs, first_legs]) | aside


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "3: without traces (ether) or receipts (tokens) only royalties are known of a sale.",
        "1155: the receiver of the tokens is the buyer, the caller the taker; a mint that costs"
        " more than its rewards has all legs only with traces; mints without native coin (free,"
        " or paid in a token) are transfers alone.",
        "1155: any contract may speak of purchases; one without tokens that were minted, or without"
        " rewards or traced money, is set aside; one of which only a part was seen is `inferred`.",
        "1: the market is read on Ethereum alone; a bid whose token's transfer was not seen has no"
        " seller; a previous owner's share is of class `unknown`.",
        "The secondary market of timed sales, and modules of 3 besides these five, are not read.",
    ),
)
