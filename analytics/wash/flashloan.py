"""Rule 5, `flashloan`: the trade's transaction also took a flash loan."""

import polars as pl


def flag_flashloans(trades: pl.DataFrame, flashloans: pl.DataFrame) -> pl.Series:
    """True where the trade's (block_number, tx_hash) is among the flash loans of its chain.

    Both frames need block_number and tx_hash; with a chain_id in `flashloans` it must agree too.
    Source: Dune spellbook, `nft.wash_trades`, filter 5.
    """
    keys = [key for key in ("chain_id", "block_number", "tx_hash") if key in flashloans.columns]
    found = flashloans.select(keys).unique().with_columns(flashloan=True)
    return (
        trades.lazy()
        .select("chain_id", "block_number", "tx_hash")
        .join(found.lazy(), on=keys, how="left", maintain_order="left")
        .select(pl.col("flashloan").fill_null(value=False))
        .collect()
        .to_series()
    )
