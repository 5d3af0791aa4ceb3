"""The SQL of royalties: terms and splits as intervals, and owed beside paid, down to people.

All of it reads facts, other links, and the temporary table `royalty_reads` (see `royalty_reads`).
A log is placed by one number, `place`: its block, then its index within the block.
"""

_PLACE = "({block}::HUGEINT << 32) + {log}"
_SALE_PLACE = _PLACE.format(block="block_number", log="log_index")
_FROM_PLACE = _PLACE.format(block="valid_from_block", log="valid_from_log_index")
_TO_PLACE = _PLACE.format(block="valid_to_block", log="valid_to_log_index")

_INTERVALS = """
    block_number AS valid_from_block, log_index AS valid_from_log_index, item_index,
    next_block AS valid_to_block, next_log AS valid_to_log_index
"""

ROYALTY_TERMS = f"""
WITH sets AS (
    SELECT DISTINCT chain_id, collection, token_id, level, via, venue, block_number, log_index,
        -- Extensions have terms of their own; an override takes the place of any other.
        CASE WHEN level = 'extension' THEN via END AS extension
    FROM royalty_events
),
followed AS (
    SELECT chain_id, block_number, log_index,
        lead(block_number) OVER stream AS next_block, lead(log_index) OVER stream AS next_log
    FROM sets
    WINDOW stream AS (
        PARTITION BY chain_id, collection, token_id, level, venue, extension
        ORDER BY block_number, log_index
    )
)
SELECT chain_id, collection, token_id, recipient, bps, concat_ws(' ', protocol, event) AS source,
    level, via, venue, {_INTERVALS}
FROM royalty_events JOIN followed USING (chain_id, block_number, log_index)
ORDER BY ALL
"""

SPLITS = f"""
WITH sets AS (
    SELECT DISTINCT chain_id, split, token_id, block_number, log_index FROM split_events
),
followed AS (
    SELECT chain_id, block_number, log_index,
        lead(block_number) OVER stream AS next_block, lead(log_index) OVER stream AS next_log
    FROM sets
    WINDOW stream AS (PARTITION BY chain_id, split, token_id ORDER BY block_number, log_index)
)
SELECT chain_id, split, collection, token_id, recipient, allocation, total_allocation,
    (allocation::HUGEINT * 1_000_000 // total_allocation)::BIGINT AS share_ppm, reward_ppm,
    concat_ws(' ', protocol, event) AS source, {_INTERVALS}
FROM split_events JOIN followed USING (chain_id, block_number, log_index)
ORDER BY ALL
"""

_STATUS = """
    CASE
        WHEN owed_wei IS NULL THEN 'unknown'
        WHEN paid_wei > owed_wei THEN 'over'
        WHEN paid_wei = owed_wei THEN 'full'
        WHEN paid_wei = 0 THEN 'zero'
        ELSE 'partial'
    END
"""

_MOST_SPLITS = 8
"""How many splits in a row are looked through; who stands behind more is shown as their last."""

_IN_FORCE = """
    p.chain_id = h.chain_id AND p.split = h.holder AND p.place < h.place
    AND (p.until IS NULL OR h.place < p.until)
    -- What does not name a work of the split's, as other marketplaces pay, is of work 0.
    AND (p.token_id IS NULL
        OR p.token_id = CASE WHEN h.collection = p.collection THEN h.work ELSE '0' END)
"""

