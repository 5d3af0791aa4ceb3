"""Unicly: a collection of tokens in one vault, its ERC-20 shares issued at once.

`TokenCreated` of the factory opens a vault (uToken); its issuer deposits tokens, takes them all
back (`Refunded`) or issues the shares (`Issued`), a two-hundredth of them to the platform where a
fee receiver is set. Whoever wants a token bids for its number in the vault; once enough shares are
locked to unlock the collection, the highest bidder of each claims it.

Not in the protocol table. Signatures and their order: uniclyNFT/unicly-core,
contracts/UnicFactory.sol and contracts/Converter.sol; addresses: 0xLeia/unicly-subgraph,
subgraph.yaml (the factory from block 12142679 on), and the audited surface of the project, which
names an earlier one of the same code.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables, items_with_place
from indexer.protocols.vaults import (
    share_trades,
    share_transfers,
    together,
    vault_rows,
    with_moved,
)

_NAME = "unicly"
_VERSION = "1"
_FACTORIES = frozenset(
    {
        "0x8696bde5cc30545b3b049f3529abbfb2b1e0c007",
        "0x4e30235a3c556ff509cd4f71ad6168ec60c89b28",
    }
)
_CREATED = Event.parse("TokenCreated(address indexed caller, address indexed uToken)")
_VAULT_EVENTS = (
    Event.parse("Deposited(uint256[] tokenIDs, uint256[] amounts, address contractAddr)"),
    Event.parse("Refunded()"),
    Event.parse("Issued()"),
    Event.parse(
        "BidCreated(address sender, uint256 nftIndex, uint256 bidAmount)", wei=["bidAmount"]
    ),
    Event.parse("BidRemoved(address sender, uint256 nftIndex)"),
    Event.parse("ClaimedNFT(address winner, uint256 nftIndex, uint256 tokenId)"),
)
_TX = ["block_hash", "tx_hash"]


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        Route(_CREATED, _VERSION, _FACTORIES),
        *(Route(event, _VERSION) for event in _VAULT_EVENTS),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    spoken = [
        *_opened(frames, around),
        *_deposits(events, around),
        *_bids(frames),
        *_left(frames, around),
    ]
    rows = together(spoken)
    rows = together([rows, share_trades(rows, around.payments, _NAME)])
    return {"vault_events": rows, "share_transfers": share_transfers(rows, around.payments)}


def _opened(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    rows = []
    if "TokenCreated" in frames:
        rows.append(
            vault_rows(frames["TokenCreated"], _NAME, "opened", vault="uToken", account="caller")
        )
    if "Issued" in frames:
        issued = frames["Issued"].with_columns(pl.col("address").alias("vault"))
        minted = with_moved(issued, around.payments, mints=True)
        # The platform's part is minted first, so the last receiver is the issuer.
        rows.append(
            vault_rows(minted, _NAME, "issued", account="moved_account", shares="moved_shares")
        )
    return rows


def _deposits(events: Mapping[str, Decoded], around: Around) -> list[pl.DataFrame]:
    if "Deposited" not in events:
        return []
    decoded = events["Deposited"]
    units = decoded.items["amounts"].rename({"value": "units"})
    items = (
        items_with_place(decoded, "tokenIDs", "address", "version", "contractAddr")
        .rename({"value": "token_id"})
        .join(units, on=["row", "item"], how="left", maintain_order="left")
    )
    moved = around.fact("transfers").select(
        *_TX,
        pl.col("to_address").alias("address"),
        pl.col("collection").alias("contractAddr"),
        "token_id",
        (pl.col("token_standard") == "erc1155").alias("is_many"),
    )
    key = [*_TX, "address", "contractAddr", "token_id"]
    items = items.join(moved.unique(key, keep="first"), on=key, how="left", maintain_order="left")
    # Amounts are looked at for ERC-1155 only, and a token of neither standard is not taken in.
    quantity = pl.when(pl.col("is_many")).then("units").otherwise(pl.lit("1"))
    return [
        vault_rows(
            items,
            _NAME,
            "deposit",
            item_index=pl.col("item").cast(pl.Int64),
            collection="contractAddr",
            token_id=pl.col("token_id"),
            quantity=pl.when(pl.col("is_many").is_not_null()).then(quantity),
        )
    ]


def _bids(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    if "BidCreated" in frames:
        rows.append(
            vault_rows(
                frames["BidCreated"],
                _NAME,
                "bid",
                reference_id="nftIndex",
                account="sender",
                amount_wei="bidAmount",
            )
        )
    if "BidRemoved" in frames:
        rows.append(
            vault_rows(
                frames["BidRemoved"],
                _NAME,
                "bid_removed",
                reference_id="nftIndex",
                account="sender",
            )
        )
    return rows


def _left(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    """Tokens that were claimed or taken back, as their transfers from the vault tell."""
    rows = []
    transfers = around.fact("transfers").select(
        *_TX,
        pl.col("log_index").alias("moved_at"),
        pl.col("item_index").alias("moved_item"),
        pl.col("from_address").alias("address"),
        "to_address",
        "collection",
        "token_id",
        "quantity",
    )
    if "ClaimedNFT" in frames:
        claims = frames["ClaimedNFT"].join(
            transfers,
            left_on=[*_TX, "address", "winner", "tokenId"],
            right_on=[*_TX, "address", "to_address", "token_id"],
            how="left",
        )
        nearest = (
            claims.filter((pl.col("moved_at") < pl.col("log_index")) | pl.col("moved_at").is_null())
            .sort("moved_at")
            .unique(["block_hash", "log_index"], keep="last", maintain_order=True)
        )
        token = {"token_id": pl.col("tokenId")}
        rows.append(
            vault_rows(
                nearest,
                _NAME,
                "withdraw",
                reference_id="nftIndex",
                account="winner",
                collection="collection",
                quantity="quantity",
                **token,
            )
        )
    if "Refunded" in frames:
        taken = (
            frames["Refunded"]
            .join(transfers, on=[*_TX, "address"])
            .filter(pl.col("moved_at") < pl.col("log_index"))
            .sort("block_number", "log_index", "moved_at", "moved_item")
        )
        place = pl.int_range(pl.len()).over("block_hash", "log_index")
        rows.append(
            vault_rows(
                taken,
                _NAME,
                "withdraw",
                item_index=place,
                account="to_address",
                collection="collection",
                token_id=pl.col("token_id"),
                quantity="quantity",
            )
        )
    return rows


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt"}),
    after=("erc721", "erc1155"),
    limits=(
        "What holders were paid for shares is not known: a vault pays it without an event.",
        "Shares are never burned, so the supply stays as it was issued; votes to unlock make no"
        " event either.",
        "Who holds shares between events of a vault is not known.",
    ),
)
