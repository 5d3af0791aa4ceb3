"""The SQL of the links about fraction vaults: supply, items, holders, state and dividends.

An event counts where the vault itself speaks, or the contract that opened it is known by address.
Vaults that no known factory opened are kept apart by their `confidence`.
"""

_ZERO = "'0x0000000000000000000000000000000000000000'"
_PLACE = "(block_number::HUGEINT << 64) + (log_index << 32) + item_index"

# More wei than there will ever be: a sum of what hostile contracts say must not overflow.
_PLAUSIBLE_WEI = "1e30"
_MOST_SHARES = "9e37"

_OPENED = f"""
opened AS (
    SELECT *,
        CASE WHEN protocol || ' ' || version IN ('party 1', 'fractional 2', 'tessera 1')
            THEN 'assumed' ELSE 'decoded' END AS confidence
    FROM vault_events
    WHERE event = 'opened' AND vault IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, vault ORDER BY confidence DESC, {_PLACE}, block_hash
    ) = 1
)
"""

# Where a share has a contract of its own, its trades name the share and not the vault.
_HEARD = """
heard AS (
    SELECT e.* REPLACE (o.vault AS vault),
        (e.block_number::HUGEINT << 64) + (e.log_index << 32) + e.item_index AS place,
        o.protocol || ' ' || o.version AS kind,
        o.collection AS of_collection
    FROM vault_events e
    JOIN opened o ON o.chain_id = e.chain_id AND o.protocol = e.protocol AND (
        o.vault = e.vault
        OR (e.vault IS NULL AND o.share_token = e.share_token AND o.share_id = e.share_id)
        OR (e.vault IS NULL AND e.emitter = o.emitter AND o.protocol = 'party')
    )
    WHERE e.emitter = e.vault OR e.emitter = o.emitter OR o.confidence = 'assumed'
        OR e.event = 'dividend'
)
"""

VAULT_SUPPLY = f"""
WITH {_OPENED}, {_HEARD},
changes AS (
    SELECT chain_id, vault, block_number, log_index, item_index, block_time,
        CASE WHEN from_address = {_ZERO} THEN shares ELSE -shares END AS change_shares
    FROM share_transfers s SEMI JOIN opened o
        ON o.chain_id = s.chain_id AND o.vault = s.vault AND o.share_token IS NULL
    WHERE (from_address = {_ZERO}) <> (to_address = {_ZERO})
    UNION ALL
    SELECT t.chain_id, o.vault, t.block_number, t.log_index, t.item_index, t.block_time,
        CASE t.kind WHEN 'mint' THEN 1 ELSE -1 END * TRY_CAST(t.quantity AS DECIMAL(38, 0))
    FROM transfers t JOIN opened o ON o.chain_id = t.chain_id
        AND o.share_token = t.collection AND o.share_id = t.token_id
    WHERE t.kind IN ('mint', 'burn')
    UNION ALL
    SELECT chain_id, vault, block_number, log_index, item_index, block_time,
        TRY_CAST(shares AS DECIMAL(38, 0))
    FROM heard WHERE event = 'activated' AND shares <> '0'
),
summable AS (
    SELECT * FROM changes
    QUALIFY sum(abs(coalesce(change_shares::DOUBLE, 1e38))) OVER (
        PARTITION BY chain_id, vault) < {_MOST_SHARES}
)
SELECT *,
    sum(change_shares) OVER (
        PARTITION BY chain_id, vault ORDER BY block_number, log_index, item_index
        ROWS UNBOUNDED PRECEDING
    )::DECIMAL(38, 0) AS supply_shares
FROM summable
ORDER BY ALL
"""