SUBJECTS = f"""
terms AS (
    SELECT *, {_FROM_PLACE} AS place FROM royalty_terms
),
overrides AS (
    SELECT chain_id, collection, via, place FROM terms WHERE level = 'override'
),
priced AS (
    SELECT chain_id, block_number, block_hash, block_time, sale_id, collection, token_id, protocol,
        seller, currency, price_wei::HUGEINT AS price_wei, {_SALE_PLACE} AS place
    FROM sales
    WHERE trade_kind NOT IN ('swap', 'primary_mint') AND price_wei IS NOT NULL
),
subjects AS (
    -- Sales, each with the contract whose terms hold: its own, or that of an override.
    SELECT s.*, coalesce(o.via, s.collection) AS contract
    FROM (FROM priced SEMI JOIN overrides USING (chain_id, collection)) s
    ASOF LEFT JOIN overrides o
        ON o.chain_id = s.chain_id AND o.collection = s.collection AND s.place > o.place
    -- A join by time sorts whatever comes to it, so that only those come who may find somebody.
    UNION ALL
    SELECT *, collection AS contract FROM priced ANTI JOIN overrides USING (chain_id, collection)
),
sets AS (
    SELECT chain_id, collection, token_id, level, venue, place, bool_and(bps IS NULL) AS is_removed
    FROM terms WHERE level IN ('token', 'collection', 'extension') GROUP BY ALL
),
told_of AS MATERIALIZED (
    SELECT *, coalesce((chain_id, collection) IN (SELECT (chain_id, collection) FROM sets), false)
        OR coalesce((chain_id, contract) IN (SELECT (chain_id, collection) FROM sets), false)
        AS has_sets
    FROM subjects
),
chosen AS MATERIALIZED (
    SELECT * EXCLUDE (has_sets), NULL::HUGEINT AS terms_place FROM told_of WHERE NOT has_sets
    UNION ALL BY NAME
    -- The last terms before the sale: of its venue before those for all, of the token before those
    -- of the collection. Which extension minted a token no event tells, so that where a collection
    -- has terms of extensions, its own do not decide.
    SELECT s.* EXCLUDE (has_sets),
        CASE
            WHEN NOT vt.is_removed THEN vt.place
            WHEN NOT vc.is_removed THEN vc.place
            WHEN NOT t.is_removed THEN t.place
            WHEN e.place IS NULL THEN c.place
        END AS terms_place
    FROM (FROM told_of WHERE has_sets) s
    ASOF LEFT JOIN (FROM sets WHERE level = 'token' AND venue IS NOT NULL) vt
        ON vt.chain_id = s.chain_id AND vt.collection = s.collection
        AND vt.token_id = s.token_id AND vt.venue = s.protocol AND s.place > vt.place
    ASOF LEFT JOIN (FROM sets WHERE level = 'collection' AND venue IS NOT NULL) vc
        ON vc.chain_id = s.chain_id AND vc.collection = s.collection
        AND vc.venue = s.protocol AND s.place > vc.place
    ASOF LEFT JOIN (FROM sets WHERE level = 'token' AND venue IS NULL) t
        ON t.chain_id = s.chain_id AND t.collection = s.contract
        AND t.token_id = s.token_id AND s.place > t.place
    ASOF LEFT JOIN (FROM sets WHERE level = 'collection' AND venue IS NULL) c
        ON c.chain_id = s.chain_id AND c.collection = s.contract AND s.place > c.place
    ASOF LEFT JOIN (FROM sets WHERE level = 'extension') e
        ON e.chain_id = s.chain_id AND e.collection = s.contract AND s.place > e.place
)
"""
"""CTEs that end in `chosen`: sales with the place of the terms in force; NULL: no event tells."""

