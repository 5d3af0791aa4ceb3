"""Balances of shares and dividends per holder, and the state of each vault."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from contracts.addresses import Addresses
from data.store import Store
from tests.own_contracts.asking import NOBODY, Check, Shown, rows

_PHASES = {"open": 0, "auction": 1, "sold": 2}


def checks(store: Store, own: Addresses) -> Iterator[Check]:
    """Of StudioShares and of every vault that the factory opened."""
    vaults = {
        row["vault"]: row
        for row in rows(
            store,
            "SELECT v.*, c.price_wei - c.royalty_wei AS proceeds_wei FROM vaults v"
            " LEFT JOIN vault_charges c ON c.chain_id = v.chain_id AND c.vault = v.vault"
            " AND c.kind = 'buyout' WHERE v.chain_id = ? AND v.protocol = 'raisonne'",
            [own.chain_id],
        )
    }
    names = dict.fromkeys(vaults, "Vault")
    if own.studio_shares:
        names[own.studio_shares] = "StudioShares"
    yield from _balances(store, own, names)
    yield from _dividends(store, own, names)
    for vault, row in vaults.items():
        yield from _vault(own, vault, row)
    yield from _opening_royalties(store, own)
    held = "SELECT i.vault, i.token_id FROM vault_items i WHERE i.chain_id = ? AND i.collection = ?"
    for row in rows(store, held, [own.chain_id, own.artwork]):
        token = int(row["token_id"])
        yield Check("vault item", token, "Artwork", own.artwork, "ownerOf", (token,), row["vault"])


def _balances(store: Store, own: Addresses, names: dict[str, str]) -> Iterator[Check]:
    shares: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows(store, "SELECT * FROM vault_holders WHERE chain_id = ?", [own.chain_id]):
        shares[row["vault"]][row["holder"]] = row["shares"]
    for vault, account in _accounts(store, own):
        if vault in names:
            expected = shares[vault].get(account, 0)
            yield Check(
                "shares", (names[vault], vault, account), names[vault], vault, "balanceOf",
                (account,), expected,
            )  # fmt: skip
    for vault, name in names.items():
        supply = sum(shares[vault].values())
        yield Check("supply", vault, name, vault, "totalSupply", (), supply)


def _accounts(store: Store, own: Addresses) -> list[tuple[str, str]]:
    """Every account that ever held shares, by their contract."""
    found = rows(
        store, "SELECT DISTINCT vault, to_address FROM share_transfers WHERE chain_id = ?",
        [own.chain_id],
    )  # fmt: skip
    return [(row["vault"], row["to_address"]) for row in found if row["to_address"] != NOBODY]


def _dividends(store: Store, own: Addresses, names: dict[str, str]) -> Iterator[Check]:
    known = {
        (row["vault"], row["holder"]): row
        for row in rows(store, "SELECT * FROM dividend_balances WHERE chain_id = ?", [own.chain_id])
    }
    for vault, account in _accounts(store, own):
        if vault in names:
            row = known.get((vault, account), {"claimable_wei": 0})
            yield Check(
                "dividend", (vault, account), names[vault], vault, "dividendOf", (account,),
                row["claimable_wei"],
            )  # fmt: skip
    claimed: dict[str, int] = defaultdict(int)
    for (vault, _), row in known.items():
        claimed[vault] += row["claimed_wei"]
    for vault, name in names.items():
        yield Check("dividends claimed", vault, name, vault, "dividendsClaimed", (), claimed[vault])


def _opening_royalties(store: Store, own: Addresses) -> Iterator[Check]:
    """The royalty on what a vault was opened at, which no event tells."""
    sql = """
    SELECT c.vault, l.owed_wei, l.owed_bps FROM royalty_ledger l
    JOIN vault_charges c USING (chain_id, sale_id)
    WHERE l.chain_id = ? AND l.kind = 'fractionalization' AND l.look_through_of IS NULL
    """
    for row in rows(store, sql, [own.chain_id]):
        owed = Shown(row["owed_wei"], partial(_royalty, row["owed_bps"]))
        yield Check("vault royalty", row["vault"], "Vault", row["vault"], "valuation", (), owed)


def _royalty(bps: int, valuation: int) -> int:
    return valuation * bps // 10_000


def _vault(own: Addresses, vault: str, row: dict[str, Any]) -> Iterator[Check]:
    factory = own.vault_factory
    token = int(row["token_id"])
    yield Check("vault", vault, "VaultFactory", factory, "tokenOfVault", (vault,), token)
    asked: list[tuple[str, Any]] = [
        ("phase", _PHASES[row["state"]]),
        ("curator", row["curator"]),
        ("issued", int(row["supply"])),
        ("reserve", row["reserve_wei"] or 0),
        ("lockedShares", int(row["locked_shares"] or 0)),
    ]
    if row["state"] == "auction":
        names = ("bidder", "endTime", "amount")
        values = (row["buyer"], row["ends_at"], row["buyout_wei"])
        asked.append(("buyout", dict(zip(names, values, strict=True))))
    for function, expected in asked:
        yield Check(f"vault {function}", vault, "Vault", vault, function, (), expected)
    if row["state"] == "sold":
        redeemed = row["proceeds_wei"] - row["uncashed_wei"]
        for function, amount in (("proceeds", row["proceeds_wei"]), ("redeemed", redeemed)):
            yield Check(f"vault {function}", vault, "Vault", vault, function, (), amount)
