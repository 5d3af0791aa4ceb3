"""Every table and column of the store, declared once.

The store creates its tables from this module, writers take their frame schemas from it, and
documentation and tests read it. Kinds of table:

- evidence: what the chain said; deleted with its block in a reorg.
- fact: derived from the evidence of one transaction; append-only, deleted with its block.
- link: SQL over facts, rebuilt as a whole; independent of the order in which ranges arrived.
- signal: computed by analytics, replaced as a whole with the run that made it.
- record: append-only, never rebuilt.
- state: what tells about the fetching and the store itself.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from data.errors import NotFoundError
from data.types import (
    ADDRESS,
    BOOL,
    BYTES,
    DATE,
    FLOAT,
    HASH,
    INT,
    JSON,
    TEXT,
    TIME,
    UINT256,
    WEI,
    LogicalType,
)

SCHEMA_VERSION = 2

Kind = Literal["evidence", "fact", "link", "signal", "record", "state"]


@dataclass(frozen=True)
class Column:
    """One column: name, type, meaning and, where the type does not carry it, its unit."""

    name: str
    type: LogicalType
    meaning: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """One table: its kind, meaning, columns in order, and the key that sorts and identifies rows."""

    name: str
    kind: Kind
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def polars_schema(self) -> dict[str, pl.DataType]:
        """Column names and polars types, in order."""
        return {column.name: column.type.polars for column in self.columns}

    @property
    def column_names(self) -> list[str]:
        """Column names, in order."""
        return [column.name for column in self.columns]

    def empty(self) -> pl.DataFrame:
        """An empty frame of the table's columns."""
        return pl.DataFrame(schema=self.polars_schema)


_CHAIN = Column("chain_id", INT, "Chain, as its eth_chainId")
_BLOCK = (
    _CHAIN,
    Column("block_number", INT, "Height of the block"),
    Column(
        "block_hash", HASH, "Hash of the block; part of every key, so a re-mined row is another row"
    ),
    Column("block_time", TIME, "Time of the block, UTC"),
)
_LOG_PLACE = (
    *_BLOCK,
    Column("tx_hash", HASH, "Transaction"),
    Column("tx_index", INT, "Place of the transaction in the block"),
    Column("log_index", INT, "Place of the log in the block"),
)
_FACT = (*_LOG_PLACE, Column("item_index", INT, "Place within the log, from 0 (batches, bundles)"))
_LOG_KEY = ("chain_id", "block_number", "block_hash", "log_index")
_FACT_KEY = (*_LOG_KEY, "item_index")
_PROTOCOL = (
    Column("protocol", TEXT, "Protocol that emitted the event, as in the protocol table"),
    Column("version", TEXT, "Version of the protocol"),
)
_TOKEN = (
    Column("collection", ADDRESS, "Contract of the token"),
    Column("token_id", UINT256, "Token within the collection, decimal text"),
)
_RUN = Column("run_id", TEXT, "Run that made the row")

_EVIDENCE = (
    Table(
        "blocks",
        "evidence",
        "Headers seen while indexing; the recent ones are the reorg window",
        (
            *_BLOCK,
            Column("parent_hash", HASH, "Hash of the parent block"),
            Column("logs_bloom", BYTES, "Log bloom filter of the header, 256 bytes"),
            Column("receipts_root", HASH, "Root of the trie of the block's receipts"),
        ),
        ("chain_id", "block_number", "block_hash"),
    ),
    Table(
        "logs",
        "evidence",
        "Raw logs that matched the selection",
        (
            *_LOG_PLACE,
            Column("address", ADDRESS, "Contract that emitted the log"),
            Column("topic0", HASH, "Event signature hash; NULL for an anonymous event"),
            Column("topic1", HASH, "First indexed argument"),
            Column("topic2", HASH, "Second indexed argument"),
            Column("topic3", HASH, "Third indexed argument"),
            Column("data", BYTES, "Unindexed arguments"),
        ),
        _LOG_KEY,
    ),
    Table(
        "transactions",
        "evidence",
        "Transactions that a protocol asked for, and on the local chain every one",
        (
            *_BLOCK,
            Column("tx_hash", HASH, "Transaction"),
            Column("tx_index", INT, "Place of the transaction in the block"),
            Column("from_address", ADDRESS, "Sender"),
            Column("to_address", ADDRESS, "Receiver; NULL for a contract creation"),
            Column("value_wei", WEI, "Native coin sent along", "wei"),
            Column("input", BYTES, "Call data"),
        ),
        ("chain_id", "block_number", "block_hash", "tx_index"),
    ),
)

