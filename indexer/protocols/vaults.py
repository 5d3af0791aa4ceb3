"""What all vault protocols share: rows of `vault_events`, and the shares that moved with them.

A vault's own events seldom say how many shares were minted or burned. The receipts of their
transactions do: they hold the ERC-20 transfers of the share token.
"""

from collections.abc import Sequence

import polars as pl

from data.schema import table
from data.types import WEI
from data.units import NATIVE
from indexer.protocols.base import PLACE

NOBODY = "0x" + "0" * 40
_MOST = 1e38
_TX = ("block_hash", "tx_hash")


def vault_rows(
    frame: pl.DataFrame, protocol: str, event: str, **columns: pl.Expr | str
) -> pl.DataFrame:
    """Rows of `vault_events` of one kind.

    Args:
        frame: decoded logs with PLACE, `address` and `version`.
        protocol: name of the protocol.
        event: what they are, as in table `vault_events`.
        columns: the other columns, as expressions or column names; the vault is the emitter, and
            item_index 0, unless they say otherwise. An amount's source is the event, and its
            currency the native coin, likewise.
    """
    given = {
        name: pl.col(value) if isinstance(value, str) else value for name, value in columns.items()
    }
    defaults = {
        "item_index": pl.lit(0, pl.Int64),
        "vault": pl.col("address"),
        "emitter": pl.col("address"),
    }
    if "amount_wei" in given:
        is_paid = given["amount_wei"].is_not_null()
        defaults["currency"] = pl.when(is_paid).then(pl.lit(NATIVE))
        defaults["amount_source"] = pl.when(is_paid).then(pl.lit("event"))
    return frame.select(
        *PLACE,
        "version",
        pl.lit(protocol).alias("protocol"),
        pl.lit(event).alias("event"),
        *(value.alias(name) for name, value in (defaults | given).items()),
    )


