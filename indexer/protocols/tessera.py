"""Tessera (fractional.art's successor): vaults whose shares, Raes, are ERC-1155 tokens.

`VaultDeployed` names the share; its identity is indexed here, and not in fractional's second
version, which shares the topic. A group buy pools ether for a work: contributions, the purchase,
which puts it into a vault, and claims of Raes and of ether left over. An auction at falling prices
(LPDA) sells the Raes of a work that its curator put into a vault.

Source: code-423n4/2022-12-tessera, src/VaultRegistry.sol and src/modules/GroupBuy.sol; the LPDA and
its address from DefiLlama/DefiLlama-Adapters, projects/fractional-art.js; events of the protocol
table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.vaults import together, vault_rows

_NAME = "tessera"
_LPDA = frozenset({"0x32e8ab1e243d8d912a5ae937635e07e7e451d2ae"})
_EVENTS = (
    Event.parse(
        "VaultDeployed(address indexed _vault, address indexed _token, uint256 indexed _id)"
    ),
    Event.parse(
        "Contribute(uint256 indexed _poolId, address indexed _contributor,"
        " uint256 _ethContribution, uint256 _quantity, uint256 _price, uint256 _minReservePrice)",
        wei=["_ethContribution"],
    ),
    Event.parse(
        "Purchase(uint256 indexed _poolId, address indexed _vault, address indexed _nftContract,"
        " uint256 _tokenId, uint256 _price)",
        wei=["_price"],
    ),
    Event.parse(
        "Claim(uint256 indexed _poolId, address indexed _claimer, uint256 _raeAmount,"
        " uint256 _ethRefund)",
        wei=["_ethRefund"],
    ),
)
_CREATED_LPDA = Event.parse(
    "CreatedLPDA(address indexed vault, address indexed token, uint256 _id,"
    " (uint32 startTime, uint32 endTime, uint64 dropPerSecond, uint128 startPrice,"
    " uint128 endPrice, uint128 minBid, uint16 supply, uint16 numSold, uint128 curatorClaimed,"
    " address curator) _lpdaInfo)"
)
_UNNAMED = pl.lit(None, pl.String)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [*(Route(event, "1") for event in _EVENTS), Route(_CREATED_LPDA, "lpda", _LPDA)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    return {"vault_events": together([*_opened(frames), *_pooled(frames)])}


def _opened(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    share = {"share_token": pl.col("_token"), "share_id": pl.col("_id")}
    if "VaultDeployed" in frames:
        rows.append(vault_rows(frames["VaultDeployed"], _NAME, "opened", vault="_vault", **share))
    if "CreatedLPDA" in frames:
        auctions = frames["CreatedLPDA"].with_columns(
            pl.col("_id").alias("work"), pl.col("vault").alias("_vault")
        )
        auctions = auctions.drop("_id").join(
            _deployed(frames),
            on=["block_hash", "tx_hash", "_vault"],
            how="left",
            maintain_order="left",
        )
        rows.append(
            vault_rows(
                auctions,
                _NAME,
                "opened",
                vault="vault",
                collection="token",
                token_id=pl.col("work"),
                quantity=pl.lit("1"),
                account="_lpdaInfo.curator",
                shares=pl.col("_lpdaInfo.supply").cast(pl.String),
                **share,
            )
        )
    return rows


def _deployed(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The share of each vault, by the transaction that deployed it."""
    columns = ["block_hash", "tx_hash", "_vault", "_token", "_id"]
    if "VaultDeployed" not in frames:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return frames["VaultDeployed"].select(columns).unique(columns[:3], keep="first")


def _pooled(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    if "Contribute" in frames:
        rows.append(
            vault_rows(
                frames["Contribute"],
                _NAME,
                "contribution",
                vault=_UNNAMED,
                reference_id="_poolId",
                account="_contributor",
                shares="_quantity",
                amount_wei="_ethContribution",
            )
        )
    if "Purchase" in frames:
        rows.append(
            vault_rows(
                frames["Purchase"],
                _NAME,
                "deposit",
                vault="_vault",
                reference_id="_poolId",
                collection="_nftContract",
                token_id=pl.col("_tokenId"),
                quantity=pl.lit("1"),
                amount_wei="_price",
            )
        )
    if "Claim" in frames:
        rows.append(
            vault_rows(
                frames["Claim"],
                _NAME,
                "claimed",
                vault=_UNNAMED,
                reference_id="_poolId",
                account="_claimer",
                shares="_raeAmount",
                amount_wei="_ethRefund",
            )
        )
    return rows


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    after=("erc721", "erc1155"),
    limits=(
        "1: the registry's address is not known here: vaults that any contract announces are"
        " assumed, not decoded.",
        "1: a vault's proceeds, when its work is sold through a marketplace, and cash-outs of them"
        " are not read.",
        "lpda: bids and settlements of the auction are not read.",
    ),
)