_STATE = (
    Table(
        "ranges",
        "state",
        "Committed block ranges with the evidence that nothing is missing; also the checkpoint",
        (
            _CHAIN,
            Column(
                "selection", HASH, "Digest of the selection (protocols, addresses) of the range"
            ),
            Column("from_block", INT, "First block of the range"),
            Column("to_block", INT, "Block after the last one (half-open)"),
            Column(
                "tip_hash", HASH, "Hash of the last block, from the batch that carried the logs"
            ),
            Column("n_logs", INT, "Logs in the answer"),
            Column("n_requests", INT, "Requests it took"),
            Column("n_bytes", INT, "Size of the answers", "bytes"),
            Column("elapsed_ms", FLOAT, "Time from request to decoded rows", "ms"),
            Column("endpoint", TEXT, "Endpoint that answered, masked"),
            Column(
                "verified_by",
                TEXT,
                "header: last block's header in the same batch; hash: every block asked by its hash;"
                " parquet: read from files",
            ),
            Column(
                "verify_mode",
                TEXT,
                "off; sample: 1 % of the blocks of empty answers tested besides; full: every block"
                " without logs",
            ),
            Column("blocks_tested", INT, "Blocks whose header was looked at; NULL in a cut range"),
            Column(
                "blocks_proven_empty",
                INT,
                "Tested blocks whose log bloom, or recomputed receipts root, excludes further logs",
            ),
            Column("blocks_reasked", INT, "Tested blocks that were asked a second time"),
            Column("blocks_repaired", INT, "Re-asked blocks whose hidden logs were added"),
            Column("blocks_unproven", INT, "Re-asked blocks about which nothing decides"),
            Column("committed_at", TIME, "Time of the commit, UTC"),
            _RUN,
        ),
        ("chain_id", "selection", "from_block", "to_block"),
    ),
    Table(
        "completeness_findings",
        "state",
        "What stays open: gaps (no range covers them) and unproven blocks (in a range)",
        (
            _CHAIN,
            Column("selection", HASH, "Digest of the selection, as in ranges"),
            Column("from_block", INT, "First block"),
            Column("to_block", INT, "Block after the last one (half-open)"),
            Column(
                "verdict",
                TEXT,
                "gap: logs exist that the answer lacked, and no source gives them with proof;"
                " unproven: the log bloom allows logs, and no source decides",
            ),
            Column("reason", TEXT, "What the second look met"),
            Column("endpoint", TEXT, "Endpoint whose answer is in doubt, masked"),
            Column("n_logs_hidden", INT, "Logs that a second source showed; 0 when none did"),
            Column("found_at", TIME, "Time of the commit, UTC"),
            _RUN,
        ),
        ("chain_id", "selection", "from_block", "verdict"),
    ),
    Table(
        "runs",
        "record",
        "Runs that wrote to the store",
        (
            _RUN,
            Column("verb", TEXT, "Command: index, analyze, forecast, brief, generate"),
            Column("code_version", TEXT, "Version of the program"),
            Column(
                "data_digest", HASH, "Digest of the facts that the run read; NULL for index runs"
            ),
            Column("started_at", TIME, "Start, UTC"),
            Column("finished_at", TIME, "End, UTC"),
            Column("details", JSON, "Parameters and counts"),
        ),
        ("run_id",),
    ),
    Table(
        "quarantine",
        "fact",
        "Logs that could not become facts, with the reason; nothing is lost",
        (
            *_FACT,
            Column("address", ADDRESS, "Contract that emitted the log"),
            Column("topics", TEXT, "Topics, comma-separated"),
            Column("data", BYTES, "Unindexed arguments"),
            *_PROTOCOL,
            Column("event", TEXT, "Event it was taken for"),
            Column("reason", TEXT, "Why it was set aside"),
        ),
        (*_FACT_KEY, "protocol", "event"),
    ),
)