VAULT_ITEMS = f"""
WITH {_OPENED}, {_HEARD},
ended AS (
    -- A single work leaves with its vault; the event does not name it again.
    SELECT DISTINCT chain_id, vault FROM heard
    WHERE event IN ('won', 'redeemed') AND kind IN ('fractional 1', 'raisonne 1')
        OR event = 'shutdown'
),
moved AS (
    SELECT chain_id, vault, coalesce(collection, of_collection) AS collection, token_id,
        TRY_CAST(quantity AS DECIMAL(38, 0))
            * CASE WHEN event IN ('opened', 'deposit', 'swap_in') THEN 1 ELSE -1 END AS units
    FROM heard
    WHERE event IN ('opened', 'deposit', 'swap_in', 'withdraw', 'swap_out')
        AND token_id IS NOT NULL AND quantity IS NOT NULL
),
held AS (
    SELECT chain_id, vault, collection, token_id, sum(units)::DECIMAL(38, 0) AS units
    FROM moved ANTI JOIN ended USING (chain_id, vault)
    WHERE abs(units::DOUBLE) < {_PLAUSIBLE_WEI} AND collection IS NOT NULL
    GROUP BY ALL HAVING sum(units) > 0
),
vault_tokens AS (
    SELECT DISTINCT chain_id, collection, token_id FROM held
    UNION
    SELECT DISTINCT t.chain_id, t.collection, t.token_id FROM transfers t
    JOIN opened o ON o.chain_id = t.chain_id AND o.vault = t.to_address
    WHERE o.share_token IS NOT NULL AND t.token_standard = 'erc721'
),
latest AS (
    SELECT chain_id, collection, token_id, to_address
    FROM transfers SEMI JOIN vault_tokens USING (chain_id, collection, token_id)
    WHERE token_standard = 'erc721'
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, collection, token_id ORDER BY {_PLACE} DESC) = 1
)
SELECT h.chain_id, h.vault, h.collection, h.token_id, h.units::VARCHAR AS quantity,
    l.to_address = h.vault AS is_there
FROM held h LEFT JOIN latest l USING (chain_id, collection, token_id)
UNION ALL
-- Vaults with shares of their own contract take works in without a word.
SELECT l.chain_id, o.vault, l.collection, l.token_id, '1', true
FROM latest l JOIN opened o ON o.chain_id = l.chain_id AND o.vault = l.to_address
WHERE o.share_token IS NOT NULL
    AND (l.chain_id, o.vault, l.collection, l.token_id)
        NOT IN (SELECT (chain_id, vault, collection, token_id) FROM held)
ORDER BY ALL
"""

# ERC-20 shares also move in transactions that are not read, so their holders are not known, except
# where the vault tells each move by an event of its own.
VAULT_HOLDERS = f"""
WITH {_OPENED}, {_HEARD},
told AS (
    SELECT * FROM share_transfers
    WHERE source = 'own' OR source = 'event' AND (chain_id, vault) IN (
        SELECT (chain_id, vault) FROM opened WHERE protocol = 'raisonne')
),
moves AS (
    SELECT o.chain_id, o.vault, t.from_address, t.to_address,
        TRY_CAST(t.quantity AS DECIMAL(38, 0)) AS units
    FROM transfers t JOIN opened o ON o.chain_id = t.chain_id
        AND o.share_token = t.collection AND o.share_id = t.token_id
),
balances AS (
    SELECT chain_id, vault, holder, sum(units)::DECIMAL(38, 0) AS shares
    FROM (
        SELECT chain_id, vault, from_address AS holder, -units AS units FROM moves
        UNION ALL SELECT chain_id, vault, to_address, units FROM moves
    )
    SEMI JOIN vault_supply USING (chain_id, vault)
    WHERE holder <> {_ZERO} AND units::DOUBLE BETWEEN -{_PLAUSIBLE_WEI} AND {_PLAUSIBLE_WEI}
    GROUP BY ALL
    UNION ALL
    SELECT chain_id, vault, holder, sum(units)::DECIMAL(38, 0)
    FROM (
        SELECT chain_id, vault, from_address AS holder, -shares AS units FROM told
        UNION ALL SELECT chain_id, vault, to_address, shares FROM told
    )
    WHERE holder <> {_ZERO}
    GROUP BY ALL
    UNION ALL
    SELECT c.chain_id, c.vault, t.to_address, sum(TRY_CAST(c.shares AS DECIMAL(38, 0)))
    FROM heard c
    JOIN (
        SELECT * FROM transfers SEMI JOIN heard USING (chain_id, collection, token_id)
        QUALIFY row_number() OVER (
            PARTITION BY chain_id, collection, token_id ORDER BY {_PLACE} DESC) = 1
    ) t ON t.chain_id = c.chain_id AND t.collection = c.collection AND t.token_id = c.token_id
    SEMI JOIN vault_supply s ON s.chain_id = c.chain_id AND s.vault = c.vault
    WHERE c.event = 'activated' AND c.shares <> '0' AND t.kind <> 'burn'
    GROUP BY ALL
),
totals AS (
    SELECT chain_id, vault, max_by(supply_shares, (block_number, log_index, item_index)) AS supply
    FROM vault_supply GROUP BY ALL
    UNION ALL
    -- The studio's shares, which are no vault's and are never burned.
    SELECT chain_id, vault, sum(shares)::DECIMAL(38, 0) FROM share_transfers
    WHERE source = 'own' AND from_address = {_ZERO} GROUP BY ALL
),
complete AS (
    SELECT chain_id, vault, supply FROM balances JOIN totals USING (chain_id, vault)
    GROUP BY ALL HAVING min(shares) >= 0 AND sum(shares) = supply
)
SELECT chain_id, vault, holder, shares, shares::DOUBLE / supply::DOUBLE AS fraction
FROM balances JOIN complete USING (chain_id, vault)
WHERE shares > 0
ORDER BY ALL
"""

