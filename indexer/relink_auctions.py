"""Which sales bear on auctions and listings that were created in other transactions.

A sale whose own transaction does not name its token (an open one) cannot be found by its token.
It is found by its place, or by the token that the creation names.
"""

from data.store import Transaction
from indexer.link_auctions import COMPLETIONS, CREATIONS

_ITEM = "chain_id, collection, token_id"
OPEN_SALES = "SELECT s.* FROM settled_sales s SEMI JOIN touched_open USING (chain_id, sale_id)"
"""The facts of open sales that were touched."""

_OPEN = f"""
SELECT s.chain_id, s.sale_id, s.block_number, s.block_time,
    coalesce(s.collection, c.collection) AS collection, coalesce(s.token_id, c.token_id) AS token_id
FROM settled_sales s LEFT JOIN ({COMPLETIONS}) c USING (chain_id, block_hash, log_index)
WHERE s.collection IS NULL OR s.token_id IS NULL
"""


def touch_auctions(
    transaction: Transaction, bounds: dict[str, int], within: str, repriced: str
) -> None:
    """Adds to `touched_tokens` what auctions bear on; remembers open sales in `touched_open`.

    Args:
        transaction: where table touched_tokens is.
        bounds: parameters of the conditions.
        within: condition on the rows of facts that came or go.
        repriced: condition on the sales that have another price since.
    """
    transaction.execute(f"CREATE OR REPLACE TEMP TABLE open_sales AS {_OPEN}")
    created = f"SELECT DISTINCT chain_id, contract, auction_id FROM auctions WHERE {within}"
    # Both ends of an auction: a creation may come after the sale, or be taken away.
    transaction.execute(
        f"INSERT INTO touched_tokens SELECT DISTINCT {_ITEM} FROM ("
        f" SELECT {_ITEM} FROM open_sales WHERE ({within}) OR ({repriced})"
        f" UNION ALL SELECT {_ITEM} FROM ({CREATIONS}) SEMI JOIN ({created})"
        " USING (chain_id, contract, auction_id)"
        " UNION ALL SELECT s.chain_id, s.collection, s.token_id FROM settled_sales s"
        f" SEMI JOIN (SELECT a.chain_id, a.block_hash, a.log_index FROM auctions a"
        f" SEMI JOIN ({created}) USING (chain_id, contract, auction_id)"
        " WHERE a.event = 'settled') USING (chain_id, block_hash, log_index)"
        f") ANTI JOIN touched_tokens USING ({_ITEM})"
        " WHERE collection IS NOT NULL AND token_id IS NOT NULL",
        bounds,
    )
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE touched_open AS SELECT DISTINCT o.chain_id, o.sale_id"
        f" FROM open_sales o LEFT JOIN touched_tokens t USING ({_ITEM})"
        f" WHERE t.token_id IS NOT NULL OR ({within}) OR ({repriced})",
        bounds,
    )