_OWED = f"""
charged AS (
    -- Openings and buyouts of vaults, with the terms in force. What an opening was valued at no
    -- event tells, but the royalty on it.
    SELECT v.*, t.place AS terms_place
    FROM (SELECT *, {_SALE_PLACE} AS place FROM vault_charges) v
    ASOF JOIN (FROM sets WHERE level = 'token' AND venue IS NULL) t
        ON t.chain_id = v.chain_id AND t.collection = v.collection
        AND t.token_id = v.token_id AND v.place > t.place
),
demands AS (
    SELECT c.chain_id, c.sale_id, t.recipient, c.currency, t.bps, t.source,
        CASE WHEN t.recipient IN (c.seller, '0x0000000000000000000000000000000000000000') THEN 0
        -- floor(price * bps / 10000) without leaving 38 digits
        ELSE (c.price_wei // 10000) * coalesce(t.bps, 0)
             + ((c.price_wei % 10000) * coalesce(t.bps, 0)) // 10000 END AS owed_wei
    FROM chosen c
    JOIN terms t ON t.chain_id = c.chain_id AND t.place = c.terms_place
    UNION ALL BY NAME
    SELECT c.chain_id, c.sale_id, r.recipient, c.currency, 'erc2981' AS source,
        CASE WHEN r.recipient IN (c.seller, '0x0000000000000000000000000000000000000000') THEN 0
        ELSE r.amount_wei::HUGEINT END AS owed_wei
    FROM chosen c
    JOIN royalty_reads r ON r.chain_id = c.chain_id AND r.block_hash = c.block_hash
        AND r.contract = c.contract AND r.token_id = c.token_id AND r.price_wei = c.price_wei
    -- What a contract asks beyond the price nobody can owe; such an answer tells nothing.
    WHERE c.terms_place IS NULL AND r.amount_wei <= c.price_wei
    UNION ALL BY NAME
    SELECT c.chain_id, c.sale_id, t.recipient, c.currency, t.bps,
        CASE c.kind WHEN 'buyout' THEN t.source ELSE 'raisonne VaultOpened' END AS source,
        CASE WHEN c.kind <> 'buyout' THEN c.royalty_wei::HUGEINT
        ELSE (c.price_wei::HUGEINT // 10000) * coalesce(t.bps, 0)
             + ((c.price_wei::HUGEINT % 10000) * coalesce(t.bps, 0)) // 10000 END AS owed_wei
    FROM charged c JOIN terms t ON t.chain_id = c.chain_id AND t.place = c.terms_place
),
unnamed AS MATERIALIZED (
    SELECT chain_id, sale_id, recipient, currency, sum(owed_wei) AS owed_wei,
        sum(bps)::BIGINT AS owed_bps, min(source) AS owed_source
    FROM demands GROUP BY ALL
),
minted AS (
    SELECT chain_id, sale_id FROM sales WHERE trade_kind = 'primary_mint'
),
legs AS (
    SELECT chain_id, sale_id, recipient, recipient_class, currency, amount_wei FROM sale_payments
    UNION ALL
    SELECT chain_id, sale_id, recipient, recipient_class, currency, amount_wei
    FROM vault_payments SEMI JOIN vault_charges USING (chain_id, sale_id)
),
paid AS MATERIALIZED (
    -- To whom the terms name, or to a split, it is a royalty also where the sale could not tell.
    SELECT chain_id, sale_id, recipient, currency, sum(amount_wei)::HUGEINT AS paid_wei
    FROM legs ANTI JOIN minted USING (chain_id, sale_id)
    WHERE recipient IS NOT NULL
      AND (recipient_class IN ('creator', 'split')
        OR (recipient_class IN ('unknown', 'tip', 'affiliate', 'referrer')
          AND ((chain_id, sale_id, recipient) IN (
              SELECT (chain_id, sale_id, recipient) FROM unnamed)
            OR (chain_id, recipient) IN (SELECT (chain_id, split) FROM splits))))
    GROUP BY ALL
),
nameless AS (
    SELECT * FROM unnamed WHERE recipient IS NULL AND owed_wei > 0
),
strangers AS (
    SELECT chain_id, sale_id, currency, min(recipient) AS stranger
    FROM paid SEMI JOIN nameless USING (chain_id, sale_id)
    ANTI JOIN unnamed USING (chain_id, sale_id, recipient)
    GROUP BY ALL HAVING count(DISTINCT recipient) = 1
),
owed AS (
    SELECT * FROM unnamed WHERE recipient IS NOT NULL
    UNION ALL BY NAME
    -- Terms with a splitter that no event names: the one wallet that was paid without being named.
    SELECT u.* EXCLUDE (recipient), s.stranger AS recipient
    FROM nameless u
    LEFT JOIN strangers s USING (chain_id, sale_id, currency)
),
told AS (
    SELECT DISTINCT chain_id, sale_id, true AS has_terms FROM unnamed
),
direct AS MATERIALIZED (
    SELECT chain_id, sale_id, recipient, currency, owed_bps, owed_source,
        -- Paid to somebody else than the terms name: nothing was owed to them.
        CASE WHEN has_terms THEN coalesce(owed_wei, 0) END AS owed_wei,
        coalesce(paid_wei, 0) AS paid_wei
    FROM owed FULL JOIN paid USING (chain_id, sale_id, recipient, currency)
    LEFT JOIN told USING (chain_id, sale_id)
)
"""