VAULTS = f"""
WITH {_OPENED}, {_HEARD},
unseen AS (
    -- Events that mint or burn, in transactions whose mints and burns were not read.
    SELECT DISTINCT h.chain_id, h.vault FROM heard h
    JOIN opened o ON o.chain_id = h.chain_id AND o.vault = h.vault AND o.share_token IS NULL
    ANTI JOIN share_transfers s ON s.chain_id = h.chain_id AND s.block_hash = h.block_hash
        AND s.tx_hash = h.tx_hash AND s.vault = h.vault
        AND {_ZERO} IN (s.from_address, s.to_address)
    WHERE h.event IN ('issued', 'deposit', 'withdraw', 'redeemed', 'cash', 'fee_mint')
            AND h.kind NOT LIKE 'party%' AND h.kind NOT LIKE 'unicly%'
        OR h.event = 'issued'
        OR h.event = 'opened' AND h.kind IN ('fractional 1', 'raisonne 1')
),
totals AS (
    SELECT chain_id, vault, max_by(supply_shares, (block_number, log_index, item_index)) AS supply
    FROM vault_supply GROUP BY ALL
),
buyouts AS (
    SELECT *,
        max(place) FILTER (event = 'failed') OVER (PARTITION BY chain_id, vault) AS last_failed
    FROM heard
    WHERE event IN ('started', 'bid', 'won', 'failed', 'redeemed', 'shutdown')
        AND NOT (kind LIKE 'unicly%' AND event <> 'won')
),
stands AS (
    SELECT chain_id, vault, max_by(event, place) AS last_event,
        max_by(amount_wei, place) FILTER (amount_wei IS NOT NULL AND event <> 'failed')
            AS buyout_wei,
        max_by(royalty_wei, place) FILTER (event = 'won') AS buyout_royalty_wei,
        max_by(end_time, place) FILTER (end_time IS NOT NULL) AS ends_at,
        max_by(account, place) FILTER (event IN ('started', 'bid', 'won')) AS buyer
    FROM buyouts WHERE place >= coalesce(last_failed, 0) GROUP BY ALL
),
sums AS (
    SELECT chain_id, vault,
        sum(amount_wei) FILTER (
            event = 'cash' AND amount_wei::DOUBLE < {_PLAUSIBLE_WEI})::DECIMAL(38, 0) AS cashed_wei,
        count(*) FILTER (event = 'price_update') AS votes
    FROM heard GROUP BY ALL
),
trades AS (
    -- What a token of unknown worth paid for shares says nothing about them.
    SELECT chain_id, vault, currency,
        amount_wei::DOUBLE / shares::DOUBLE AS share_price
    FROM heard SEMI JOIN known_currencies USING (chain_id, currency)
    WHERE event = 'share_trade' AND amount_wei IS NOT NULL AND shares::DOUBLE > 0
    QUALIFY row_number() OVER (PARTITION BY chain_id, vault ORDER BY place DESC) = 1
),
paid AS (
    -- What pooled money bought the work for.
    SELECT chain_id, vault, max_by(amount_wei, place) AS price_wei FROM heard
    WHERE event IN ('opened', 'deposit') AND kind IN ('party 1', 'tessera 1')
        AND amount_wei IS NOT NULL
    GROUP BY ALL
),
held AS (
    SELECT chain_id, vault,
        sum(quantity::DECIMAL(38, 0)) FILTER (is_there IS NOT false)::BIGINT AS items
    FROM vault_items WHERE quantity::DOUBLE < 1e15 GROUP BY ALL
),
dust AS (
    -- What redemptions of our vaults rounded down, paid out with the last of them.
    SELECT chain_id, contract AS vault, sum(amount_wei)::DECIMAL(38, 0) AS dust_wei
    FROM payouts WHERE protocol = 'raisonne' AND recipient_class = 'treasury'
        AND (chain_id, contract) IN (
            SELECT (chain_id, vault) FROM opened WHERE protocol = 'raisonne')
    GROUP BY ALL
),
known AS (
    SELECT o.* EXCLUDE (royalty_wei, end_time), s.buyout_wei AS bid_wei, s.buyer,
        s.buyout_royalty_wei, s.ends_at, r.reserve_wei AS voted_wei, r.locked_shares,
        f.dust_wei, n.cashed_wei, n.votes, t.share_price,
        t.currency AS traded_in, p.price_wei, coalesce(h.items, 0) AS items,
        CASE WHEN u.vault IS NULL AND l.supply >= 0 THEN l.supply END AS now_shares,
        CASE
            WHEN u.vault IS NOT NULL THEN 'a mint or burn of shares was not seen'
            WHEN l.supply IS NULL THEN 'no shares were seen'
            WHEN l.supply < 0 THEN 'more shares were burned than seen minted'
        END AS supply_reason,
        CASE s.last_event
            WHEN 'started' THEN 'auction' WHEN 'bid' THEN 'auction' WHEN 'won' THEN 'sold'
            WHEN 'redeemed' THEN 'redeemed' WHEN 'shutdown' THEN 'shut' ELSE 'open'
        END AS state
    FROM opened o
    LEFT JOIN unseen u USING (chain_id, vault)
    LEFT JOIN totals l USING (chain_id, vault)
    LEFT JOIN stands s USING (chain_id, vault)
    LEFT JOIN sums n USING (chain_id, vault)
    LEFT JOIN trades t USING (chain_id, vault)
    LEFT JOIN paid p USING (chain_id, vault)
    LEFT JOIN held h USING (chain_id, vault)
    LEFT JOIN vault_reserves r USING (chain_id, vault)
    LEFT JOIN dust f USING (chain_id, vault)
),
priced AS (
    SELECT *,
        CASE WHEN state IN ('auction', 'sold') THEN bid_wei END AS buyout_wei,
        CASE WHEN protocol = 'fractional' AND version = '1' AND votes = 0 AND state = 'open'
            AND amount_wei > 0 THEN amount_wei
            WHEN protocol = 'raisonne' THEN voted_wei END AS reserve_wei,
        now_shares::DOUBLE * share_price AS traded_value
    FROM known
)
SELECT chain_id, vault, protocol, version, collection, token_id, account AS curator,
    coalesce(share_token, CASE WHEN protocol <> 'party' THEN vault END) AS share_token, share_id,
    shares AS supply, now_shares::VARCHAR AS supply_now, supply_reason, items,
    CASE WHEN protocol = 'raisonne' THEN amount_wei END AS royalty_wei, block_time AS opened_at,
    state, reserve_wei, CASE WHEN protocol = 'raisonne' THEN locked_shares END AS locked_shares,
    CASE
        WHEN reserve_wei IS NOT NULL THEN NULL
        WHEN protocol = 'raisonne' THEN 'no share is locked behind a vote'
        WHEN protocol <> 'fractional' OR version <> '1' THEN 'the protocol has no reserve price'
        WHEN state <> 'open' THEN 'the vault is not open'
        WHEN votes > 0 THEN 'holders voted for prices, and votes weigh by balance'
        ELSE 'it was opened without a price'
    END AS reserve_reason,
    buyout_wei, CASE WHEN state IN ('auction', 'sold') THEN buyer END AS buyer,
    CASE WHEN state = 'auction' THEN ends_at END AS ends_at, cashed_wei,
    -- Of these protocols alone the vault holds just what the buyer paid.
    CASE WHEN state = 'sold' AND protocol = 'fractional' AND version = '1'
            OR state = 'sold' AND protocol = 'raisonne'
        THEN buyout_wei - coalesce(buyout_royalty_wei, 0) - coalesce(cashed_wei, 0)
            - coalesce(dust_wei, 0) END AS uncashed_wei,
    share_price,
    CASE
        WHEN coalesce(buyout_wei, reserve_wei) IS NOT NULL THEN {_ZERO}
        WHEN traded_value < {_MOST_SHARES} THEN traded_in
        WHEN price_wei IS NOT NULL THEN {_ZERO}
    END AS implied_currency,
    CASE
        WHEN coalesce(buyout_wei, reserve_wei) IS NOT NULL THEN coalesce(buyout_wei, reserve_wei)
        WHEN traded_value < {_MOST_SHARES} THEN TRY_CAST(round(traded_value) AS DECIMAL(38, 0))
        ELSE price_wei
    END AS implied_wei,
    CASE
        WHEN buyout_wei IS NOT NULL THEN CASE state WHEN 'sold' THEN 'buyout' ELSE 'highest bid' END
        WHEN reserve_wei IS NOT NULL THEN 'reserve price'
        WHEN traded_value < {_MOST_SHARES} THEN 'last share trade'
        WHEN price_wei IS NOT NULL THEN 'purchase price'
    END AS implied_basis,
    confidence
FROM priced
ORDER BY ALL
"""

