"""What Studio and Timelock say, and the owners of every contract: rounds and governance."""

import polars as pl

from indexer.protocols.raisonne_rows import Frames, end_of, told

Columns = dict[str, pl.Expr | str]
_CONTRACT: Columns = {"contract": "address"}


def rounds(frames: Frames) -> pl.DataFrame:
    """Rows of `rounds`, vote by vote."""
    each: Columns = {**_CONTRACT, "round_id": "round"}
    opened: Columns = {
        "snapshot_time": end_of("snapshot"),
        "submit_until": end_of("submitUntil"),
        "commit_until": end_of("commitUntil"),
        "reveal_until": end_of("revealUntil"),
    }
    closed: Columns = {
        "outcome": _int("outcome"),
        "votes_for": "votesForIt",
        "votes_cast": "votesCast",
        "manifest": pl.when(pl.col("manifest") != "0x" + "0" * 64).then("manifest"),
    }
    return told(
        frames,
        ("RoundOpened", "opened", each | opened),
        ("Submitted", "submitted", each | {"account": "creator", "manifest": "manifest"}),
        (
            "VoteCommitted",
            "vote_committed",
            each | {"account": "voter", "commitment": "commitment"},
        ),
        (
            "VoteRevealed",
            "vote_revealed",
            each | {"account": "voter", "choice": _int("choice"), "weight": "weight"},
        ),
        ("RoundClosed", "closed", each | closed),
    )


def governance(frames: Frames) -> pl.DataFrame:
    """Rows of `governance_events`."""
    return told(frames, *_owners(), *_roles(), *_operations(), *_studio())


_Parts = list[tuple[str, str, Columns]]


def _owners() -> _Parts:
    owners: Columns = {**_CONTRACT, "account": "newOwner", "by_account": "previousOwner"}
    admitted = pl.col("admitted").cast(pl.Int64)
    return [
        ("OwnershipTransferStarted", "ownership_offered", owners),
        ("OwnershipTransferred", "ownership_transferred", owners),
        ("RegistrarSet", "registrar_set", {**_CONTRACT, "account": "account", "kind": admitted}),
    ]


def _roles() -> _Parts:
    role: Columns = {**_CONTRACT, "reference": "role"}
    whom: Columns = {"account": "account", "by_account": "sender"}
    admin: Columns = {"details": _json("previousAdminRole", "newAdminRole")}
    return [
        ("RoleGranted", "role_granted", role | whom),
        ("RoleRevoked", "role_revoked", role | whom),
        ("RoleAdminChanged", "role_admin_changed", role | admin),
    ]


def _operations() -> _Parts:
    operation: Columns = {**_CONTRACT, "reference": "id"}
    call: Columns = {
        "account": "target",
        "kind": _int("index"),
        "amount": _text("value"),
        "data": "data_",
    }
    after: Columns = {"value": _text("delay"), "details": _json("predecessor")}
    return [
        ("CallScheduled", "scheduled", operation | call | after),
        ("CallExecuted", "executed", operation | call),
        ("CallSalt", "salted", operation | {"details": _json("salt")}),
        ("Cancelled", "cancelled", operation),
        ("MinDelayChange", "delay_changed", {**_CONTRACT, "value": _text("newDuration")}),
    ]


def _studio() -> _Parts:
    rules = ("submitFor", "commitFor", "revealFor", "capBps", "quorumBps", "seatBps")
    moved: Columns = {
        "loop_id": "loop",
        "from_state": _int("from"),
        "to_state": _int("to"),
        "reference": "anchor",
        "by_account": "by",
    }
    spent: Columns = {
        "epoch": "epoch",
        "kind": _int("kind"),
        "amount": _text("amount"),
        "left": _text("left"),
    }
    limits: Columns = {"value": _text("burnsPerEpoch"), "step_bps": _int("priceStepBps")}
    sent: Columns = {"account": "to"}
    return [
        ("OperatorSet", "operator_set", {**_CONTRACT, "account": "operator"}),
        ("GuardianSet", "guardian_set", {**_CONTRACT, "account": "guardian"}),
        ("Paused", "paused", {**_CONTRACT, "by_account": "account"}),
        ("Unpaused", "unpaused", {**_CONTRACT, "by_account": "account"}),
        ("LimitsSet", "limits_set", _CONTRACT | limits),
        ("ReserveSet", "reserve_set", {**_CONTRACT, "amount": _text("reserve")}),
        ("RoundRulesSet", "rules_set", {**_CONTRACT, "details": _json(*rules)}),
        (
            "BudgetSet",
            "budget_set",
            {**_CONTRACT, "kind": _int("kind"), "amount": _text("perEpoch")},
        ),
        ("BudgetSpent", "budget_spent", _CONTRACT | spent),
        ("ProceedsShared", "proceeds_shared", {**_CONTRACT, "amount": _text("amount")}),
        ("LoopTransition", "transition", _CONTRACT | moved),
        ("WorkSent", "work_sent", _CONTRACT | sent | {"token_id": "tokenId"}),
        (
            "TokenSent",
            "token_sent",
            _CONTRACT | sent | {"currency": "currency", "amount": _text("amount")},
        ),
    ]


def _int(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64, strict=False)


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def _json(*columns: str) -> pl.Expr:
    """The arguments as JSON text: numbers as text, so that none is rounded by who reads it."""
    return pl.struct(pl.col(name).cast(pl.String) for name in columns).struct.json_encode()
