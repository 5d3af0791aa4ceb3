"""ERC-20 transfers, read only in transactions whose protocols need them to tell who was paid.

They are not a protocol of the selection: no filter asks for them. They come with the receipts of
the transactions of protocols that need `receipt`, or lie in files. Source: EIP-20.
"""

from dataclasses import dataclass

import polars as pl

from indexer.abi import Decoded, Event, decode
from indexer.protocols.base import PAYMENTS, PLACE

NAME = "erc20"
TRANSFER = Event.parse(
    "Transfer(address indexed from, address indexed to, uint256 value)", wei=["value"]
)


@dataclass(frozen=True)
class Payments:
    """ERC-20 transfers: as PAYMENTS, as logs with `version`, and as they were decoded."""

    payments: pl.DataFrame
    logs: pl.DataFrame
    decoded: Decoded


def read_payments(logs: pl.DataFrame, transactions: pl.DataFrame) -> Payments | None:
    """ERC-20 transfers among logs; None without any.

    Args:
        logs: with `n_topics`, without the logs that protocols claim.
        transactions: block_hash and tx_hash of the transactions whose transfers are wanted.
    """
    is_transfer = (pl.col("topic0") == TRANSFER.topic0) & (pl.col("n_topics") == TRANSFER.n_topics)
    batch = (
        logs.filter(is_transfer)
        .join(transactions, on=["block_hash", "tx_hash"], how="semi", maintain_order="left")
        .drop("n_topics")
        .with_columns(pl.lit("eip-20").alias("version"))
    )
    if batch.is_empty():
        return None
    decoded = decode(TRANSFER, batch.drop("topic0"))
    payments = decoded.rows.select(
        *PLACE,
        pl.col("address").alias("currency"),
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        pl.col("value").alias("amount_wei"),
    )
    return Payments(payments.select(list(PAYMENTS)), batch, decoded)