DIVIDENDS = f"""
WITH {_OPENED}, {_HEARD},
paid AS (SELECT * FROM heard WHERE event = 'dividend' AND amount_wei IS NOT NULL),
cards AS (
    -- Who owned each card of a party when a dividend was set aside.
    SELECT d.chain_id, d.block_hash, d.log_index, d.item_index, t.to_address AS holder,
        TRY_CAST(c.shares AS DECIMAL(38, 0)) AS shares
    FROM paid d
    JOIN heard c ON c.chain_id = d.chain_id AND c.vault = d.vault AND c.event = 'activated'
        AND c.place < d.place AND c.token_id IS NOT NULL
    JOIN transfers t ON t.chain_id = c.chain_id AND t.collection = c.collection
        AND t.token_id = c.token_id
        AND (t.block_number, t.log_index) < (d.block_number, d.log_index)
    QUALIFY row_number() OVER (
        PARTITION BY d.chain_id, d.block_hash, d.log_index, d.item_index, t.token_id
        ORDER BY t.block_number DESC, t.log_index DESC, t.item_index DESC) = 1
),
owned AS (
    SELECT chain_id, block_hash, log_index, item_index, holder,
        sum(shares)::DECIMAL(38, 0) AS holder_shares
    FROM cards WHERE shares::DOUBLE < {_PLAUSIBLE_WEI} GROUP BY ALL
),
supplies AS (
    SELECT d.chain_id, d.block_hash, d.log_index, d.item_index,
        coalesce(TRY_CAST(d.shares AS DECIMAL(38, 0)), o.amount_wei) AS supply_shares
    FROM paid d JOIN opened o ON o.chain_id = d.chain_id AND o.vault = d.vault
    WHERE d.protocol = 'party'
),
known AS (
    SELECT o.*, s.supply_shares,
        sum(holder_shares) OVER (PARTITION BY o.chain_id, o.block_hash, o.log_index, o.item_index)
            AS all_shares
    FROM owned o JOIN supplies s USING (chain_id, block_hash, log_index, item_index)
    WHERE s.supply_shares > 0
),
per_holder AS (
    SELECT * EXCLUDE (all_shares), NULL::VARCHAR AS reason FROM known
    WHERE all_shares <= supply_shares
    UNION ALL BY NAME
    SELECT DISTINCT chain_id, block_hash, log_index, item_index, '' AS holder,
        supply_shares - all_shares AS holder_shares, supply_shares,
        'cards that were not given out yet' AS reason
    FROM known WHERE all_shares < supply_shares
    UNION ALL BY NAME
    -- Our vaults tell each move of shares.
    SELECT d.chain_id, d.block_hash, d.log_index, d.item_index, p.holder, p.holder_shares,
        p.supply_shares
    FROM paid d JOIN share_dividend_parts p USING (chain_id, vault, block_number, log_index)
)
SELECT d.chain_id, d.block_number, d.block_hash, d.log_index, d.item_index, d.block_time, d.vault,
    d.reference_id, d.currency, d.amount_wei, coalesce(p.holder, '') AS holder, p.holder_shares,
    p.supply_shares, p.holder_shares::DOUBLE / p.supply_shares::DOUBLE AS fraction,
    CASE WHEN p.holder IS NOT NULL THEN p.reason
        WHEN d.protocol = 'party' THEN 'no card of the party was seen'
        ELSE 'holders of ERC-20 shares are not read' END AS reason
FROM paid d
LEFT JOIN per_holder p USING (chain_id, block_hash, log_index, item_index)
ORDER BY ALL
"""
