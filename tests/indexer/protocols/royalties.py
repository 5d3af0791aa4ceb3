"""Rows of royalty facts as tuples, for the tests of the protocols that make them."""

import polars as pl


def _of(tables, name, tx):
    if name not in tables:
        return pl.DataFrame()
    return tables[name].filter(pl.col("tx") == tx).sort("log_index", "item_index")


def events_of(tables, tx):
    """Terms that a transaction set: event, level, token_id, via, item_index, recipient, bps."""
    rows = _of(tables, "royalty_events", tx)
    columns = ("event", "level", "token_id", "via", "item_index", "recipient", "bps")
    return rows.select(columns).rows() if rows.width else []


def shares_of(tables, tx):
    """Shares that a transaction set: event, split, recipient, allocation, total, reward_ppm."""
    rows = _of(tables, "split_events", tx)
    columns = ("event", "split", "recipient", "allocation", "total_allocation", "reward_ppm")
    return rows.select(columns).rows() if rows.width else []


def given_of(tables, tx):
    """What splits gave on in a transaction: event, split, account, currency, amount."""
    rows = _of(tables, "split_payments", tx)
    if not rows.width:
        return []
    columns = ("event", "split", "account", "currency", "amount_wei")
    return [(*row, int(amount)) for *row, amount in rows.select(columns).rows()]


def reasons_of(tables, tx):
    """Why logs of a transaction were set aside, in order."""
    return _of(tables, "quarantine", tx)["reason"].to_list()
