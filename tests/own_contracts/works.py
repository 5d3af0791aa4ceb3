"""Owners, creators, manifests, royalty terms, splits, and assets with their disputes."""

from collections import defaultdict
from collections.abc import Iterator

from contracts.addresses import Addresses
from data.store import Store
from tests.own_contracts.asking import REFUSED, Check, rows

_SALE_WEI = 1_000_000


def checks(store: Store, own: Addresses) -> Iterator[Check]:
    """Of Artwork, Splitter and Registry."""
    yield from _tokens(store, own)
    yield from _terms(store, own)
    yield from _splits(store, own)
    if own.registry:
        yield from _assets(store, own)


def _tokens(store: Store, own: Addresses) -> Iterator[Check]:
    found = list(
        rows(
            store,
            "SELECT token_id, owner, is_burned, creator, manifest FROM tokens"
            " WHERE chain_id = ? AND collection = ?",
            [own.chain_id, own.artwork],
        )
    )
    yield Check("works", "minted", "Artwork", own.artwork, "minted", (), len(found))
    for row in found:
        token = int(row["token_id"])
        for subject, function, expected in (
            ("owner", "ownerOf", REFUSED if row["is_burned"] else row["owner"]),
            ("creator", "creatorOf", row["creator"]),
            ("manifest", "manifestOf", row["manifest"]),
        ):
            yield Check(subject, token, "Artwork", own.artwork, function, (token,), expected)


def _terms(store: Store, own: Addresses) -> Iterator[Check]:
    sql = (
        "SELECT token_id, recipient, bps FROM royalty_terms WHERE chain_id = ? AND collection = ?"
        " AND valid_to_block IS NULL"
    )
    for row in rows(store, sql, [own.chain_id, own.artwork]):
        token = int(row["token_id"])
        amount = _SALE_WEI * row["bps"] // 10_000
        expected = {"receiver": row["recipient"], "royaltyAmount": amount}
        arguments = (token, _SALE_WEI)
        yield Check(
            "royalty terms", token, "Artwork", own.artwork, "royaltyInfo", arguments, expected
        )


def _splits(store: Store, own: Addresses) -> Iterator[Check]:
    if not own.splitter:
        return
    seats = defaultdict(list)
    sql = (
        "SELECT token_id, recipient, allocation FROM splits WHERE chain_id = ? AND split = ?"
        " AND valid_to_block IS NULL ORDER BY token_id, item_index"
    )
    for row in rows(store, sql, [own.chain_id, own.splitter]):
        seats[int(row["token_id"])].append((row["recipient"], row["allocation"]))
    for token, places in seats.items():
        payees, bps = zip(*places, strict=True)
        expected = {"payees": payees, "bps": bps}
        yield Check("split", token, "Splitter", own.splitter, "splitOf", (token,), expected)


def _assets(store: Store, own: Addresses) -> Iterator[Check]:
    tainted, contested = (
        {
            row["digest"]
            for row in rows(
                store,
                "SELECT digest FROM tainted_assets WHERE chain_id = ? AND state = ?",
                [own.chain_id, state],
            )
        }
        for state in ("upheld", "open")
    )
    parents = defaultdict(list)
    sql = (
        "SELECT digest, parent_digest FROM lineage_edges WHERE chain_id = ?"
        " AND digest IS NOT NULL ORDER BY digest, ordinal"
    )
    for row in rows(store, sql, [own.chain_id]):
        parents[row["digest"]].append(row["parent_digest"])
    sql = (
        "SELECT digest, any_value(asset_kind) FILTER (event = 'asset_registered') AS asset_kind,"
        " any_value(account) FILTER (event = 'asset_registered') AS registrant,"
        " count(*) FILTER (event = 'attested') AS attested"
        " FROM provenance_events WHERE chain_id = ? AND digest IS NOT NULL GROUP BY digest"
    )
    for row in rows(store, sql, [own.chain_id]):
        name = row["digest"]
        given = (bytes.fromhex(name[2:]),)
        asked = [
            ("tainted", "isTainted", name in tainted),
            ("contested", "isContested", name in contested),
            ("attestations", "attestationCount", row["attested"]),
        ]
        if row["asset_kind"] is not None:
            registered = {"registrant": row["registrant"], "kind": row["asset_kind"]}
            asked.append(("asset", "assetOf", registered))
            asked.append(("asset parents", "parentsOf", tuple(parents[name])))
        for subject, function, expected in asked:
            yield Check(subject, name, "Registry", own.registry, function, given, expected)
