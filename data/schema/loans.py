"""Tables of loans against tokens."""

from data.schema.model import CHAIN, FACT, FACT_KEY, PROTOCOL, TOKEN, Column, Table
from data.types import ADDRESS, FLOAT, INT, TEXT, TIME, UINT256, WEI

LOAN_FACTS = (
    Table(
        "loan_events",
        "fact",
        "What happened to loans against tokens",
        (
            *FACT,
            *PROTOCOL,
            Column("loan_uid", TEXT, "protocol:contract:id of the loan"),
            Column(
                "event",
                TEXT,
                "offer (collateral put in, before a lender took it), cancel (an offer), open, borrow"
                " (more), transfer (of the lender's note), refinance (new lender or terms, same loan), replace (by"
                " another loan), partial_repay, repay, auction_start, bid, redeem (out of an"
                " auction), liquidate (collateral sold), claim or seize (collateral to the lender)",
            ),
            Column("borrower", ADDRESS, "Who owes; NULL where the event does not say"),
            Column("lender", ADDRESS, "Who is owed; NULL for a pool or where unknown"),
            Column("account", ADDRESS, "Who acted, as payer, bidder or taker; NULL if not said"),
            *TOKEN,
            Column("quantity", UINT256, "Units pledged, decimal text"),
            Column("currency", ADDRESS, "Token of the debt; the zero address is the native coin"),
            Column(
                "principal_wei",
                WEI,
                "Debt from which the loan goes on, on open and refinance",
                "smallest unit of currency",
            ),
            Column(
                "amount_wei",
                WEI,
                "Money of the event: lent more, repaid or bid",
                "smallest unit of currency",
            ),
            Column(
                "fee_wei", WEI, "Of the amount, what the platform got", "smallest unit of currency"
            ),
            Column(
                "remainder_wei",
                WEI,
                "What the borrower got of a sale or auction of the collateral",
                "smallest unit of currency",
            ),
            Column(
                "repayment_wei",
                WEI,
                "Fixed repayment, interest included, or the most that can be owed at the end",
                "smallest unit of currency",
            ),
            Column("apr_bps", FLOAT, "Interest per year as the event names it", "basis points"),
            Column("start_time", TIME, "Start of the terms, UTC"),
            Column("duration_s", INT, "Term of the loan; NULL without an end", "s"),
            Column("parent_loan_uid", TEXT, "Loan that this one replaces"),
        ),
        FACT_KEY,
    ),
    Table(
        "loan_tranches",
        "fact",
        "Shares of several lenders in a loan, as an opening or refinancing names them",
        (
            *FACT,
            *PROTOCOL,
            Column("loan_uid", TEXT, "protocol:contract:id of the loan"),
            Column("tranche_loan_uid", TEXT, "Loan under which the tranche was first lent"),
            Column("lender", ADDRESS, "Who lent it"),
            Column("currency", ADDRESS, "Token of the debt"),
            Column("floor_wei", WEI, "Debt that is senior to it", "smallest unit of currency"),
            Column("principal_wei", WEI, "Lent", "smallest unit of currency"),
            Column(
                "accrued_wei",
                WEI,
                "Interest of earlier terms, owed besides",
                "smallest unit of currency",
            ),
            Column("apr_bps", FLOAT, "Interest per year", "basis points"),
            Column("start_time", TIME, "Since when interest runs, UTC"),
        ),
        FACT_KEY,
    ),
)

LOAN_LINKS = (
    Table(
        "loans",
        "link",
        "Loans against tokens with their present state; one row per loan, which closes once",
        (
            CHAIN,
            Column("loan_uid", TEXT, "protocol:contract:id of the loan"),
            *PROTOCOL,
            Column(
                "state",
                TEXT,
                "offered; cancelled (never taken); open; auctioned: an auction runs; repaid; refinanced: another loan took its"
                " place; defaulted: the lender got the collateral; liquidated: it was sold",
            ),
            Column("borrower", ADDRESS, "Who owes; NULL if never named"),
            Column("lender", ADDRESS, "Latest lender named; NULL for a pool"),
            *TOKEN,
            Column("quantity", UINT256, "Units pledged, decimal text"),
            Column("currency", ADDRESS, "Token of the debt"),
            Column(
                "principal_wei",
                WEI,
                "Lent at opening; NULL where the opening was not seen or not readable",
                "smallest unit of currency",
            ),
            Column(
                "repayment_wei",
                WEI,
                "Fixed or highest repayment agreed at opening",
                "smallest unit of currency",
            ),
            Column(
                "apr_bps",
                FLOAT,
                "Interest per year at opening, as named, else simple interest of the repayment",
                "basis points",
            ),
            Column("opened_at", TIME, "Opening, UTC; NULL if not seen"),
            Column("due_at", TIME, "End under the latest terms, UTC; NULL without one"),
            Column("closed_at", TIME, "Close, UTC; NULL while it runs"),
            Column("refinancings", INT, "Times that lender or terms changed within the loan"),
            Column(
                "repaid_wei",
                WEI,
                "Known repayments; NULL where one has no known amount",
                "smallest unit of currency",
            ),
            Column(
                "parent_loan_uid",
                TEXT,
                "Loan that it replaced, or that closed on the same token in the same transaction",
            ),
            Column("last_sale_id", TEXT, "Last sale of the token before the opening"),
            Column(
                "ltv_last_sale",
                FLOAT,
                "Principal by that price; NULL in different currencies, for bundles and swaps",
                "ratio",
            ),
            Column(
                "realised_floor_wei",
                WEI,
                "5th percentile (lower value) of unit prices in the collection, in the loan's"
                " currency, over the 7 days before the opening; NULL below 5 sales",
                "smallest unit of currency",
            ),
            Column("floor_sales", INT, "Sales behind the realised floor"),
            Column("ltv_floor", FLOAT, "Principal by the realised floor", "ratio"),
        ),
        ("chain_id", "loan_uid"),
    ),
)
