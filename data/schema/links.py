"""Links: SQL over facts, rebuilt as a whole; independent of the order in which ranges arrived."""

from data.schema.loans import LOAN_LINKS
from data.schema.model import CHAIN, FACT_KEY, METADATA, SALE, SPLIT_TOKEN, TOKEN, Column, Table
from data.schema.own import OWN_LINKS
from data.schema.vaults import VAULT_LINKS
from data.types import ADDRESS, BOOL, FLOAT, HASH, INT, TEXT, TIME, WEI

LINKS = (
    Table(
        "sales",
        "link",
        "Sales as users read them: settled sales with what other transactions tell",
        (
            *SALE,
            Column(
                "is_primary",
                BOOL,
                "Minted to the buyer in the sale's transaction, or first sold by who minted it",
            ),
            Column(
                "price_eth",
                FLOAT,
                "price_wei in whole ETH; of another currency its value in USD at the quote of ETH;"
                " NULL without quotes and for unknown currencies",
                "ETH",
            ),
            Column(
                "price_usd",
                FLOAT,
                "Value at block time; NULL without a quote of the last two days",
                "USD",
            ),
            Column("price_source", TEXT, "Source of the USD price"),
            Column("price_age_s", INT, "Age of the USD price at the sale", "s"),
        ),
        FACT_KEY,
    ),
    Table(
        "royalty_terms",
        "link",
        "Royalty terms as validity intervals; one row per recipient",
        (
            CHAIN,
            *TOKEN,
            Column("recipient", ADDRESS, "Who is to be paid; NULL: nobody that an event names"),
            Column(
                "bps", INT, "Royalty of the sale price; NULL: terms were removed", "basis points"
            ),
            Column("source", TEXT, "Protocol and event that set it"),
            Column("level", TEXT, "token, collection, extension, override or project"),
            Column("via", ADDRESS, "Extension, or contract whose terms hold instead"),
            Column("venue", TEXT, "Protocol whose sales alone are bound; NULL: all sales"),
            Column("valid_from_block", INT, "First block in force"),
            Column("valid_from_log_index", INT, "Log within that block that set it"),
            Column("item_index", INT, "Place among the recipients, from 0"),
            Column(
                "valid_to_block", INT, "Block in which the next terms came; NULL while in force"
            ),
            Column("valid_to_log_index", INT, "Log within that block"),
        ),
        (
            "chain_id",
            "collection",
            "token_id",
            "valid_from_block",
            "valid_from_log_index",
            "item_index",
        ),
    ),
    Table(
        "splits",
        "link",
        "Recipients of split contracts as validity intervals",
        (
            CHAIN,
            Column("split", ADDRESS, "Split contract"),
            *SPLIT_TOKEN,
            Column("recipient", ADDRESS, "Who gets a share"),
            Column("allocation", INT, "Share, of total_allocation"),
            Column("total_allocation", INT, "Sum of the shares"),
            Column("share_ppm", INT, "Share, rounded down", "millionths"),
            Column("reward_ppm", INT, "What a distributor may keep", "millionths"),
            Column("source", TEXT, "Protocol and event that set it"),
            Column("valid_from_block", INT, "First block in force"),
            Column("valid_from_log_index", INT, "Log within that block that set it"),
            Column("item_index", INT, "Place among the recipients, from 0"),
            Column(
                "valid_to_block", INT, "Block in which the next shares came; NULL while in force"
            ),
            Column("valid_to_log_index", INT, "Log within that block"),
        ),
        (
            "chain_id",
            "split",
            "token_id",
            "valid_from_block",
            "valid_from_log_index",
            "item_index",
        ),
    ),
    Table(
        "royalty_ledger",
        "link",
        "Royalty owed beside royalty paid, per sale and recipient, and per opening and buyout of a"
        " vault of ours; rows with look_through_of divide the row of that split, so that sums leave"
        " one or the other out",
        (
            CHAIN,
            Column("sale_id", TEXT, "Sale, or `vault_charges.sale_id`"),
            Column(
                "kind",
                TEXT,
                "primary, resale, auction, fractionalization or buyout; of a sale by what its payer"
                " told our Splitter, else by is_primary",
            ),
            Column("recipient", ADDRESS, "Who is owed or was paid; NULL: no event tells"),
            Column("currency", ADDRESS, "Token of the amounts"),
            Column("owed_wei", WEI, "Owed under the terms in force; NULL when unknown", "wei"),
            Column("owed_bps", INT, "Rate of the terms; NULL where amounts were read", "bps"),
            Column(
                "owed_source",
                TEXT,
                "Protocol and event of the terms, or erc2981 for an answer at the sale's block",
            ),
            Column("paid_wei", WEI, "Paid in the sale", "wei"),
            Column("gap_wei", WEI, "owed - paid; NULL when unknown", "wei"),
            Column("status", TEXT, "full, partial, zero, over or unknown"),
            Column(
                "look_through_of",
                ADDRESS,
                "Split contract whose row this one divides, NULL for the sale's own rows; what"
                " a split keeps (rounding, a distributor's reward) stands beside it under its name",
            ),
        ),
        ("chain_id", "sale_id", "look_through_of", "recipient", "currency"),
    ),
    *VAULT_LINKS,
    Table(
        "tokens",
        "link",
        "Tokens with owner and metadata: what the mint's event carries, and what was fetched",
        (
            CHAIN,
            *TOKEN,
            Column("token_standard", TEXT, "erc721 or erc1155"),
            Column("creator", ADDRESS, "Who minted with a lineage record, else first receiver"),
            Column("minted_at", TIME, "Time of the mint, UTC; NULL if not seen"),
            Column("owner", ADDRESS, "Present owner (ERC-721); NULL for ERC-1155"),
            Column("is_burned", BOOL, "The last movement was a burn"),
            Column("name", TEXT, "Name in the metadata; foreign text", is_fetched=True),
            Column("style", TEXT, "Style attribute of the metadata; foreign text", is_fetched=True),
            Column("manifest", HASH, "Lineage manifest; NULL without one"),
            Column("pixel_hash", HASH, "SHA-256 of the decoded pixels"),
            *METADATA,
        ),
        ("chain_id", "collection", "token_id"),
    ),
    Table(
        "token_traits",
        "link",
        "Traits of tokens, one row each, as their metadata tells them",
        (
            CHAIN,
            *TOKEN,
            Column("ordinal", INT, "Place among the token's traits, from 0", is_fetched=True),
            Column("trait", TEXT, "Name of the trait; foreign text; empty for a bare value"),
            Column("value", TEXT, "Value of the trait; foreign text"),
        ),
        ("chain_id", "collection", "token_id", "ordinal"),
    ),
    Table(
        "funding",
        "link",
        "First sender of native coin to each address",
        (
            CHAIN,
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
            CHAIN,
            Column("address", ADDRESS, "Address"),
            Column("label", TEXT, "cex, bridge, tornado_cash, marketplace, lending or artist"),
            Column("name", TEXT, "Name to show"),
            Column("source", TEXT, "Where the label comes from"),
        ),
        ("chain_id", "address", "label"),
    ),
    *LOAN_LINKS,
    *OWN_LINKS,
)