_SALE_AMOUNTS = (
    Column("currency", ADDRESS, "Token of payment; the zero address is the chain's native coin"),
    Column(
        "price_wei",
        WEI,
        "Everything the buyer paid, total for the row",
        "smallest unit of currency",
    ),
    Column("proceeds_wei", WEI, "What the seller got", "smallest unit of currency"),
    Column("platform_fee_wei", WEI, "What the marketplace got", "smallest unit of currency"),
    Column("royalty_wei", WEI, "What creators got as royalty", "smallest unit of currency"),
    Column(
        "other_wei", WEI, "All other legs (tips, referrers, refunds)", "smallest unit of currency"
    ),
    Column(
        "residual_wei",
        WEI,
        "price - proceeds - platform fee - royalty - other; NULL when a leg cannot be known",
        "smallest unit of currency",
    ),
    Column("residual_reason", TEXT, "Why the residual is NULL"),
)
_SALE = (
    *_FACT,
    Column("sale_id", TEXT, "chain:block_hash:log_index:item_index of the sale"),
    Column(
        "bundle_id", TEXT, "sale_id of the first item when several were sold together; else NULL"
    ),
    Column("bundle_size", INT, "Items sold together for one price, 1 for a single sale"),
    Column("marketplace", TEXT, "Venue by fee recipient, else the protocol"),
    *_PROTOCOL,
    Column("trade_kind", TEXT, "listing, bid, private, match, swap or primary_mint"),
    *_TOKEN,
    Column("token_standard", TEXT, "erc721 or erc1155"),
    Column("quantity", UINT256, "Units sold, decimal text"),
    Column("seller", ADDRESS, "Economic seller"),
    Column("buyer", ADDRESS, "Economic buyer"),
    Column("maker", ADDRESS, "Who signed or made the order"),
    Column("taker", ADDRESS, "Who took it"),
    Column("aggregator", ADDRESS, "Router in between; NULL if none"),
    *_SALE_AMOUNTS,
    Column("confidence", TEXT, "decoded, inferred or assumed"),
)

_FACTS = (
    Table(
        "transfers",
        "fact",
        "Token movements of ERC-721, ERC-1155 and named pre-standard contracts",
        (
            *_FACT,
            Column("kind", TEXT, "mint, burn or transfer"),
            *_TOKEN,
            Column("token_standard", TEXT, "erc721 or erc1155"),
            Column("from_address", ADDRESS, "Sender; the zero address on a mint"),
            Column("to_address", ADDRESS, "Receiver; the zero address on a burn"),
            Column("operator", ADDRESS, "Caller named by ERC-1155; NULL for ERC-721"),
            Column("quantity", UINT256, "Units moved, decimal text (1 for ERC-721)"),
        ),
        _FACT_KEY,
    ),
    Table(
        "settled_sales",
        "fact",
        "Sales as one transaction tells them, one row per item; `sales` adds what needs more",
        _SALE,
        _FACT_KEY,
    ),
    Table(
        "sale_payments",
        "fact",
        "Money legs of each sale; they add up to its price",
        (
            *_FACT,
            Column("sale_id", TEXT, "Sale that the leg belongs to"),
            Column("seq", INT, "Place of the leg within the sale, from 0"),
            Column("recipient", ADDRESS, "Who was paid"),
            Column(
                "recipient_class",
                TEXT,
                "seller, creator, split, platform, affiliate, referrer, tip, refund or unknown",
            ),
            Column("currency", ADDRESS, "Token of payment"),
            Column("amount_wei", WEI, "Amount", "smallest unit of currency"),
            Column("source", TEXT, "consideration, fee_event, transfer_log, trace or computed"),
        ),
        (*_FACT_KEY, "seq"),
    ),
    Table(
        "listings",
        "fact",
        "Listings on Raisonné's own Market, and their cancellations",
        (
            *_FACT,
            *_PROTOCOL,
            Column("event", TEXT, "listed or cancelled"),
            *_TOKEN,
            Column("seller", ADDRESS, "Who lists"),
            Column("price_wei", WEI, "Asking price; NULL on a cancellation", "wei"),
            Column("end_time", TIME, "End of the listing, UTC; NULL without one"),
        ),
        _FACT_KEY,
    ),
    Table(
        "royalty_events",
        "fact",
        "Royalty terms as they were set",
        (
            *_FACT,
            *_PROTOCOL,
            *_TOKEN,
            Column("recipient", ADDRESS, "Who is to be paid"),
            Column("bps", INT, "Royalty of the sale price", "basis points"),
        ),
        _FACT_KEY,
    ),
    Table(
        "vault_events",
        "fact",
        "What happened to fraction vaults",
        (
            *_FACT,
            *_PROTOCOL,
            Column("event", TEXT, "opened or redeemed"),
            Column("vault", ADDRESS, "Share token"),
            *_TOKEN,
            Column("account", ADDRESS, "Curator on opening, holder on redemption"),
            Column("shares", UINT256, "Shares minted or burned, decimal text"),
            Column("amount_wei", WEI, "Royalty paid on opening, payout on redemption", "wei"),
        ),
        _FACT_KEY,
    ),
    Table(
        "vault_payments",
        "fact",
        "Money legs of vault openings (royalty due at fractionalization)",
        (
            *_FACT,
            *_TOKEN,
            Column("recipient", ADDRESS, "Who was paid"),
            Column("recipient_class", TEXT, "creator, platform or refund"),
            Column("currency", ADDRESS, "Token of payment"),
            Column("amount_wei", WEI, "Amount", "smallest unit of currency"),
        ),
        _FACT_KEY,
    ),
    Table(
        "provenance_events",
        "fact",
        "Mints and burns that carry a lineage record",
        (
            *_FACT,
            *_PROTOCOL,
            Column("event", TEXT, "minted or burned"),
            *_TOKEN,
            Column("account", ADDRESS, "Creator on a mint, burner on a burn"),
            Column("manifest", HASH, "SHA-256 of the lineage manifest"),
            Column("pixel_hash", HASH, "SHA-256 of the decoded pixels; NULL on a burn"),
            Column("model", HASH, "Digest of the weights; NULL on a burn"),
            Column("dataset", HASH, "Digest of the training data; NULL on a burn"),
            Column("process", HASH, "Digest of the generation process; NULL on a burn"),
            Column("seed", UINT256, "Seed of the work, decimal text; NULL on a burn"),
            Column("uri", TEXT, "Metadata URI; foreign text, never rendered as markup"),
        ),
        _FACT_KEY,
    ),
    Table(
        "lineage_edges",
        "fact",
        "Parents that a work declares",
        (
            *_FACT,
            *_PROTOCOL,
            *_TOKEN,
            Column("ordinal", INT, "Place among the parents, from 0"),
            Column("parent_collection", ADDRESS, "Contract of the parent"),
            Column("parent_token_id", UINT256, "Token of the parent, decimal text"),
            Column("relation", INT, "0 derived, 1 variation, 2 inspired, 3 style-cell"),
            Column("share_bps", INT, "Share promised to the parent", "basis points"),
        ),
        _FACT_KEY,
    ),
    Table(
        "prices",
        "fact",
        "Prices of currencies in USD, from Chainlink-shaped feeds or a file",
        (
            *_FACT,
            Column("currency", ADDRESS, "Priced token; the zero address is the native coin"),
            Column("time", TIME, "Time the price is of, UTC"),
            Column("usd", FLOAT, "Price of one whole unit", "USD"),
            Column("source", TEXT, "feed:<address> or file:<name>"),
        ),
        _FACT_KEY,
    ),
)

