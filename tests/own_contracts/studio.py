"""Rounds with their votes, budgets, and where the loop stands."""

from collections.abc import Iterator

from contracts.addresses import Addresses
from data.store import Store
from tests.own_contracts.asking import Check, rows


def checks(store: Store, own: Addresses) -> Iterator[Check]:
    """Of Studio."""
    if not own.studio:
        return
    yield from _rounds(store, own)
    yield from _spending(store, own)
    yield from _votes(store, own)


def _rounds(store: Store, own: Addresses) -> Iterator[Check]:
    found = list(rows(store, "SELECT * FROM vetting_rounds WHERE chain_id = ?", [own.chain_id]))
    yield Check("rounds", "count", "Studio", own.studio, "roundCount", (), len(found))
    for row in found:
        number = int(row["round_id"])
        expected = {
            "snapshot": row["snapshot_time"],
            "submitUntil": row["submit_until"],
            "commitUntil": row["commit_until"],
            "revealUntil": row["reveal_until"],
            "submissions": row["submissions"],
            "outcome": row["outcome"] or 0,
            "cast": int(row["weight_revealed"]),
        }
        if row["state"] == "closed":
            expected |= {"best": int(row["votes_for"]), "cast": int(row["votes_cast"])}
        yield Check("round", number, "Studio", own.studio, "roundOf", (number,), expected)
        if row["manifest"] is not None:
            manifest = bytes.fromhex(row["manifest"][2:])
            yield Check("accepted", number, "Studio", own.studio, "acceptedIn", (manifest,), number)


def _votes(store: Store, own: Addresses) -> Iterator[Check]:
    """Each revealed vote counts for its choice; a commitment that was not shown stands."""
    sql = (
        "SELECT round_id, choice, sum(weight::DECIMAL(38, 0)) AS votes FROM rounds"
        " WHERE chain_id = ? AND event = 'vote_revealed' GROUP BY ALL"
    )
    for row in rows(store, sql, [own.chain_id]):
        asked = (int(row["round_id"]), row["choice"])
        yield Check("votes", asked, "Studio", own.studio, "votesFor", asked, row["votes"])
    sql = """
    SELECT round_id, account, bool_or(event = 'vote_revealed') AS revealed,
        max_by(commitment, (block_number, log_index)) FILTER (event = 'vote_committed')
            AS commitment
    FROM rounds WHERE chain_id = ? AND event LIKE 'vote%' GROUP BY ALL
    """
    for row in rows(store, sql, [own.chain_id]):
        hidden = "0x" + "0" * 64 if row["revealed"] else row["commitment"]
        expected = {"commitment": hidden, "revealed": row["revealed"]}
        asked = (int(row["round_id"]), row["account"])
        yield Check("vote", asked, "Studio", own.studio, "voteOf", asked, expected)


def _spending(store: Store, own: Addresses) -> Iterator[Check]:
    for row in rows(store, "SELECT * FROM budgets WHERE chain_id = ?", [own.chain_id]):
        asked = (int(row["epoch"]), row["kind"])
        yield Check("budget", asked, "Studio", own.studio, "spentIn", asked, int(row["spent"]))
    sql = "SELECT * FROM loop_states WHERE chain_id = ? ORDER BY loop_id::HUGEINT DESC LIMIT 1"
    for row in rows(store, sql, [own.chain_id]):
        for function, expected in (
            ("loop", int(row["loop_id"])),
            ("state", row["state"]),
            ("lastAnchor", row["anchor"] or "0x" + "0" * 64),
        ):
            yield Check("loop", function, "Studio", own.studio, function, (), expected)
