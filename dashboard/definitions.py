"""What every figure on the screen means: the words behind a number, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """A metric: its name on the screen, what it is, whether flagged sales count, and its source."""

    name: str
    meaning: str
    wash: str
    source: str


SWITCH = "follows the wash switch"
CLEAN = "always without flagged sales"
ALL = "all sales"
NONE = "does not apply"

DEFINITIONS: tuple[Definition, ...] = (
    Definition("Clean volume", "Sum of the prices of sales without a wash flag in the window; "
               "price is everything the buyer paid, fees included.", CLEAN, "sales, wash_flags"),
    Definition("Raw volume", "Sum of the prices of all sales in the window, flagged ones included.",
               ALL, "sales"),
    Definition("Flagged volume", "Raw volume less clean volume.", ALL, "sales, wash_flags"),
    Definition("Sales", "Number of sales in the window; the items of a bundle count one by one.",
               SWITCH, "sales"),
    Definition("Median price", "Median of the price per unit; gifts (price 0) are left out.",
               SWITCH, "sales"),
    Definition("Realised floor", "5th percentile of the unit prices of clean sales in a rolling "
               "window, on its last day; sales under a fifth of the window's median are left out "
               "as accidents or gifts. Asking prices are signed off chain, so no asking floor "
               "can be known from an index.", CLEAN, "floors"),
    Definition("Buyers", "Distinct buyers in the window.", SWITCH, "sales"),
    Definition("Sellers", "Distinct sellers in the window.", SWITCH, "sales"),
    Definition("Wash share", "Flagged volume over raw volume.", ALL, "sales, wash_flags"),
    Definition("Flagged sales", "Sales that at least one evaluated rule holds for. A flag is a "
               "pattern, not an accusation.", ALL, "wash_flags"),
    Definition("Royalty rate", "Royalty paid over the volume of the sales whose payment is known, "
               "by marketplace, month and currency; mints and swaps are left out.", ALL,
               "royalty_rates"),
    Definition("Owed rate", "Royalty owed over the volume of the sales whose terms are known; "
               "unknown terms are not evaluated.", ALL, "royalty_rates"),
    Definition("Royalty gap", "Royalty owed less royalty paid in the sales whose terms are known.",
               ALL, "royalty_rates"),
    Definition("Sell-through", "Share of listed works sold within 28 days, by the Kaplan-Meier "
               "estimate, so that works listed lately do not count as unsold.", CLEAN, "styles"),
    Definition("Momentum", "Share of the market's clean sales in the last 4 complete weeks "
               "over the share in the 12 before; 1 is steady.", CLEAN, "styles"),
    Definition("Breadth", "Distinct buyers per clean sale: 1 when every sale found another buyer.",
               CLEAN, "sales, styles"),
    Definition("Buyer concentration", "Herfindahl-Hirschman index of the buyers, 0 to 10,000; "
               "10,000 is a single buyer.", CLEAN, "styles"),
    Definition("Volume percentile", "Share of artists with less raw volume in the window.", ALL,
               "sales"),
    Definition("Skill", "1 - MAE / MAE of seasonal naive over rolling origins; above 0 is better "
               "than repeating the past.", CLEAN, "forecast_backtests"),
    Definition("MASE", "Mean absolute error relative to the error of the naive forecast within "
               "the training data.", CLEAN, "forecast_backtests"),
    Definition("Coverage 80 %", "Share of past outcomes inside the 80 % band; 80 % is right.",
               CLEAN, "forecast_backtests"),
    Definition("Coverage 95 %", "Share of past outcomes inside the 95 % band; 95 % is right.",
               CLEAN, "forecast_backtests"),
    Definition("Works made", "Works that the studio made for the brief.", NONE, "works"),
    Definition("Minted", "Works whose manifest is the lineage word of a token.", NONE,
               "works, tokens"),
    Definition("Listed", "Minted works ever listed on Raisonné's Market.", NONE, "listings"),
    Definition("Sold", "Minted works sold at least once.", ALL, "sales"),
    Definition("Earned", "What the buyers of the works paid in their first sales.", ALL, "sales"),
    Definition("Votes for the leader", "Votes for the choice with most of them over the votes "
               "cast in the round.", NONE, "vetting_rounds"),
    Definition("Budget used", "Spent in the epoch over what was spent and what is left of its "
               "budget.", NONE, "budgets"),
    Definition("Owners so far", "Distinct addresses that held the work.", NONE, "transfers"),
    Definition("Last price", "Price of the latest sale of the work.", ALL, "sales"),
    Definition("Royalty paid", "Royalty legs of all sales of the work.", ALL, "sales"),
    Definition("Residual", "Price less proceeds, platform fee, royalty and other legs; 0 when the "
               "sale balances to the wei, NULL when a leg cannot be known.", NONE, "sales"),
    Definition("Sales that balance", "Sales whose residual is exactly 0 wei.", NONE, "sales"),
    Definition("Blocks covered", "Blocks in committed ranges.", NONE, "ranges"),
    Definition("Gaps", "Blocks between the first and the last covered one that no range covers.",
               NONE, "ranges"),
    Definition("Set aside", "Logs that could not become facts, kept with their reason.", NONE,
               "quarantine"),
)  # fmt: skip

_BY_NAME = {definition.name: definition for definition in DEFINITIONS}


def meaning(name: str) -> str:
    """What a metric means, with how it treats flagged sales.

    Raises:
        KeyError: the metric has no definition; a test keeps that from shipping.
    """
    definition = _BY_NAME[name]
    return f"{definition.meaning} Wash: {definition.wash}. From: {definition.source}."
