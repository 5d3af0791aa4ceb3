"""What the Splitter and the venues owe: releasable per payee, refunds, auctions, drops."""

from collections import defaultdict
from collections.abc import Iterator

from contracts.addresses import Addresses
from data.store import Store
from tests.own_contracts.asking import NOBODY, Check, rows

_PAYING = {
    "market": "Market",
    "auctions": "Auctions",
    "drops": "Drops",
    "vault_factory": "VaultFactory",
    "loans": "Loans",
}


def checks(store: Store, own: Addresses) -> Iterator[Check]:
    """Of Splitter, Auctions and Drops, and of all that keep refunds."""
    if own.splitter:
        yield from _royalties(store, own)
    yield from _refunds(store, own)
    if own.auctions:
        yield from _auctions(store, own)
    if own.drops:
        yield from _drops(store, own)


def _royalties(store: Store, own: Addresses) -> Iterator[Check]:
    """Every payee of every work and currency, and the sums that leave none out."""
    place = [own.chain_id, own.splitter]
    known = {
        (int(row["token_id"]), row["currency"], row["payee"]): row["releasable_wei"]
        for row in rows(
            store, "SELECT * FROM royalty_balances WHERE chain_id = ? AND split = ?", place
        )
    }
    payees = rows(
        store, "SELECT DISTINCT token_id, recipient FROM splits WHERE chain_id = ? AND split = ?",
        place,
    )  # fmt: skip
    everybody = {(int(row["token_id"]), NOBODY, row["recipient"]): 0 for row in payees}
    for key, expected in (everybody | known).items():
        yield Check("releasable", key, "Splitter", own.splitter, "releasable", key, expected)
    yield from _books(store, own)


def _books(store: Store, own: Addresses) -> Iterator[Check]:
    sql = """
    SELECT p.token_id, p.currency, any_value(b.credited_wei) AS credited_wei,
        sum(p.amount_wei) FILTER (event = 'received') AS received_wei,
        coalesce(sum(p.amount_wei) FILTER (event = 'released'), 0) AS released_wei
    FROM split_payments p LEFT JOIN (
        SELECT token_id, currency, sum(credited_wei) AS credited_wei
        FROM royalty_balances WHERE chain_id = $chain AND split = $split GROUP BY ALL
    ) b USING (token_id, currency)
    WHERE chain_id = $chain AND split = $split GROUP BY ALL
    """
    held: dict[str, int] = defaultdict(int)
    given = {"chain": own.chain_id, "split": own.splitter}
    for row in store.query(sql, given).iter_rows(named=True):
        token, currency = int(row["token_id"]), row["currency"]
        received, credited = int(row["received_wei"]), int(row["credited_wei"] or 0)
        held[currency] += received - int(row["released_wei"])
        for function, expected in (("received", received), ("dust", received - credited)):
            yield Check(
                function, (token, currency), "Splitter", own.splitter, function,
                (token, currency), expected,
            )  # fmt: skip
    for currency, expected in held.items():
        yield Check("held", currency, "Splitter", own.splitter, "held", (currency,), expected)


def _refunds(store: Store, own: Addresses) -> Iterator[Check]:
    names = {getattr(own, field): name for field, name in _PAYING.items() if getattr(own, field)}
    opened = rows(
        store, "SELECT vault FROM vaults WHERE chain_id = ? AND protocol = 'raisonne'",
        [own.chain_id],
    )  # fmt: skip
    names |= {row["vault"]: "Vault" for row in opened}
    refundable = {
        (row["contract"], row["account"]): row["refundable_wei"]
        for row in rows(store, "SELECT * FROM refunds WHERE chain_id = ?", [own.chain_id])
    }
    everybody = rows(
        store, "SELECT DISTINCT contract, account FROM payouts WHERE chain_id = ?", [own.chain_id]
    )
    for row in everybody:
        contract, account = row["contract"], row["account"]
        if contract in names:
            yield Check(
                "refund", (names[contract], account), names[contract], contract, "refunds",
                (account,), refundable.get((contract, account), 0),
            )  # fmt: skip


def _auctions(store: Store, own: Addresses) -> Iterator[Check]:
    none = {"seller": NOBODY, "endTime": 0, "bidder": NOBODY, "reserve": 0, "bid": 0}
    for row in rows(store, "SELECT * FROM auction_states WHERE chain_id = ?", [own.chain_id]):
        expected = none
        if row["state"] == "open":
            expected = {
                "seller": row["seller"],
                "endTime": row["ends_at"],
                "bidder": row["bidder"] or NOBODY,
                "reserve": row["reserve_wei"],
                "bid": row["bid_wei"] or 0,
            }
        token = int(row["token_id"])
        yield Check("auction", token, "Auctions", own.auctions, "auctionOf", (token,), expected)


def _drops(store: Store, own: Addresses) -> Iterator[Check]:
    found = list(rows(store, "SELECT * FROM drops WHERE chain_id = ?", [own.chain_id]))
    yield Check("drops", "count", "Drops", own.drops, "dropCount", (), len(found))
    for row in found:
        drop = int(row["drop_id"])
        start, decay, rate = (int(row[name]) for name in ("start_price", "decay", "rate"))
        expected = {
            "seller": row["seller"],
            "startTime": row["start_time"],
            "sold": row["sold"],
            "left": row["left"],
            "params": (start, row["floor_wei"], decay, row["cap_wei"], rate),
        }
        yield Check("drop", drop, "Drops", own.drops, "dropOf", (drop,), expected)