def _share(amount: str, allocation: str = "p.allocation") -> str:
    """floor(amount * allocation / total), without leaving 38 digits."""
    whole, total = f"({amount} - {_part(amount, 'p.reward_ppm', '1_000_000')})", "p.total"
    return _part(whole, allocation, total)


def _part(amount: str, numerator: str, denominator: str) -> str:
    return (
        f"(({amount} // {denominator}) * {numerator}"
        f" + (({amount} % {denominator}) * {numerator}) // {denominator})"
    )


def _rest(amount: str) -> str:
    """What all shares together leave, by rounding and for the distributor."""
    shares = f"list_sum(list_transform(p.allocations, x -> {_share(amount, 'x')}))"
    return f"({amount} - {shares})"


_LOOK_THROUGH = f"""
configured AS (
    SELECT chain_id, split, collection, token_id, recipient,
        sum(allocation)::HUGEINT AS allocation,
        total_allocation::HUGEINT AS total, reward_ppm::HUGEINT AS reward_ppm,
        {_FROM_PLACE} AS place, {_TO_PLACE} AS until
    FROM splits GROUP BY ALL
),
parts AS (
    SELECT *, false AS is_rest, NULL::HUGEINT[] AS allocations FROM configured
    UNION ALL BY NAME
    -- What the split keeps stands under its own name.
    SELECT chain_id, split, collection, token_id, split AS recipient, total, reward_ppm, place,
        until, true AS is_rest, list(allocation) AS allocations
    FROM configured GROUP BY ALL
),
places AS (
    SELECT chain_id, sale_id, block_hash, tx_hash, {_SALE_PLACE} AS place, collection,
        CASE WHEN protocol = 'raisonne' THEN token_id ELSE '0' END AS work
    FROM sales
    UNION ALL
    SELECT chain_id, sale_id, block_hash, tx_hash, {_SALE_PLACE}, collection, token_id
    FROM vault_charges
),
shares AS (
    SELECT chain_id, sale_id, currency, place, collection, work, owed_source, recipient AS root,
        recipient AS holder, owed_wei::HUGEINT AS owed_wei, paid_wei::HUGEINT AS paid_wei,
        false AS is_rest, 0 AS depth
    FROM direct JOIN places USING (chain_id, sale_id)
    WHERE (chain_id, recipient) IN (SELECT (chain_id, split) FROM splits)
    UNION ALL
    -- What reaches somebody in several ways is one sum before it is divided further.
    SELECT h.chain_id, h.sale_id, h.currency, h.place, h.collection, h.work, h.owed_source,
        h.root, p.recipient,
        sum(CASE WHEN p.is_rest THEN {_rest("h.owed_wei")} ELSE {_share("h.owed_wei")} END),
        sum(CASE WHEN p.is_rest THEN {_rest("h.paid_wei")} ELSE {_share("h.paid_wei")} END),
        p.is_rest, h.depth + 1
    FROM shares h JOIN parts p ON {_IN_FORCE}
    WHERE NOT h.is_rest AND h.depth < {_MOST_SPLITS}
    GROUP BY ALL
),
people AS (
    SELECT chain_id, sale_id, holder AS recipient, currency, sum(owed_wei) AS owed_wei,
        owed_source, sum(paid_wei) AS paid_wei, root AS look_through_of
    FROM shares h
    WHERE depth > 0
      AND (is_rest OR depth = {_MOST_SPLITS} OR NOT EXISTS (FROM parts p WHERE {_IN_FORCE}))
    GROUP BY ALL
    HAVING coalesce(sum(owed_wei), 0) > 0 OR sum(paid_wei) > 0
)
"""

