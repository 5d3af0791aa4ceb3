"""The state and terms of each loan."""

from collections.abc import Iterator

from contracts.addresses import Addresses
from data.store import Store
from tests.own_contracts.asking import NOBODY, Check, rows

_STATES = {"offered": 1, "open": 2, "repaid": 3, "defaulted": 4, "cancelled": 5}


def checks(store: Store, own: Addresses) -> Iterator[Check]:
    """Of Loans."""
    if not own.loans:
        return
    found = list(
        rows(
            store,
            "SELECT * FROM loans WHERE chain_id = ? AND protocol = 'raisonne'",
            [own.chain_id],
        )
    )
    yield Check("loans", "count", "Loans", own.loans, "loanCount", (), len(found))
    for row in found:
        loan = int(row["loan_uid"].rpartition(":")[2])
        expected = {
            "borrower": row["borrower"],
            "state": _STATES[row["state"]],
            "lender": row["lender"] or NOBODY,
            "collateral": row["collection"],
            "quantity": int(row["quantity"]),
            "dueTime": row["due_at"] or 0,
        }
        if row["token_id"] is not None:
            expected["tokenId"] = int(row["token_id"])
        if row["principal_wei"] is not None:
            expected |= {"principal": row["principal_wei"], "repayment": row["repayment_wei"]}
        yield Check("loan", loan, "Loans", own.loans, "loanOf", (loan,), expected)