def together(rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of several kinds in the order of the chain."""
    whole = pl.concat([table("vault_events").empty(), *rows], how="diagonal_relaxed")
    columns = [name for name in table("vault_events").column_names if name in whole.columns]
    return whole.select(columns).sort("block_number", "log_index", "item_index")


def share_transfers(rows: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """Rows of `share_transfers`: ERC-20 transfers of vaults, in transactions with their events.

    Args:
        rows: `vault_events`.
        payments: `Around.payments`.
    """
    vaults = rows.select(*_TX, pl.col("vault").alias("currency")).unique()
    return payments.join(vaults, on=[*_TX, "currency"], how="semi", maintain_order="left").select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.col("currency").alias("vault"),
        "from_address",
        "to_address",
        pl.col("amount_wei").alias("shares"),
    )


def with_moved(rows: pl.DataFrame, payments: pl.DataFrame, *, mints: bool) -> pl.DataFrame:
    """The rows with what was minted, or burned, of their vault's ERC-20 shares before them.

    A mint or burn belongs to the next event of the same vault in its transaction: vaults move
    shares and speak then.

    Args:
        rows: `vault_events`, or the like with HEAD and `vault`; one row per log.
        payments: `Around.payments`.
        mints: whether to look for mints; else for burns.

    Returns:
        The rows with `moved_shares` (the sum) and `moved_account` (whose, the last one); NULL
        where none was seen.
    """
    nobody, somebody = ("from_address", "to_address") if mints else ("to_address", "from_address")
    heads = rows.select(*_TX, "vault", "log_index").unique()
    moved = (
        payments.filter(pl.col(nobody) == NOBODY)
        .select(
            *_TX,
            "log_index",
            pl.col("currency").alias("vault"),
            pl.col(somebody).alias("account"),
            "amount_wei",
        )
        .sort("log_index")
        .join_asof(
            heads.with_columns(pl.col("log_index").alias("head_index")).sort("log_index"),
            on="log_index",
            by=[*_TX, "vault"],
            strategy="forward",
            check_sortedness=False,  # polars cannot check it within groups; both are sorted above
        )
        .filter(pl.col("head_index").is_not_null())
        .group_by(*_TX, "vault", pl.col("head_index").alias("log_index"), maintain_order=True)
        .agg(
            # A sum beyond all numbers would begin anew from below.
            pl.when(pl.col("amount_wei").cast(pl.Float64).sum() < _MOST)
            .then(pl.col("amount_wei").cast(pl.Int128).sum())
            .cast(pl.String)
            .alias("moved_shares"),
            pl.col("account").last().alias("moved_account"),
        )
    )
    return rows.join(moved, on=[*_TX, "vault", "log_index"], how="left", maintain_order="left")


def with_payment(
    frame: pl.DataFrame,
    payments: pl.DataFrame,
    amount: str,
    *,
    sender: pl.Expr | None = None,
    receiver: pl.Expr | None = None,
) -> pl.DataFrame:
    """The logs with the last ERC-20 transfer before them, of just the amount that they name.

    Args:
        frame: decoded logs; one row per log.
        payments: `Around.payments`.
        amount: column of the amount, decimal text or a decimal.
        sender: who must have paid; anybody without.
        receiver: who must have got it; anybody without.

    Returns:
        The logs with `paid_token` and `paid_to`; NULL where no such transfer was seen.
    """
    conditions = [
        pl.col(column) == side
        for column, side in (("from_address", sender), ("to_address", receiver))
        if side is not None
    ]
    found = (
        frame.with_columns(pl.col(amount).cast(WEI.polars, strict=False).alias("amount_wei"))
        .join(
            payments.select(
                *_TX,
                pl.col("log_index").alias("moved_at"),
                "amount_wei",
                "currency",
                "from_address",
                "to_address",
            ),
            on=[*_TX, "amount_wei"],
        )
        .filter(pl.col("moved_at") < pl.col("log_index"), *conditions)
        .sort("moved_at")
        .unique(["block_hash", "log_index"], keep="last", maintain_order=True)
        .select(
            "block_hash",
            "log_index",
            pl.col("currency").alias("paid_token"),
            pl.col("to_address").alias("paid_to"),
        )
    )
    return frame.join(found, on=["block_hash", "log_index"], how="left", maintain_order="left")


def share_trades(rows: pl.DataFrame, payments: pl.DataFrame, protocol: str) -> pl.DataFrame:
    """Rows `share_trade`: shares sold for another token, in transactions with vault events.

    Who gives shares of a vault and gets one other token in the same transaction, or the other way
    round, in one move each, trades: a pool, or who trades with it (their rows are one). Mints and
    burns are no trades, and liquidity moves both tokens the same way. Who moves several tokens, or
    one several times, tells no price.

    Args:
        rows: `vault_events`; a trade stands beside the first of its vault in the transaction.
        payments: `Around.payments`.
        protocol: name of the protocol.
    """
    firsts = (
        rows.filter(pl.col("vault").is_not_null())
        .sort("log_index", "item_index")
        .unique([*_TX, "vault"], keep="first", maintain_order=True)
    )
    trades = _trades(firsts, payments)
    last = rows.group_by("block_hash", "log_index").agg(pl.col("item_index").max().alias("last"))
    return (
        firsts.select(*PLACE, "version", "emitter", "vault")
        .join(trades, on=[*_TX, "vault"])
        .join(last, on=["block_hash", "log_index"])
        .sort("block_number", "log_index", "vault", "paid_in", "paid", "traded")
        .select(
            *PLACE,
            "version",
            pl.lit(protocol).alias("protocol"),
            pl.lit("share_trade").alias("event"),
            (pl.col("last") + 1 + pl.int_range(pl.len()).over("block_hash", "log_index")).alias(
                "item_index"
            ),
            "vault",
            "emitter",
            pl.col("traded").cast(pl.String).alias("shares"),
            pl.col("paid_in").alias("currency"),
            pl.col("paid").cast(WEI.polars).alias("amount_wei"),
            pl.lit("transfer_log").alias("amount_source"),
        )
    )


def _trades(vaults: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """_TX, vault, traded, paid_in, paid: shares of the vaults traded for another token."""
    of_vault = vaults.select(*_TX, pl.col("vault").alias("currency"))
    is_share = payments.join(of_vault, on=[*_TX, "currency"], how="semi", maintain_order="left")
    is_money = payments.join(of_vault, on=[*_TX, "currency"], how="anti", maintain_order="left")
    on_market = (pl.col("from_address") != NOBODY) & (pl.col("to_address") != NOBODY)
    shares = _flows(is_share.filter(on_market)).rename({"currency": "vault", "net": "traded"})
    money = _flows(is_money).rename({"currency": "paid_in", "net": "paid"})
    both = shares.join(money, on=[*_TX, "trader"]).filter(
        pl.col("moves") == 1,
        pl.col("moves_right") == 1,
        pl.len().over(*_TX, "trader") == 1,
        (pl.col("traded") > 0) == (pl.col("paid") < 0),
        pl.col("paid") != 0,
    )
    return both.select(
        *_TX, "vault", pl.col("traded").abs(), "paid_in", pl.col("paid").abs()
    ).unique()


def _flows(payments: pl.DataFrame) -> pl.DataFrame:
    """Net flow of each token by address: _TX, trader, currency, net, moves."""
    amount = pl.col("amount_wei").cast(pl.Int128)
    sides = [
        payments.select(
            *_TX, pl.col(side).alias("trader"), "currency", (amount * sign).alias("net")
        )
        for side, sign in (("from_address", -1), ("to_address", 1))
    ]
    return (
        pl.concat(sides)
        .filter(pl.col("net") != 0)
        .group_by(*_TX, "trader", "currency")
        .agg(pl.col("net").sum(), pl.len().alias("moves"))
    )
