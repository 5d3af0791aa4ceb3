"""PartyDAO 1: people pool ether, buy works together and share what they earn by cards.

A crowdfund collects contributions; when it wins, it creates a party that owns the works, with as
much voting power as ether was spent (`Won`). Each contributor then turns the contribution into a
card of the party, an ERC-721 token minted just before `Burned`, and gets back what was not spent. A
distribution sets money aside for the cards, by their voting power, and its fee for somebody; both
are claimed later. The distributors write the native coin as 0xeeee…eeee.

Source: PartyDAO/party-protocol, contracts/crowdfund/Crowdfund.sol and contracts/distribution,
TokenDistributor.sol and ITokenDistributor.sol (the older layout of `DistributionCreated`, without
the total); PartyDAO/party-addresses, contracts/mainnet (the distributors); events of the protocol
table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import transfers_around
from indexer.protocols.vaults import together, vault_rows

_NAME = "party"
_VERSION = "1"
_DISTRIBUTORS = frozenset(
    {
        "0x1ca2007a81f8a7491bb6e11d8e357fd810896454",
        "0x49a3caab781f711ad74c9d2f34c3cbd835d6a608",
        "0x0b7b86dceaa8015ced8f625d3b7a961b31fb05fe",
        "0x8723b021b008dd370fbec1c791c390a2bc957654",
    }
)
_INFO = (
    "(uint8 tokenType, uint256 distributionId, address party, address feeRecipient, address token,"
    " uint128 memberSupply, uint128 fee"
)
_AMOUNTS = ["info.memberSupply", "info.fee"]
_CREATED = Event.parse(
    f"DistributionCreated(address indexed party, {_INFO}, uint96 totalShares) info)", wei=_AMOUNTS
)
_CREATED_OLD = Event.parse(
    f"DistributionCreated(address indexed party, {_INFO}) info)",
    wei=_AMOUNTS,
    name="DistributionCreatedOld",
)
_CROWDFUND_EVENTS = (
    Event.parse(
        "Contributed(address sender, address contributor, uint256 amount, address delegate,"
        " uint256 previousTotalContributions)",
        wei=["amount"],
    ),
    Event.parse(
        "Won(address party, address[] tokens, uint256[] tokenIds, uint256 settledPrice)",
        wei=["settledPrice"],
    ),
    Event.parse(
        "Burned(address contributor, uint256 ethUsed, uint256 ethOwed, uint256 votingPower)",
        wei=["ethUsed", "ethOwed"],
    ),
)
_DISTRIBUTOR_EVENTS = (
    _CREATED,
    _CREATED_OLD,
    Event.parse(
        "DistributionClaimedByPartyToken(address indexed party, uint256 indexed partyTokenId,"
        " address indexed owner, uint8 tokenType, address token, uint256 amountClaimed)",
        wei=["amountClaimed"],
    ),
    Event.parse(
        "DistributionFeeClaimed(address indexed party, address indexed feeRecipient,"
        " uint8 tokenType, address token, uint256 amount)",
        wei=["amount"],
    ),
)
_NATIVE_TYPE = 0
_UNNAMED = pl.lit(None, pl.String)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        *(Route(event, _VERSION) for event in _CROWDFUND_EVENTS),
        *(Route(event, _VERSION, _DISTRIBUTORS) for event in _DISTRIBUTOR_EVENTS),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    rows = [
        *_contributed(frames),
        *_won(events),
        *_activated(frames, around),
        *_distributed(frames),
        *_claimed(frames),
    ]
    return {"vault_events": together(rows)}


# --- crowdfunds


def _contributed(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    if "Contributed" not in frames:
        return []
    return [
        vault_rows(
            frames["Contributed"],
            _NAME,
            "contribution",
            vault=_UNNAMED,
            account="contributor",
            amount_wei="amount",
        )
    ]


def _won(events: Mapping[str, Decoded]) -> list[pl.DataFrame]:
    """The party, on the row of its first work; its other works are rows of their own."""
    if "Won" not in events:
        return []
    decoded = events["Won"]
    tokens = decoded.items["tokens"].rename({"value": "token"})
    works = decoded.items["tokenIds"].rename({"value": "work"})
    rows = (
        decoded.rows.join(works, on="row", how="left", maintain_order="left_right")
        .join(tokens, on=["row", "item"], how="left", maintain_order="left")
        .with_columns(pl.col("item").fill_null(0).cast(pl.Int64))
    )
    price = pl.col("settledPrice").cast(pl.Int128).cast(pl.String)
    return [
        vault_rows(
            rows.filter(is_kind),
            _NAME,
            kind,
            item_index="item",
            vault="party",
            collection="token",
            token_id=pl.col("work"),
            quantity=pl.when(pl.col("work").is_not_null()).then(pl.lit("1")),
            **({"shares": price, "amount_wei": pl.col("settledPrice")} if kind == "opened" else {}),
        )
        for kind, is_kind in (("opened", pl.col("item") == 0), ("deposit", pl.col("item") > 0))
    ]


def _activated(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    """Contributions turned into cards, which were minted just before, and what came back."""
    if "Burned" not in frames:
        return []
    burned = frames["Burned"]
    mints = around.fact("transfers").filter(
        pl.col("kind") == "mint", pl.col("token_standard") == "erc721"
    )
    cards = (
        transfers_around(burned, mints)
        .join(
            burned.select("block_hash", "log_index", "contributor", "address"),
            on=["block_hash", "log_index"],
        )
        # A card that its contributor cannot take is kept by the crowdfund.
        .filter(
            (pl.col("to_address") == pl.col("contributor"))
            | (pl.col("to_address") == pl.col("address"))
        )
        .sort("moved_at")
        .unique(["block_hash", "log_index"], keep="last", maintain_order=True)
        .select("block_hash", "log_index", "collection", pl.col("token_id").alias("card"))
    )
    rows = burned.join(cards, on=["block_hash", "log_index"], how="left", maintain_order="left")
    activated = vault_rows(
        rows,
        _NAME,
        "activated",
        vault="collection",
        collection="collection",
        token_id=pl.col("card"),
        account="contributor",
        shares="votingPower",
        amount_wei="ethUsed",
    )
    refunds = vault_rows(
        rows.filter(pl.col("ethOwed") > 0),
        _NAME,
        "refund",
        item_index=pl.lit(1, pl.Int64),
        vault="collection",
        account="contributor",
        amount_wei="ethOwed",
    )
    return [activated, refunds]


# --- distributions


def _currency(token_type: str, token: str) -> pl.Expr:
    return pl.when(pl.col(token_type) == _NATIVE_TYPE).then(pl.lit(NATIVE)).otherwise(pl.col(token))


def _distributed(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    for name in ("DistributionCreated", "DistributionCreatedOld"):
        if name not in frames:
            continue
        frame = frames[name]
        currency = _currency("info.tokenType", "info.token")
        shares = (
            pl.col("info.totalShares").cast(pl.String)
            if "info.totalShares" in frame.columns
            else _UNNAMED
        )
        rows += [
            vault_rows(
                frame,
                _NAME,
                "dividend",
                vault="party",
                reference_id="info.distributionId",
                shares=shares,
                currency=currency,
                amount_wei="info.memberSupply",
            ),
            vault_rows(
                frame.filter(pl.col("info.fee") > 0),
                _NAME,
                "dividend_fee",
                item_index=pl.lit(1, pl.Int64),
                vault="party",
                reference_id="info.distributionId",
                account="info.feeRecipient",
                currency=currency,
                amount_wei="info.fee",
            ),
        ]
    return rows


def _claimed(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    if "DistributionClaimedByPartyToken" in frames:
        rows.append(
            vault_rows(
                frames["DistributionClaimedByPartyToken"],
                _NAME,
                "dividend_claim",
                vault="party",
                collection="party",
                token_id=pl.col("partyTokenId"),
                account="owner",
                currency=_currency("tokenType", "token"),
                amount_wei="amountClaimed",
            )
        )
    if "DistributionFeeClaimed" in frames:
        rows.append(
            vault_rows(
                frames["DistributionFeeClaimed"],
                _NAME,
                "dividend_fee_claim",
                vault="party",
                account="feeRecipient",
                currency=_currency("tokenType", "token"),
                amount_wei="amount",
            )
        )
    return rows


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    after=("erc721",),
    limits=(
        "Any contract can say that it won a party: such vaults are assumed, not decoded.",
        "Works that a party sells or gives away leave without an event; vault_items shows them as"
        " not there.",
        "Parties made without a crowdfund of this kind, and cards added later, are not read.",
        "The voting power handed out may fall short of the whole by rounding.",
    ),
)
