"""The columns of the tables that users bring, under our names and those of others."""

from dataclasses import dataclass
from typing import Literal

from data.schema import TABLES

Kind = Literal["text", "address", "int", "wei", "float", "time", "bool", "label"]


@dataclass(frozen=True)
class Field:
    """One column of an input: name, kind, other names it may come under, and whether it must."""

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Contract:
    """The columns of an input; `ignored` ones are known, may be there, and are not read."""

    name: str
    fields: tuple[Field, ...]
    ignored: frozenset[str] = frozenset()

    def describe(self) -> str:
        """Columns in words, for --help: required ones first, other names in parentheses."""

        def words(required: bool) -> str:
            return ", ".join(
                field.name + (f" ({' or '.join(field.aliases)})" if field.aliases else "")
                for field in self.fields
                if field.required == required
            )

        return f"CSV (.csv, .csv.gz) or Parquet with {words(True)}; optionally {words(False)}."

    @property
    def known(self) -> set[str]:
        """Every column name that may occur."""
        names = {name for field in self.fields for name in (field.name, *field.aliases)}
        return names | self.ignored


_DUNE = frozenset(  # columns of nft.trades that no rule reads
    (
        "project",
        "version",
        "block_date",
        "block_month",
        "log_index",
        "trade_type",
        "trade_category",
        "evt_type",
        "amount_usd",
        "amount_original",
        "amount_raw",
        "currency_symbol",
        "currency_contract",
        "project_contract_address",
        "aggregator_name",
        "aggregator_address",
        "tx_from",
        "tx_to",
        "platform_fee_eth",
        "royalty_fee_eth",
        "week",
    )
)
_CHAIN = Field("chain_id", "text", ("blockchain",))
_SALES_TABLE = frozenset(TABLES["sales"].column_names)

TRADES = Contract(
    "trades",
    (
        Field("trade_id", "text", ("sale_id", "unique_trade_id"), required=True),
        Field("collection", "address", ("nft_contract_address",), required=True),
        Field("token_id", "text", required=True),
        Field("token_standard", "address", required=True),
        Field("buyer", "address", required=True),
        Field("seller", "address", required=True),
        _CHAIN,
        Field("block_number", "int"),
        Field("tx_hash", "address"),
        Field("block_time", "time"),
    ),
    _DUNE | _SALES_TABLE | {"number_of_items", "price_eth"},
)
SALES = Contract(
    "sales",
    (
        Field("block_time", "time", ("day", "date"), required=True),
        Field("price_eth", "float", required=True),
        Field("collection", "address", ("nft_contract_address",)),
        Field("style", "text"),
        Field("quantity", "float", ("number_of_items",)),
        Field("is_wash", "bool", ("is_wash_trade",)),
        _CHAIN,
        Field("trade_id", "text", ("sale_id", "unique_trade_id")),
        Field("token_id", "text"),
        Field("token_standard", "address"),
        Field("buyer", "address"),
        Field("seller", "address"),
    ),
    _DUNE | _SALES_TABLE,
)
ROYALTY_SALES = Contract(
    "sales",
    (
        Field("sale_id", "text", ("trade_id", "unique_trade_id"), required=True),
        Field("block_time", "time", required=True),
        Field("marketplace", "text", ("project",), required=True),
        Field("currency", "address", ("currency_contract",), required=True),
        Field("price_wei", "wei", ("amount_raw",), required=True),
        Field("royalty_wei", "wei"),
        Field("trade_kind", "text"),
        _CHAIN,
    ),
    _DUNE | _SALES_TABLE,
)
LEDGER = Contract(
    "ledger",
    (
        Field("sale_id", "text", ("trade_id", "unique_trade_id"), required=True),
        Field("recipient", "address", required=True),
        Field("currency", "address", required=True),
        Field("owed_wei", "wei", required=True),
        Field("paid_wei", "wei", required=True),
        Field("status", "address", required=True),
        Field("look_through_of", "address", required=True),
        _CHAIN,
    ),
    frozenset(TABLES["royalty_ledger"].column_names),
)
FUNDING = Contract(
    "funding",
    (
        Field("address", "address", required=True),
        Field("first_funded_by", "address", required=True),
        _CHAIN,
        Field("block_number", "int"),
        Field("block_time", "time"),
    ),
    frozenset({"source", "tx_hash", "tx_index"}),
)
LABELS = Contract(
    "labels",
    (
        Field("address", "address", required=True),
        Field("label", "address", required=True),
        _CHAIN,
    ),
    frozenset({"name", "source"}),
)
FLASHLOANS = Contract(
    "flashloans",
    (
        Field("block_number", "int", required=True),
        Field("tx_hash", "address", required=True),
        _CHAIN,
    ),
    frozenset({"block_time", "block_date", "project", "version", "evt_index"}),
)
SERIES = Contract(
    "series",
    (
        Field("unique_id", "text", ("series_id",), required=True),
        Field("ds", "label", ("t",), required=True),
        Field("y", "float", required=True),
    ),
)