_LINKS = (
    Table(
        "sales",
        "link",
        "Sales as users read them: settled sales with what other transactions tell",
        (
            *_SALE,
            Column("is_primary", BOOL, "The seller made the token's first sale after minting it"),
            Column(
                "price_eth", FLOAT, "price_wei in whole ETH; NULL for unknown currencies", "ETH"
            ),
            Column("price_usd", FLOAT, "Value at block time; NULL without a price source", "USD"),
            Column("price_source", TEXT, "Source of the USD price"),
            Column("price_age_s", INT, "Age of the USD price at the sale", "s"),
        ),
        _FACT_KEY,
    ),
    Table(
        "royalty_terms",
        "link",
        "Royalty terms as validity intervals",
        (
            _CHAIN,
            *_TOKEN,
            Column("recipient", ADDRESS, "Who is to be paid"),
            Column("bps", INT, "Royalty of the sale price", "basis points"),
            Column("source", TEXT, "Event that set it"),
            Column("valid_from_block", INT, "First block in force"),
            Column("valid_from_log_index", INT, "Log within that block that set it"),
            Column(
                "valid_to_block", INT, "Block in which the next terms came; NULL while in force"
            ),
        ),
        ("chain_id", "collection", "token_id", "valid_from_block", "valid_from_log_index"),
    ),
    Table(
        "royalty_ledger",
        "link",
        "Royalty owed beside royalty paid, per sale and recipient",
        (
            _CHAIN,
            Column("sale_id", TEXT, "Sale"),
            Column("recipient", ADDRESS, "Who is owed or was paid"),
            Column("owed_wei", WEI, "Owed under the terms in force; NULL when unknown", "wei"),
            Column("paid_wei", WEI, "Paid in the sale", "wei"),
            Column("gap_wei", WEI, "owed - paid; NULL when unknown", "wei"),
            Column("status", TEXT, "full, partial, zero, over or unknown"),
        ),
        ("chain_id", "sale_id", "recipient"),
    ),
    Table(
        "vaults",
        "link",
        "Fraction vaults with their present state",
        (
            _CHAIN,
            Column("vault", ADDRESS, "Share token"),
            *_TOKEN,
            Column("curator", ADDRESS, "Who opened it"),
            Column("supply", UINT256, "Shares at opening, decimal text"),
            Column("royalty_wei", WEI, "Royalty paid at opening", "wei"),
            Column("opened_at", TIME, "Opening, UTC"),
            Column("state", TEXT, "open or redeemed"),
        ),
        ("chain_id", "vault"),
    ),
    Table(
        "tokens",
        "link",
        "Tokens with owner and, where the chain carries it, metadata",
        (
            _CHAIN,
            *_TOKEN,
            Column("token_standard", TEXT, "erc721 or erc1155"),
            Column("creator", ADDRESS, "Who minted with a lineage record, else first receiver"),
            Column("minted_at", TIME, "Time of the mint, UTC; NULL if not seen"),
            Column("owner", ADDRESS, "Present owner (ERC-721); NULL for ERC-1155"),
            Column("is_burned", BOOL, "The last movement was a burn"),
            Column("name", TEXT, "Name in the metadata; foreign text"),
            Column("style", TEXT, "Style attribute of the metadata; foreign text"),
            Column("manifest", HASH, "Lineage manifest; NULL without one"),
            Column("pixel_hash", HASH, "SHA-256 of the decoded pixels"),
        ),
        ("chain_id", "collection", "token_id"),
    ),
    Table(
        "funding",
        "link",
        "First sender of native coin to each address",
        (
            _CHAIN,
            Column("address", ADDRESS, "Funded address"),
            Column("first_funded_by", ADDRESS, "Sender of its first native coin"),
            Column("block_number", INT, "Block of that transfer; NULL if unknown"),
            Column("block_time", TIME, "Time of that transfer, UTC"),
            Column("source", TEXT, "transactions or file:<name>"),
        ),
        ("chain_id", "address"),
    ),
    Table(
        "labels",
        "link",
        "What is known of addresses",
        (
            _CHAIN,
            Column("address", ADDRESS, "Address"),
            Column("label", TEXT, "cex, bridge, tornado_cash, marketplace, lending or artist"),
            Column("name", TEXT, "Name to show"),
            Column("source", TEXT, "Where the label comes from"),
        ),
        ("chain_id", "address", "label"),
    ),
)

