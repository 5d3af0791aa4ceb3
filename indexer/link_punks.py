"""The SQL that gives accepted bids on CryptoPunks their price."""

ACCEPTED_BIDS = """
-- The contract accepts the bid in force, which is the last one entered. It is not known for sure
-- where that one was withdrawn or accepted before, is somebody else's than the buyer's, or ended
-- because its bidder got the punk otherwise: then a bid in between was not indexed.
SELECT a.chain_id, a.sale_id, b.amount_wei AS bid_wei
FROM (
    SELECT *, (block_number::HUGEINT << 64) + (log_index << 32) + item_index AS place
    FROM settled_sales WHERE protocol = 'cryptopunks' AND price_wei IS NULL
) a
ASOF JOIN (
    SELECT *, (block_number::HUGEINT << 64) + (log_index << 32) + item_index AS place
    FROM punk_bids
) b ON b.chain_id = a.chain_id AND b.collection = a.collection AND b.token_id = a.token_id
    AND a.place > b.place
WHERE b.event = 'entered' AND b.bidder = a.buyer AND NOT EXISTS (
    FROM transfers t
    WHERE t.chain_id = a.chain_id AND t.collection = a.collection AND t.token_id = a.token_id
      AND t.to_address = a.buyer
      AND (t.block_number::HUGEINT << 64) + (t.log_index << 32) + t.item_index
          BETWEEN b.place AND a.place - 1
)
"""
"""The bid behind each sale without a price: chain_id, sale_id, bid_wei."""

PRICED_SALES = f"""
-- The contract credits the seller with the whole bid: it keeps no fee.
SELECT s.* REPLACE (
    CASE WHEN bid_wei IS NULL THEN s.price_wei ELSE bid_wei END AS price_wei,
    CASE WHEN bid_wei IS NULL THEN s.proceeds_wei ELSE bid_wei END AS proceeds_wei,
    CASE WHEN bid_wei IS NULL THEN s.platform_fee_wei ELSE 0 END AS platform_fee_wei,
    CASE WHEN bid_wei IS NULL THEN s.royalty_wei ELSE 0 END AS royalty_wei,
    CASE WHEN bid_wei IS NULL THEN s.other_wei ELSE 0 END AS other_wei,
    CASE WHEN bid_wei IS NULL THEN s.residual_wei ELSE 0 END AS residual_wei,
    CASE WHEN bid_wei IS NULL THEN s.residual_reason END AS residual_reason
)
FROM completed s LEFT JOIN ({ACCEPTED_BIDS}) USING (chain_id, sale_id)
"""
"""The sales of `completed`, with the prices of accepted bids."""
