"""Arcade 2 and 3: loans whose events hold little more than numbers.

What a loan is about is asked of the contract at the block of its opening (`getLoan`). An answer is
believed where its start is the time of the block, its term is one that the contract allows and its
addresses are clean: else the terms stay unknown. The rate is for the whole term, so that it gives a
fixed repayment; loans in instalments have none.

A rollover says `LoanRepaid` of the old loan, `LoanStarted` of the new one and `LoanRolledOver` in a
row: the old one is replaced, not repaid.

Source: events of the protocol table; LoanLibrary of the public repositories arcadexyz/v2-contracts
and arcadexyz/arcade-protocol for the answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from data.schema import table
from data.types import WEI
from data.units import MAX_DECIMAL38
from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.loans import loan_rows, loan_tables, loan_uid
from indexer.signature import parse_signature

_NAME = "arcade"
_V2 = frozenset({"0x81b2f8fc75bab64a6b144aa6d2faa127b4fa7fd9"})
_V3 = frozenset({"0x89bc08ba00f135d608bc335f6b33d7a9abcc98af"})
_GET_LOAN = bytes.fromhex(parse_signature("getLoan(uint256 loanId)").topic0[2:10])
_STARTED = Event.parse("LoanStarted(uint256 loanId, address lender, address borrower)")
_ROLLED = Event.parse("LoanRolledOver(uint256 oldLoanId, uint256 newLoanId)")
_ENDS = {"LoanRepaid": "repay", "ForceRepay": "repay", "LoanClaimed": "claim"}
_EVENTS_2 = (
    _STARTED,
    _ROLLED,
    Event.parse("LoanRepaid(uint256 loanId)"),
    Event.parse("LoanClaimed(uint256 loanId)"),
)
_EVENTS_3 = (*_EVENTS_2, Event.parse("ForceRepay(uint256 loanId)"))
_WORD = 32
_SHORTEST_S, _LONGEST_S = 3_600, 94_608_000  # terms that the contracts allow
_RATE_UNIT = 10**18 * 10_000  # a rate of 10^18 is a basis point
_BLOCK = ("chain_id", "block_number", "block_hash", "block_time")


@dataclass(frozen=True)
class Answer:
    """Which word of an answer holds what."""

    words: int
    start: int
    rate: int
    principal: int
    collection: int
    duration: int
    token_id: int
    currency: int
    instalments: int | None = None


ANSWERS = {
    "2": Answer(14, 2, 6, 7, 8, 3, 9, 10, instalments=5),
    "3": Answer(13, 1, 2, 3, 4, 5, 6, 7),
}
_TERMS = {
    "collection": pl.String(),
    "token_id": pl.String(),
    "currency": pl.String(),
    "principal_wei": WEI.polars,
    "repayment_wei": WEI.polars,
    "duration_s": pl.Int64(),
}


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        *(Route(event, "2", _V2) for event in _EVENTS_2),
        *(Route(event, "3", _V3) for event in _EVENTS_3),
    ]


def _calls(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    """`getLoan` of each loan that starts, at its block."""
    if "LoanStarted" not in events:
        schema = table("contract_reads").polars_schema
        return pl.DataFrame(schema={name: schema[name] for name in (*_BLOCK, "contract", "input")})
    rows = events["LoanStarted"].rows
    asked = pl.Series("input", [_question(each) for each in rows["loanId"]], pl.Binary)
    return rows.select(*_BLOCK, pl.col("address").alias("contract")).with_columns(asked)


def _question(loan_id: str) -> bytes:
    return _GET_LOAN + int(loan_id).to_bytes(_WORD)


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    return loan_tables([*_started(frames, around), *_replaced(frames), *_ended(frames)])


def _started(frames: Mapping[str, pl.DataFrame], around: Around) -> Iterator[pl.DataFrame]:
    if "LoanStarted" not in frames:
        return
    rows = frames["LoanStarted"]
    terms = _terms_of(rows, around.beside.contract_reads)
    known = pl.concat([rows, terms], how="horizontal").with_columns(
        pl.lit(None, pl.String).alias("oldLoanId")
    )
    if "LoanRolledOver" in frames:
        rolled = frames["LoanRolledOver"].select(
            "block_hash",
            "address",
            pl.col("log_index") - 1,
            pl.col("newLoanId").alias("loanId"),
            "oldLoanId",
        )
        known = known.drop("oldLoanId").join(
            rolled,
            on=["block_hash", "address", "log_index", "loanId"],
            how="left",
            maintain_order="left",
        )
    yield loan_rows(
        _NAME,
        known,
        "open",
        loan_uid(_NAME, "loanId"),
        borrower="borrower",
        lender="lender",
        **{name: pl.col(name) for name in _TERMS},
        quantity=pl.when(pl.col("token_id").is_not_null()).then(pl.lit("1")),
        start_time="block_time",
        parent_loan_uid=loan_uid(_NAME, "oldLoanId"),
    )


def _terms_of(rows: pl.DataFrame, reads: pl.DataFrame) -> pl.DataFrame:
    """What the contract said of each loan, in the order of the rows; NULL where nothing usable."""
    answers = {
        (row["block_hash"], row["contract"], row["input"]): row["output"]
        for row in reads.iter_rows(named=True)
    }
    terms = [
        read_terms(
            answers.get((row["block_hash"], row["address"], _question(row["loanId"]))),
            ANSWERS[row["version"]],
            row["block_time"],
        )
        for row in rows.iter_rows(named=True)
    ]
    return pl.DataFrame(terms, schema=_TERMS, orient="row")


def read_terms(output: bytes | None, answer: Answer, time: datetime | None) -> dict[str, Any]:
    """Terms of a loan that started at a time, by an answer of `getLoan`; None where unusable."""
    nothing = dict.fromkeys(_TERMS)
    if output is None or len(output) != answer.words * _WORD or time is None:
        return nothing
    words = [
        int.from_bytes(output[at : at + _WORD]) for at in range(0, answer.words * _WORD, _WORD)
    ]
    principal, term = words[answer.principal], words[answer.duration]
    repayment = principal + principal * words[answer.rate] // _RATE_UNIT
    is_ours = (
        words[answer.start] == int(time.replace(tzinfo=UTC).timestamp())
        and _SHORTEST_S <= term <= _LONGEST_S
        and max(words[answer.collection], words[answer.currency]) < 1 << 160
        and repayment <= MAX_DECIMAL38
    )
    if not is_ours:
        return nothing
    is_whole = answer.instalments is None or words[answer.instalments] == 0
    return {
        "collection": f"0x{words[answer.collection]:040x}",
        "token_id": str(words[answer.token_id]),
        "currency": f"0x{words[answer.currency]:040x}",
        "principal_wei": principal,
        "repayment_wei": repayment if is_whole else None,
        "duration_s": term,
    }


def _replaced(frames: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    if "LoanRolledOver" in frames:
        yield loan_rows(_NAME, frames["LoanRolledOver"], "replace", loan_uid(_NAME, "oldLoanId"))


def _ended(frames: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for name, event in _ENDS.items():
        if name not in frames:
            continue
        rows = frames[name]
        if name == "LoanRepaid" and "LoanRolledOver" in frames:
            rolled = frames["LoanRolledOver"].select(
                "block_hash",
                "address",
                pl.col("log_index") - 2,
                pl.col("oldLoanId").alias("loanId"),
            )
            rows = rows.join(rolled, on=rolled.columns, how="anti", maintain_order="left")
        yield loan_rows(_NAME, rows, event, loan_uid(_NAME, "loanId"))


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"call"}),
    calls=_calls,
    limits=(
        "Terms and collateral come from `getLoan` at the block: without an archive node they are"
        " NULL.",
        "What was repaid is in no event and stays NULL.",
        "Collateral may be a vault that holds several tokens; these are not told apart.",
    ),
)