_INTERVALS = tuple(
    Column(f"{side}_{level}", FLOAT, f"{'Lower' if side == 'lo' else 'Upper'} {level} % bound")
    for level in (50, 80, 95)
    for side in ("lo", "hi")
)

_SIGNALS = (
    Table(
        "wash_flags",
        "signal",
        "Dune's five rules on every sale, one column per rule beside the verdict",
        (
            _CHAIN,
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
            _RUN,
        ),
        ("chain_id", "sale_id"),
    ),
    Table(
        "floors",
        "signal",
        "Realised floor: low quantile of clean sales in a rolling window",
        (
            _CHAIN,
            Column("scope", TEXT, "collection, style or market"),
            Column("scope_id", TEXT, "Address of the collection, name of the style, or all"),
            Column("day", DATE, "Last day of the window"),
            Column("window_days", INT, "Length of the window", "days"),
            Column("realised_floor_eth", FLOAT, "5th percentile of clean unit prices", "ETH"),
            Column("median_eth", FLOAT, "Median of clean unit prices", "ETH"),
            Column("n_sales", INT, "Clean sales in the window"),
            _RUN,
        ),
        ("chain_id", "scope", "scope_id", "day"),
    ),
    Table(
        "styles",
        "signal",
        "Which styles sell, over the whole index",
        (
            _CHAIN,
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
            _RUN,
        ),
        ("chain_id", "style"),
    ),
    Table(
        "style_sales",
        "signal",
        "Sales by style and week; zero weeks are rows",
        (
            _CHAIN,
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
            _RUN,
        ),
        ("chain_id", "style", "week"),
    ),
    Table(
        "forecasts",
        "signal",
        "Forecasts per series; one model per series is marked selected",
        (
            _CHAIN,
            Column("unique_id", TEXT, "Series: <style>/clean_sales or <style>/median_price_eth"),
            Column("style", TEXT, "Style; NULL for other series"),
            Column("target", TEXT, "clean_sales (works per week) or median_price_eth (ETH)"),
            Column("ds", DATE, "Monday of the forecast week"),
            Column("model", TEXT, "Model"),
            Column("selected", BOOL, "Chosen by rolling backtest"),
            Column("mean", FLOAT, "Mean", "unit of target"),
            Column("median", FLOAT, "Median", "unit of target"),
            *_INTERVALS,
            _RUN,
        ),
        ("chain_id", "unique_id", "model", "ds"),
    ),
    Table(
        "forecast_backtests",
        "signal",
        "How each model did on the past, beside naive",
        (
            _CHAIN,
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
            _RUN,
        ),
        ("chain_id", "unique_id", "model"),
    ),
)

