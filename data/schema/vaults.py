"""Links about fraction vaults: their state, supply, items, holders and dividends."""

from data.schema.model import CHAIN, PROTOCOL, TOKEN, Column, Table
from data.types import ADDRESS, BOOL, FLOAT, HASH, INT, TEXT, TIME, UINT256, WEI

_VAULT = Column("vault", ADDRESS, "Vault, in most protocols its share token")

VAULT_LINKS = (
    Table(
        "vaults",
        "link",
        "Fraction vaults with their present state",
        (
            CHAIN,
            _VAULT,
            *PROTOCOL,
            *TOKEN,
            Column("curator", ADDRESS, "Who opened it"),
            Column("share_token", ADDRESS, "Contract of the shares"),
            Column("share_id", UINT256, "Token of ERC-1155 shares; NULL for ERC-20"),
            Column("supply", UINT256, "Shares at opening, decimal text; NULL if not seen"),
            Column("supply_now", UINT256, "Shares now, decimal text; NULL if not known"),
            Column("supply_reason", TEXT, "Why supply_now is NULL"),
            Column("items", INT, "Underlying tokens held now"),
            Column("royalty_wei", WEI, "Royalty paid at opening", "wei"),
            Column("opened_at", TIME, "Opening, UTC"),
            Column(
                "state", TEXT, "open, auction (a buyout is live), sold, redeemed or shut"
            ),
            Column("reserve_wei", WEI, "Reserve price; NULL if not known", "wei"),
            Column("reserve_reason", TEXT, "Why reserve_wei is NULL"),
            Column("buyout_wei", WEI, "Highest bid, or what the buyout paid", "wei"),
            Column("buyer", ADDRESS, "Highest bidder, or who bought it out"),
            Column("cashed_wei", WEI, "Paid out for shares since the buyout", "wei"),
            Column("uncashed_wei", WEI, "Of a buyout, not paid out yet", "wei"),
            Column("share_price", FLOAT, "Last price of one smallest unit of a share", "wei"),
            Column(
                "implied_currency", ADDRESS, "Currency of the implied value; zero is the native coin"
            ),
            Column("implied_wei", WEI, "Implied value of the whole vault", "implied_currency"),
            Column("implied_basis", TEXT, "buyout, highest bid, reserve price or last share trade"),
            Column("confidence", TEXT, "decoded: a known factory opened it; else assumed"),
        ),
        ("chain_id", "vault"),
    ),
    Table(
        "vault_supply",
        "link",
        "Shares of each vault after every mint and burn",
        (
            CHAIN,
            _VAULT,
            Column("block_number", INT, "Block of the change"),
            Column("log_index", INT, "Log of the change"),
            Column("item_index", INT, "Place within the log"),
            Column("block_time", TIME, "Time of the change, UTC"),
            Column("change_shares", WEI, "Shares minted, less shares burned", "share units"),
            Column("supply_shares", WEI, "Shares after it", "share units"),
        ),
        ("chain_id", "vault", "block_number", "log_index", "item_index"),
    ),
    Table(
        "vault_items",
        "link",
        "Tokens that vaults hold now",
        (
            CHAIN,
            _VAULT,
            *TOKEN,
            Column("quantity", UINT256, "Units held, decimal text"),
            Column("is_there", BOOL, "The last transfer seen went to the vault; NULL if none was"),
        ),
        ("chain_id", "vault", "collection", "token_id"),
    ),
    Table(
        "vault_holders",
        "link",
        "Holders of shares now, of vaults whose share transfers are all seen",
        (
            CHAIN,
            _VAULT,
            Column("holder", ADDRESS, "Who holds shares"),
            Column("shares", WEI, "Shares held", "share units"),
            Column("fraction", FLOAT, "Part of the supply, from 0 to 1"),
        ),
        ("chain_id", "vault", "holder"),
    ),
    Table(
        "dividends",
        "link",
        "Dividends of vaults, per holder where shares at that moment are known",
        (
            CHAIN,
            Column("block_number", INT, "Block of the dividend"),
            Column("block_hash", HASH, "Hash of that block"),
            Column("log_index", INT, "Log of the dividend"),
            Column("item_index", INT, "Place within the log"),
            Column("block_time", TIME, "Time of the dividend, UTC"),
            _VAULT,
            Column("reference_id", UINT256, "Number of the distribution, or of the vault"),
            Column("currency", ADDRESS, "Token paid; the zero address is the native coin"),
            Column("amount_wei", WEI, "Whole dividend", "smallest unit of currency"),
            Column("holder", ADDRESS, "Owner of shares then; empty text if not known"),
            Column("holder_shares", WEI, "Shares of the holder then", "share units"),
            Column("supply_shares", WEI, "All shares then", "share units"),
            Column("fraction", FLOAT, "Part of the dividend that is the holder's, from 0 to 1"),
            Column("reason", TEXT, "Why the holders are not known"),
        ),
        ("chain_id", "block_number", "block_hash", "log_index", "item_index", "holder"),
    ),
)