_HANDED_ON = """
given AS (
    SELECT chain_id, block_hash, tx_hash, split, currency, account,
        sum(amount_wei)::HUGEINT AS given_wei
    FROM split_payments WHERE event = 'transferred' GROUP BY ALL
),
handed AS (
    -- A split whose shares no event tells, and which gave on at once exactly what one sale paid it.
    -- What it would give of another amount is not known.
    SELECT d.chain_id, d.sale_id, g.account AS recipient, d.currency, g.given_wei AS paid_wei,
        CASE WHEN d.owed_wei = d.paid_wei THEN g.given_wei END AS owed_wei, d.owed_source,
        d.recipient AS look_through_of
    FROM direct d
    JOIN places p USING (chain_id, sale_id)
    JOIN given g ON g.chain_id = d.chain_id AND g.block_hash = p.block_hash
        AND g.tx_hash = p.tx_hash AND g.split = d.recipient AND g.currency = d.currency
    WHERE (d.chain_id, d.recipient) NOT IN (SELECT (chain_id, split) FROM splits)
    QUALIFY sum(g.given_wei) OVER (PARTITION BY d.chain_id, d.sale_id, d.recipient) = d.paid_wei
)
"""

_KINDS = f"""
stated AS (
    -- What the payer said that a royalty was for, in the sale's transaction and after its event.
    SELECT chain_id, block_hash, tx_hash, collection, token_id, source, {_SALE_PLACE} AS place
    FROM split_payments
    WHERE protocol = 'raisonne' AND event = 'received' AND source IN ('primary', 'resale')
),
spoken AS (
    SELECT s.chain_id, s.sale_id, r.source
    FROM (SELECT *, {_SALE_PLACE} AS place FROM sales
        SEMI JOIN stated USING (chain_id, block_hash, tx_hash)) s
    ASOF JOIN stated r
        ON r.chain_id = s.chain_id AND r.block_hash = s.block_hash AND r.tx_hash = s.tx_hash
        AND r.collection = s.collection AND r.token_id = s.token_id AND s.place < r.place
),
kinds AS (
    SELECT chain_id, sale_id,
        CASE
            WHEN trade_kind = 'auction' THEN 'auction'
            WHEN source IS NOT NULL THEN source
            WHEN is_primary THEN 'primary'
            ELSE 'resale'
        END AS kind
    FROM sales LEFT JOIN spoken USING (chain_id, sale_id)
    UNION ALL
    SELECT chain_id, sale_id, kind FROM vault_charges
)
"""

_LEDGER_PARTS = (SUBJECTS, _OWED, _LOOK_THROUGH, _HANDED_ON, _KINDS)

ROYALTY_LEDGER = f"""
WITH RECURSIVE {", ".join(part.strip() for part in _LEDGER_PARTS)},
settled AS (
    SELECT chain_id, sale_id, recipient, currency, owed_wei, owed_bps, owed_source, paid_wei,
        NULL AS look_through_of
    FROM direct
    UNION ALL BY NAME SELECT * FROM people
    UNION ALL BY NAME SELECT * FROM handed
)
SELECT *, owed_wei - paid_wei AS gap_wei, {_STATUS} AS status
FROM settled LEFT JOIN kinds USING (chain_id, sale_id)
ORDER BY ALL
"""