_RECORDS = (
    Table(
        "briefs",
        "record",
        "What the forecasts ask the studio to make",
        (
            Column("brief_id", TEXT, "Brief; all its lines share it"),
            Column("line", INT, "Line within the brief, from 0"),
            Column("created_at", TIME, "When it was written, UTC"),
            _CHAIN,
            Column("style", TEXT, "Style to make"),
            Column("works", INT, "How many works"),
            Column("price_wei", WEI, "Asking price of each", "wei"),
            Column("expected_sales", FLOAT, "Forecast clean sales of the style over the horizon"),
            Column("lo_80", FLOAT, "Lower 80 % bound of those sales"),
            Column("hi_80", FLOAT, "Upper 80 % bound of those sales"),
            Column("model", TEXT, "Forecast model it rests on"),
            Column("reason", TEXT, "Why, in a sentence"),
            _RUN,
        ),
        ("brief_id", "line"),
    ),
    Table(
        "works",
        "record",
        "Works the studio made; the chain tells which were minted (tokens.manifest)",
        (
            Column("work_id", HASH, "SHA-256 of the lineage manifest, the on-chain word"),
            Column("brief_id", TEXT, "Brief that asked for it"),
            Column("line", INT, "Line of the brief"),
            _RUN,
            Column("style", TEXT, "Style"),
            Column("title", TEXT, "Title"),
            Column("prompt", TEXT, "Prompt or class label"),
            Column("seed", UINT256, "Seed, decimal text"),
            Column("price_wei", WEI, "Asking price of the brief", "wei"),
            Column("model_digest", HASH, "Digest of the weights"),
            Column("dataset_digest", HASH, "Digest of the training data recipe"),
            Column("process_digest", HASH, "Digest of the generation process"),
            Column("pixel_sha256", HASH, "SHA-256 of the decoded pixels"),
            Column("phash", TEXT, "64-bit perceptual hash, 16 hex digits"),
            Column("image_path", TEXT, "PNG file"),
            Column("manifest_path", TEXT, "Manifest file"),
            Column("created_at", TIME, "When it was made, UTC"),
        ),
        ("work_id",),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (*_EVIDENCE, *_FACTS, *_LINKS, *_SIGNALS, *_RECORDS, *_STATE)
}

BLOCK_KINDS = ("evidence", "fact")
DIGEST_TABLES = tuple(
    name for name, table in TABLES.items() if name == "logs" or table.kind in ("fact", "link")
)


def table(name: str) -> Table:
    """The declaration of a table.

    Raises:
        NotFoundError: no table has that name; the message lists the known ones.
    """
    if name not in TABLES:
        message = f"no table is named {name!r}; known tables: {', '.join(sorted(TABLES))}"
        raise NotFoundError(message)
    return TABLES[name]


def conform(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the columns of a table, in its order and types.

    Missing columns become NULL; unknown columns are an error, so that a typo cannot lose data.

    Raises:
        NotFoundError: the frame has a column that the table lacks.
    """
    declared = table(name)
    unknown = sorted(set(frame.columns) - set(declared.column_names))
    if unknown:
        message = (
            f"table {name} has no column {', '.join(unknown)}; "
            f"its columns: {', '.join(declared.column_names)}"
        )
        raise NotFoundError(message)
    return frame.select(
        (pl.col(column.name) if column.name in frame.columns else pl.lit(None))
        .cast(column.type.polars)
        .alias(column.name)
        for column in declared.columns
    )
