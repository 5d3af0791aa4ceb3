"""The SQL of the link table `loans`: each loan's events in order, and what its token was worth.

A loan closes once: what is told of it after its first closing event is left out of its state. The
collateral is valued by two prices in the currency of the loan (ether and its tokens are one), both
strictly before the opening, and NULL without one:

- the last sale of the token, unless that was a swap or of a bundle;
- the realised floor of the collection: of the unit prices of its sales in the 7 days before, the
  5th percentile (the lower of two neighbours), from 5 sales on.
"""

FLOOR_DAYS = 7
FLOOR_QUANTILE = 0.05
FLOOR_LEAST_SALES = 5

_ETHER = "'0x0000000000000000000000000000000000000000'"
_PLACE = "(block_number::HUGEINT << 64) + (log_index << 32) + item_index AS place"
_PAYING = "('repay', 'partial_repay', 'redeem')"
_TOO_MUCH = f"1{'0' * 34}::HUGEINT"
_CLOSING = "('repay', 'replace', 'liquidate', 'claim', 'seize', 'cancel')"

LOANS = f"""
WITH told AS (
    SELECT *, {_PLACE} FROM loan_events
),
closed AS (
    SELECT chain_id, loan_uid, min(place) AS closed_place
    FROM told WHERE event IN {_CLOSING} GROUP BY ALL
),
lived AS (
    SELECT t.* FROM told t LEFT JOIN closed c USING (chain_id, loan_uid)
    WHERE c.closed_place IS NULL OR t.place <= c.closed_place
),
opened AS (
    SELECT * FROM lived WHERE event = 'open'
    QUALIFY row_number() OVER (PARTITION BY chain_id, loan_uid ORDER BY place) = 1
),
summed AS (
    SELECT chain_id, loan_uid,
        arg_min(protocol, place) AS protocol,
        arg_min(version, place) AS version,
        arg_max(event, place) AS last_event,
        max(block_time) FILTER (WHERE event IN {_CLOSING}) AS closed_at,
        arg_min(borrower, place) FILTER (WHERE borrower IS NOT NULL) AS borrower,
        arg_max(lender, place) FILTER (WHERE lender IS NOT NULL) AS lender,
        arg_min(collection, place) FILTER (WHERE collection IS NOT NULL) AS collection,
        arg_min(token_id, place) FILTER (WHERE token_id IS NOT NULL) AS token_id,
        arg_min(quantity, place) FILTER (WHERE quantity IS NOT NULL) AS quantity,
        arg_min(currency, place) FILTER (WHERE currency IS NOT NULL) AS currency,
        arg_max(duration_s, place) FILTER (WHERE duration_s IS NOT NULL) AS duration_s,
        arg_max(start_time, place) FILTER (WHERE start_time IS NOT NULL) AS start_time,
        count(*) FILTER (WHERE event = 'refinance') AS refinancings,
        -- Amounts that no currency has would leave 38 digits when added up.
        CASE WHEN count(*) FILTER (WHERE event IN {_PAYING}
            AND coalesce(amount_wei, {_TOO_MUCH}) >= {_TOO_MUCH}) = 0
        THEN coalesce(sum(amount_wei::HUGEINT) FILTER (
            WHERE event IN {_PAYING} AND amount_wei < {_TOO_MUCH}), 0)
        END AS repaid_wei
    FROM lived GROUP BY chain_id, loan_uid
),
ends AS (
    -- Loans by the transaction in which they closed: another one on the same token replaced them.
    SELECT t.chain_id, t.tx_hash, s.collection, s.token_id, min(t.loan_uid) AS loan_uid
    FROM told t
    JOIN closed c ON c.chain_id = t.chain_id AND c.loan_uid = t.loan_uid
        AND c.closed_place = t.place
    JOIN summed s ON s.chain_id = t.chain_id AND s.loan_uid = t.loan_uid
    WHERE s.token_id IS NOT NULL
    GROUP BY ALL
),
debts AS (
    SELECT s.chain_id, s.loan_uid, s.collection, s.token_id, o.place, o.block_time,
        o.principal_wei,
        CASE WHEN s.quantity IS NULL THEN 1 ELSE try_cast(s.quantity AS DOUBLE) END AS units,
        CASE WHEN e.is_ether THEN {_ETHER} ELSE s.currency END AS priced_as
    FROM summed s
    JOIN opened o USING (chain_id, loan_uid)
    LEFT JOIN known_currencies e ON e.chain_id = s.chain_id AND e.currency = s.currency
    WHERE s.collection IS NOT NULL AND s.currency IS NOT NULL
),
priced AS (
    SELECT s.chain_id, s.sale_id, s.collection, s.token_id, s.block_time,
        (s.block_number::HUGEINT << 64) + (s.log_index << 32) + s.item_index AS place,
        s.trade_kind IS DISTINCT FROM 'swap' AND coalesce(s.bundle_size, 1) = 1
            AND s.price_wei > 0 AND try_cast(s.quantity AS HUGEINT) > 0 AS is_price,
        CASE WHEN is_price THEN s.price_wei::HUGEINT // try_cast(s.quantity AS HUGEINT) END
            AS unit_wei,
        CASE WHEN e.is_ether THEN {_ETHER} ELSE s.currency END AS priced_as
    FROM sales s
    LEFT JOIN known_currencies e ON e.chain_id = s.chain_id AND e.currency = s.currency
    WHERE (s.chain_id, s.collection) IN (SELECT (chain_id, collection) FROM debts)
),
last_sales AS (
    SELECT d.chain_id, d.loan_uid, p.sale_id,
        CASE WHEN p.priced_as = d.priced_as AND p.unit_wei > 0
            THEN d.principal_wei::DOUBLE / (p.unit_wei::DOUBLE * d.units) END AS ltv
    FROM debts d
    ASOF JOIN priced p
        ON p.chain_id = d.chain_id AND p.collection = d.collection
        AND p.token_id = d.token_id AND d.place > p.place
),
floors AS (
    SELECT d.chain_id, d.loan_uid, any_value(d.units) AS units, count(*) AS n_sales,
        quantile_disc(p.unit_wei, {FLOOR_QUANTILE}) AS floor_wei
    FROM debts d
    JOIN priced p
        ON p.chain_id = d.chain_id AND p.collection = d.collection AND p.priced_as = d.priced_as
        AND p.is_price AND p.block_time < d.block_time
        AND p.block_time >= d.block_time - INTERVAL {FLOOR_DAYS} DAY
    GROUP BY d.chain_id, d.loan_uid
)
SELECT s.chain_id, s.loan_uid, s.protocol, s.version,
    CASE
        WHEN last_event = 'repay' THEN 'repaid'
        WHEN last_event = 'replace' THEN 'refinanced'
        WHEN last_event = 'liquidate' THEN 'liquidated'
        WHEN last_event IN ('claim', 'seize') THEN 'defaulted'
        WHEN last_event IN ('auction_start', 'bid') THEN 'auctioned'
        WHEN last_event = 'offer' THEN 'offered'
        WHEN last_event = 'cancel' THEN 'cancelled'
        ELSE 'open'
    END AS state,
    s.borrower, s.lender, s.collection, s.token_id, s.quantity, s.currency,
    o.principal_wei, o.repayment_wei,
    coalesce(
        o.apr_bps,
        CASE WHEN o.principal_wei > 0 AND o.duration_s > 0 THEN
            (o.repayment_wei::HUGEINT - o.principal_wei::HUGEINT)::DOUBLE
            / o.principal_wei::DOUBLE * 10_000 * 31_536_000 / o.duration_s
        END
    ) AS apr_bps,
    o.block_time AS opened_at,
    CASE WHEN s.start_time <= TIMESTAMP '9999-12-31' - to_seconds(s.duration_s)
        THEN s.start_time + to_seconds(s.duration_s) END AS due_at,
    s.closed_at, s.refinancings, s.repaid_wei,
    coalesce(o.parent_loan_uid, e.loan_uid) AS parent_loan_uid,
    l.sale_id AS last_sale_id, l.ltv AS ltv_last_sale,
    CASE WHEN f.n_sales >= {FLOOR_LEAST_SALES} THEN f.floor_wei END AS realised_floor_wei,
    f.n_sales AS floor_sales,
    CASE WHEN f.n_sales >= {FLOOR_LEAST_SALES} THEN
        o.principal_wei::DOUBLE / (f.floor_wei::DOUBLE * f.units)
    END AS ltv_floor
FROM summed s
LEFT JOIN opened o USING (chain_id, loan_uid)
LEFT JOIN ends e ON e.chain_id = o.chain_id AND e.tx_hash = o.tx_hash
    AND e.collection = s.collection AND e.token_id = s.token_id AND e.loan_uid <> s.loan_uid
LEFT JOIN last_sales l ON l.chain_id = s.chain_id AND l.loan_uid = s.loan_uid
LEFT JOIN floors f ON f.chain_id = s.chain_id AND f.loan_uid = s.loan_uid
"""
