"""What a sale takes from the creation of its auction or listing, in another transaction."""

CREATIONS = """
SELECT chain_id, contract, auction_id,
    -- Several logs may tell of one creation; of each column the last that says something.
    arg_max(collection, (block_number::HUGEINT << 64) + log_index) AS collection,
    arg_max(token_id, (block_number::HUGEINT << 64) + log_index) AS token_id,
    arg_max(seller, (block_number::HUGEINT << 64) + log_index) AS seller
FROM auctions WHERE event = 'created' GROUP BY ALL
"""

COMPLETIONS = f"""
SELECT a.chain_id, a.block_hash, a.log_index, c.collection, c.token_id, c.seller
FROM auctions a JOIN ({CREATIONS}) c USING (chain_id, contract, auction_id)
WHERE a.event = 'settled'
"""
"""By the log of a sale: what was sold, and by whom, as the creation tells."""

IS_WHOLE = "collection IS NOT NULL AND token_id IS NOT NULL AND seller IS NOT NULL"

COMPLETED_SALES = f"""
SELECT * FROM settled_sales WHERE {IS_WHOLE}
UNION ALL BY NAME
SELECT s.* REPLACE (
    coalesce(s.collection, c.collection) AS collection,
    coalesce(s.token_id, c.token_id) AS token_id,
    coalesce(s.seller, c.seller) AS seller,
    coalesce(s.maker, c.seller) AS maker
)
FROM settled_sales s LEFT JOIN ({COMPLETIONS}) c USING (chain_id, block_hash, log_index)
WHERE NOT (s.collection IS NOT NULL AND s.token_id IS NOT NULL AND s.seller IS NOT NULL)
"""
"""Sales with what their own transaction does not say."""
