"""Signals: computed by analytics, replaced as a whole with the run that made them."""

from data.schema.model import CHAIN, RUN, Column, Table
from data.types import ADDRESS, BOOL, DATE, FLOAT, INT, TEXT, WEI

_INTERVALS = tuple(
    Column(f"{side}_{level}", FLOAT, f"{'Lower' if side == 'lo' else 'Upper'} {level} % bound")
    for level in (50, 80, 95)
    for side in ("lo", "hi")
)

SIGNALS = (
    Table(
        "wash_flags",
        "signal",
        "Dune's five rules on every sale, one column per rule beside the verdict",
        (
            CHAIN,
            Column("sale_id", TEXT, "Sale"),
            Column("same_buyer_seller", BOOL, "Rule 1: buyer is seller"),
            Column("back_and_forth", BOOL, "Rule 2: the same token went the other way"),
            Column(
                "bought_or_sold_3x", BOOL, "Rule 3: same wallet bought or sold the token over twice"
            ),
            Column("first_funded_by_same_wallet", BOOL, "Rule 4; NULL without funding data"),
            Column("flashloan", BOOL, "Rule 5; NULL without flash-loan data"),
            Column("is_wash", BOOL, "Any evaluated rule holds"),
            Column("rules", TEXT, "Names of the rules that hold, comma-separated"),
            Column(
                "counter_sale_ids", TEXT, "Counter-trades that the rules rest on, comma-separated"
            ),
            Column("mode", TEXT, "full or incremental (7 days)"),
            RUN,
        ),
        ("chain_id", "sale_id"),
    ),
    Table(
        "floors",
        "signal",
        "Realised floor: low quantile of clean sales in a rolling window",
        (
            CHAIN,
            Column("scope", TEXT, "collection, style or market"),
            Column("scope_id", TEXT, "Address of the collection, name of the style, or all"),
            Column("day", DATE, "Last day of the window"),
            Column("window_days", INT, "Length of the window", "days"),
            Column("realised_floor_eth", FLOAT, "5th percentile of clean unit prices", "ETH"),
            Column("median_eth", FLOAT, "Median of clean unit prices", "ETH"),
            Column("n_sales", INT, "Clean sales in the window"),
            RUN,
        ),
        ("chain_id", "scope", "scope_id", "day"),
    ),
    Table(
        "styles",
        "signal",
        "Which styles sell, over the whole index",
        (
            CHAIN,
            Column("style", TEXT, "Style"),
            Column("works", INT, "Works minted"),
            Column("listed", INT, "Works ever listed"),
            Column("sold", INT, "Works sold at least once"),
            Column(
                "sell_through", FLOAT, "Share of listed works sold within 28 days (Kaplan-Meier)"
            ),
            Column("clean_sales", INT, "Clean sales"),
            Column("clean_volume_eth", FLOAT, "Clean volume", "ETH"),
            Column("flagged_volume_eth", FLOAT, "Flagged volume", "ETH"),
            Column("median_price_eth", FLOAT, "Median clean price", "ETH"),
            Column("buyers", INT, "Distinct clean buyers"),
            Column("breadth", FLOAT, "Distinct buyers per clean sale"),
            Column("buyer_hhi", FLOAT, "Concentration of buyers, 0 to 10,000"),
            Column("momentum", FLOAT, "Share of sales in the last 4 weeks over the previous 12"),
            RUN,
        ),
        ("chain_id", "style"),
    ),
    Table(
        "style_sales",
        "signal",
        "Sales by style and week; zero weeks are rows",
        (
            CHAIN,
            Column("style", TEXT, "Style"),
            Column("week", DATE, "Monday of the week, UTC"),
            Column("is_complete", BOOL, "The index reaches past the end of the week"),
            Column("sales", INT, "All sales"),
            Column("clean_sales", INT, "Sales without a wash flag"),
            Column("volume_wei", WEI, "Volume of all sales", "wei"),
            Column("clean_volume_wei", WEI, "Volume of clean sales", "wei"),
            Column("median_price_eth", FLOAT, "Median clean price", "ETH"),
            Column("buyers", INT, "Distinct clean buyers"),
            Column("mints", INT, "Works minted"),
            RUN,
        ),
        ("chain_id", "style", "week"),
    ),
    Table(
        "royalty_rates",
        "signal",
        "Royalties owed and paid by marketplace, month and currency; mints and swaps left out",
        (
            CHAIN,
            Column("marketplace", TEXT, "Venue by fee recipient, else the protocol"),
            Column("month", DATE, "First day of the month, UTC"),
            Column("currency", ADDRESS, "Token of the amounts; currencies are never added up"),
            Column("sales", INT, "Sales with a price"),
            Column("sales_with_known_terms", INT, "Of these, those whose royalty owed is known"),
            Column("sales_with_known_payment", INT, "Of these, those whose royalty paid is known"),
            Column(
                "volume_wei",
                WEI,
                "Prices of the sales; NULL above 38 digits",
                "smallest unit of currency",
            ),
            Column(
                "volume_with_known_terms_wei",
                WEI,
                "Of the sales with known terms; NULL without one",
                "smallest unit of currency",
            ),
            Column(
                "volume_with_known_payment_wei",
                WEI,
                "Of the sales with known payment; NULL without one",
                "smallest unit of currency",
            ),
            Column(
                "owed_wei",
                WEI,
                "Owed in sales with known terms; NULL without one",
                "smallest unit of currency",
            ),
            Column(
                "paid_wei",
                WEI,
                "Paid in sales with known payment; NULL without one",
                "smallest unit of currency",
            ),
            Column(
                "gap_wei",
                WEI,
                "owed - paid in sales with known terms; NULL without one",
                "smallest unit of currency",
            ),
            Column("effective_rate", FLOAT, "paid_wei / volume_with_known_payment_wei"),
            Column("owed_rate", FLOAT, "owed_wei / volume_with_known_terms_wei"),
            Column(
                "rows_in_other_currency",
                INT,
                "Ledger rows of these sales in another currency, left out",
            ),
            RUN,
        ),
        ("chain_id", "marketplace", "month", "currency"),
    ),
    Table(
        "royalty_by_artist",
        "signal",
        "Royalties owed and paid by recipient and currency; people behind splits, not the splits",
        (
            CHAIN,
            Column("recipient", ADDRESS, "Who is owed or was paid; NULL: no event tells"),
            Column("currency", ADDRESS, "Token of the amounts; currencies are never added up"),
            Column("sales", INT, "Distinct sales"),
            Column(
                "owed_wei",
                WEI,
                "Owed where terms are known; NULL: nowhere",
                "smallest unit of currency",
            ),
            Column(
                "paid_wei", WEI, "Paid, also where terms are unknown", "smallest unit of currency"
            ),
            Column(
                "gap_wei",
                WEI,
                "owed - paid where terms are known; NULL: nowhere",
                "smallest unit of currency",
            ),
            *(
                Column(f"n_{status}", INT, f"Ledger rows: {meaning}")
                for status, meaning in (
                    ("full", "paid as owed"),
                    ("partial", "paid in part"),
                    ("zero", "owed, nothing paid"),
                    ("over", "paid more than owed"),
                    ("unknown", "terms unknown, not evaluated"),
                )
            ),
            RUN,
        ),
        ("chain_id", "recipient", "currency"),
    ),
    Table(
        "forecasts",
        "signal",
        "Forecasts per series; one model per series is marked selected",
        (
            CHAIN,
            Column("unique_id", TEXT, "Series: <style>/clean_sales or <style>/median_price_eth"),
            Column("style", TEXT, "Style; NULL for other series"),
            Column("target", TEXT, "clean_sales (works per week) or median_price_eth (ETH)"),
            Column("ds", DATE, "Monday of the forecast week"),
            Column("model", TEXT, "Model"),
            Column("selected", BOOL, "Chosen by rolling backtest"),
            Column("mean", FLOAT, "Mean", "unit of target"),
            Column("median", FLOAT, "Median", "unit of target"),
            *_INTERVALS,
            RUN,
        ),
        ("chain_id", "unique_id", "model", "ds"),
    ),
    Table(
        "forecast_backtests",
        "signal",
        "How each model did on the past, beside naive",
        (
            CHAIN,
            Column("unique_id", TEXT, "Series"),
            Column("model", TEXT, "Model"),
            Column("selected", BOOL, "Chosen"),
            Column("n_windows", INT, "Rolling origins"),
            Column("horizon", INT, "Steps ahead", "weeks"),
            Column("mae", FLOAT, "Mean absolute error", "unit of target"),
            Column("mase", FLOAT, "Error relative to the in-sample naive"),
            Column("skill", FLOAT, "1 - MAE / MAE of seasonal naive"),
            Column("coverage_80", FLOAT, "Share of outcomes inside the 80 % band"),
            Column("coverage_95", FLOAT, "Share of outcomes inside the 95 % band"),
            Column("beats_naive", BOOL, "MAE below that of seasonal naive"),
            RUN,
        ),
        ("chain_id", "unique_id", "model"),
    ),
)
