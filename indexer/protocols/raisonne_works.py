"""What Registry, Artwork and Splitter say: assets, works, lineage, royalty terms and splits."""

from collections.abc import Mapping

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded
from indexer.protocols.base import PLACE, Tables
from indexer.protocols.raisonne_rows import NAME, Frames, told
from indexer.protocols.royalty_lists import paired
from indexer.protocols.split_shares import share_tables

_ALL_BPS = 10_000
_OUTCOMES = {1: "dismissed", 2: "upheld"}
_SOURCES = {
    0: "unstated",
    1: "primary",
    2: "resale",
    3: "auction",
    4: "fractionalization",
    5: "buyout",
    6: "loan",
}
_NO_EVIDENCE = "0x" + "0" * 64


def provenance(frames: Frames, artwork: str) -> pl.DataFrame:
    """Rows of `provenance_events`: works minted and burned; assets, attestations and disputes."""
    token: dict[str, pl.Expr | str] = {"collection": "address", "token_id": "tokenId"}
    return told(
        frames,
        (
            "ArtworkMinted",
            "minted",
            token
            | {"account": "creator", "pixel_hash": "pixelHash"}
            | {name: name for name in ("manifest", "model", "dataset", "process", "seed", "uri")},
        ),
        ("ArtworkBurned", "burned", token | {"account": "by", "manifest": "manifest"}),
        (
            "AigcAdded",
            "aigc_added",
            {
                "collection": pl.lit(artwork),
                "token_id": "tokenId",
                "manifest": "manifest",
                "prompt_hash": "prompt",
                "evidence": "proof",
                "level": _integer("level"),
            },
        ),
        (
            "AssetRegistered",
            "asset_registered",
            {
                "account": "registrant",
                "uri": "uri",
                "digest": "digest",
                "asset_kind": _integer("kind"),
                "evidence": pl.when(pl.col("metadata") != _NO_EVIDENCE).then("metadata"),
            },
        ),
        (
            "Attested",
            "attested",
            {
                "account": "attester",
                "digest": "digest",
                "level": _integer("level"),
                "evidence": "report",
                "verdict": pl.when("passed").then(pl.lit("passed")).otherwise(pl.lit("failed")),
            },
        ),
        (
            "DisputeOpened",
            "dispute_opened",
            {"account": "opener", "digest": "digest", "evidence": "evidence"},
        ),
        (
            "DisputeResolved",
            "dispute_resolved",
            {
                "digest": "digest",
                "verdict": pl.col("outcome").replace_strict(
                    _OUTCOMES, default="unknown", return_dtype=pl.String
                ),
            },
        ),
    )


def edges(frames: Frames) -> pl.DataFrame:
    """Rows of `lineage_edges`: parents of works, and of assets."""
    works = told(
        frames,
        (
            "LineageEdge",
            "",
            {
                "collection": "address",
                "token_id": "child",
                "ordinal": _integer("ordinal"),
                "parent_collection": "parentContract",
                "parent_token_id": "parentToken",
                "relation": _integer("relation"),
                "share_bps": _integer("shareBps"),
            },
        ),
        (
            "AssetParent",
            "",
            {"ordinal": _integer("ordinal"), "digest": "digest", "parent_digest": "parent"},
        ),
    )
    return works.drop("event") if works.width else works


def royalty_terms(frames: Frames) -> pl.DataFrame:
    """Rows of `royalty_events`."""
    return told(
        frames,
        (
            "RoyaltySet",
            "RoyaltySet",
            {
                "level": pl.lit("token"),
                "collection": "address",
                "token_id": "tokenId",
                "recipient": "recipient",
                "bps": _integer("bps"),
            },
        ),
    )


def splits(events: Mapping[str, Decoded], artwork: str) -> Tables:
    """Tables `split_events` and `quarantine`: who shares the royalties of each work."""
    decoded = events.get("SplitSet")
    if decoded is None:
        return {}
    heads = decoded.rows.select(
        "row",
        *PLACE,
        "version",
        pl.lit("SplitSet").alias("event"),
        pl.col("address").alias("split"),
        pl.lit(artwork).alias("collection"),
        pl.col("tokenId").alias("token_id"),
        pl.lit(_ALL_BPS).alias("total_allocation"),
        pl.lit(0).alias("reward_ppm"),
    )
    listed = paired(decoded, "payees", "bps").rename({"bps": "allocation"})
    return share_tables(heads, listed, NAME)


def split_payments(frames: Frames, artwork: str) -> pl.DataFrame:
    """Rows of `split_payments`: royalties that came in, and that payees fetched."""
    common: dict[str, pl.Expr | str] = {
        "split": "address",
        "collection": pl.lit(artwork),
        "token_id": "tokenId",
        "amount_wei": "amount",
    }
    source: dict[str, pl.Expr | str] = {
        "source": _integer("source").replace_strict(
            _SOURCES, default="unstated", return_dtype=pl.String
        )
    }
    ether: dict[str, pl.Expr | str] = {"currency": pl.lit(NATIVE)}
    token: dict[str, pl.Expr | str] = {"currency": "currency"}
    payer: dict[str, pl.Expr | str] = {"account": "payer"}
    payee: dict[str, pl.Expr | str] = {"account": "payee"}
    return told(
        frames,
        ("RoyaltyReceived", "received", common | source | ether | payer),
        ("RoyaltyTokenReceived", "received", common | source | token | payer),
        ("RoyaltyReleased", "released", common | ether | payee),
        ("RoyaltyTokenReleased", "released", common | token | payee),
    )


def _integer(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64, strict=False)
