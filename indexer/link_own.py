"""The SQL of links that only our own contracts need: balances, auctions, drops, rounds, budgets.

Each row depends on the facts of its own key alone, as `OWN_KEYS` tells, so that what some blocks
bear on is brought up to date without the rest.
"""

from dataclasses import dataclass

_PLACE = "(block_number::HUGEINT << 64) + (log_index << 32) + item_index"
_OURS = "protocol = 'raisonne'"


def _share(amount: str) -> str:
    """floor(amount * bps / 10000), without leaving 38 digits."""
    return f"(({amount} // 10000) * s.allocation + (({amount} % 10000) * s.allocation) // 10000)"


def _sum(amount: str) -> str:
    """The sum of decimal texts, as text; NULL where one is too large to be added to others."""
    size = f"TRY_CAST({amount} AS DOUBLE)"
    return (
        f"CASE WHEN coalesce(max({size}), 0) < 1e30 THEN sum(CASE WHEN {size} < 1e30"
        f" THEN {amount}::DECIMAL(38, 0) END)::VARCHAR END"
    )


ROYALTY_BALANCES = f"""
-- As the Splitter counts: each place is owed its share of all that the work ever received, rounded
-- down once; who is in the place when a payment comes gets what the share grows by.
WITH summable AS (
    -- Anybody may pay in a token that they made up, of which 38 digits hold no sum.
    SELECT *, {_PLACE} AS place FROM split_payments
    WHERE {_OURS} AND event IN ('received', 'released')
    QUALIFY sum(amount_wei::DOUBLE) OVER (PARTITION BY chain_id, split, token_id, currency) < 9e37
),
received AS (
    SELECT chain_id, split, collection, token_id, currency, place,
        sum(amount_wei::HUGEINT) OVER paid AS total,
        sum(amount_wei::HUGEINT) OVER paid - amount_wei::HUGEINT AS before
    FROM summable WHERE event = 'received'
    WINDOW paid AS (
        PARTITION BY chain_id, split, token_id, currency
        ORDER BY block_number, log_index ROWS UNBOUNDED PRECEDING
    )
),
seats AS (
    SELECT chain_id, split, token_id, recipient AS payee, allocation::HUGEINT AS allocation,
        {_PLACE.replace("item_index", "0")} AS place
    FROM split_events WHERE {_OURS}
),
sets AS (SELECT DISTINCT chain_id, split, token_id, place FROM seats),
divided AS (
    SELECT r.*, t.place AS set_place FROM received r
    ASOF JOIN sets t ON t.chain_id = r.chain_id AND t.split = r.split
        AND t.token_id = r.token_id AND r.place > t.place
),
booked AS (
    SELECT d.chain_id, d.split, d.collection, d.token_id, d.currency, s.payee,
        {_share("d.total")} - {_share("d.before")} AS credited_wei, 0::HUGEINT AS released_wei
    FROM divided d JOIN seats s ON s.chain_id = d.chain_id AND s.split = d.split
        AND s.token_id = d.token_id AND s.place = d.set_place
    UNION ALL
    SELECT chain_id, split, collection, token_id, currency, account, 0, amount_wei::HUGEINT
    FROM summable WHERE event = 'released'
)
SELECT chain_id, split, collection, token_id, currency, payee,
    sum(credited_wei)::DECIMAL(38, 0) AS credited_wei,
    sum(released_wei)::DECIMAL(38, 0) AS released_wei,
    (sum(credited_wei) - sum(released_wei))::DECIMAL(38, 0) AS releasable_wei
FROM booked GROUP BY ALL HAVING sum(credited_wei) > 0 OR sum(released_wei) > 0
ORDER BY ALL
"""

_OUR_VAULTS = f"SELECT chain_id, vault FROM vault_events WHERE event = 'opened' AND {_OURS}"

REFUNDS = f"""
WITH ours AS (
    SELECT * FROM payouts p WHERE {_OURS} AND (is_ours OR (p.chain_id, p.contract) IN (
        SELECT (chain_id, vault) FROM ({_OUR_VAULTS})))
)
SELECT chain_id, contract, account,
    coalesce(sum(amount_wei) FILTER (event = 'paid' AND is_credited), 0)::DECIMAL(38, 0)
        AS credited_wei,
    coalesce(sum(amount_wei) FILTER (event = 'withdrawn'), 0)::DECIMAL(38, 0) AS withdrawn_wei,
    (coalesce(sum(amount_wei) FILTER (event = 'paid' AND is_credited), 0)
        - coalesce(sum(amount_wei) FILTER (event = 'withdrawn'), 0))::DECIMAL(38, 0)
        AS refundable_wei
FROM ours WHERE event = 'withdrawn' OR is_credited
GROUP BY ALL
ORDER BY ALL
"""

AUCTION_STATES = f"""
WITH told AS (
    SELECT *, {_PLACE} AS place FROM auctions WHERE {_OURS}
),
latest AS (
    SELECT t.*, max(place) FILTER (event = 'created') OVER (
        PARTITION BY chain_id, contract, token_id) AS opened_place
    FROM told t
)
SELECT chain_id, contract, collection, token_id,
    CASE max_by(event, place) WHEN 'settled' THEN 'settled' WHEN 'cancelled' THEN 'cancelled'
        ELSE 'open' END AS state,
    max_by(seller, place) FILTER (event = 'created') AS seller,
    max_by(amount_wei, place) FILTER (event = 'created') AS reserve_wei,
    max_by(amount_wei, place) FILTER (event = 'bid') AS bid_wei,
    max_by(bidder, place) FILTER (event = 'bid') AS bidder,
    count(*) FILTER (event = 'bid') AS bids,
    max_by(block_time, place) FILTER (event = 'created') AS opened_at,
    max_by(end_time, place) FILTER (end_time IS NOT NULL) AS ends_at
FROM latest WHERE place >= opened_place
GROUP BY ALL
ORDER BY ALL
"""

DROPS = f"""
WITH placed AS (
    SELECT *, {_PLACE} AS place FROM drop_events WHERE {_OURS} AND event <> 'bounds_set'
),
told AS (
    SELECT * FROM placed WHERE drop_id IS NOT NULL
    UNION ALL
    -- A work leaves the drop that it entered last.
    SELECT p.* REPLACE (e.drop_id AS drop_id) FROM placed p
    ASOF JOIN (FROM placed WHERE event = 'entered') e ON e.chain_id = p.chain_id
        AND e.contract = p.contract AND e.token_id = p.token_id AND p.place > e.place
    WHERE p.drop_id IS NULL
)
SELECT chain_id, contract, drop_id,
    max_by(seller, place) FILTER (event = 'opened') AS seller,
    max_by(works, place) FILTER (event = 'opened') AS works,
    count(*) FILTER (event = 'sold') AS sold,
    count(*) FILTER (event = 'entered') - count(*) FILTER (event IN ('sold', 'taken_back'))
        AS "left",
    max_by(start_time, place) FILTER (event = 'opened') AS start_time,
    max_by(start_price, place) FILTER (event = 'params_set') AS start_price,
    max_by(decay, place) FILTER (event = 'params_set') AS decay,
    max_by(rate, place) FILTER (event = 'params_set') AS rate,
    max_by(floor_wei, place) FILTER (event = 'range_set') AS floor_wei,
    max_by(cap_wei, place) FILTER (event = 'range_set') AS cap_wei,
    greatest(count(*) FILTER (event = 'params_set') - 1, 0) AS repricings
FROM told
GROUP BY ALL HAVING count(*) FILTER (event = 'opened') > 0
ORDER BY ALL
"""

VETTING_ROUNDS = f"""
WITH told AS (
    SELECT *, {_PLACE} AS place FROM rounds WHERE {_OURS}
)
SELECT chain_id, contract, round_id,
    CASE WHEN count(*) FILTER (event = 'closed') > 0 THEN 'closed' ELSE 'open' END AS state,
    max_by(snapshot_time, place) FILTER (event = 'opened') AS snapshot_time,
    max_by(submit_until, place) FILTER (event = 'opened') AS submit_until,
    max_by(commit_until, place) FILTER (event = 'opened') AS commit_until,
    max_by(reveal_until, place) FILTER (event = 'opened') AS reveal_until,
    count(*) FILTER (event = 'submitted') AS submissions,
    -- A vote may be replaced until the window ends.
    count(DISTINCT account) FILTER (event = 'vote_committed') AS commits,
    count(*) FILTER (event = 'vote_revealed') AS reveals,
    CASE WHEN count(*) FILTER (event = 'vote_revealed') = 0 THEN '0' ELSE {_sum("weight")} END
        AS weight_revealed,
    max_by(outcome, place) FILTER (event = 'closed') AS outcome,
    max_by(votes_for, place) FILTER (event = 'closed') AS votes_for,
    max_by(votes_cast, place) FILTER (event = 'closed') AS votes_cast,
    max_by(manifest, place) FILTER (event = 'closed' AND manifest IS NOT NULL) AS manifest
FROM told
GROUP BY ALL
ORDER BY ALL
"""

BUDGETS = f"""
WITH told AS (
    SELECT *, {_PLACE} AS place FROM governance_events
    WHERE {_OURS} AND event = 'budget_spent'
)
SELECT chain_id, contract, epoch, kind,
    {_sum("amount")} AS spent,
    max_by("left", place) AS "left"
FROM told
GROUP BY ALL
ORDER BY ALL
"""

LOOP_STATES = f"""
WITH told AS (
    SELECT *, {_PLACE} AS place FROM governance_events
    WHERE {_OURS} AND event = 'transition'
)
SELECT chain_id, contract, loop_id, max_by(to_state, place) AS state,
    -- Pauses have no anchor of their own.
    max_by(reference, place) FILTER (reference <> '0x{"0" * 64}') AS anchor,
    count(*) AS transitions, max_by(block_time, place) AS since
FROM told
GROUP BY ALL
ORDER BY ALL
"""

VAULT_CHARGES = f"""
WITH ours AS (
    SELECT chain_id, vault, collection, token_id FROM vault_events
    WHERE event = 'opened' AND {_OURS}
)
SELECT v.chain_id, v.block_number, v.block_hash, v.block_time, v.tx_hash, v.log_index,
    concat_ws(':', v.chain_id, v.block_hash, v.log_index, 0) AS sale_id,
    CASE v.event WHEN 'opened' THEN 'fractionalization' ELSE 'buyout' END AS kind,
    v.vault, o.collection, o.token_id, v.account, v.currency,
    CASE v.event WHEN 'won' THEN v.amount_wei END AS price_wei,
    CASE v.event WHEN 'opened' THEN v.amount_wei ELSE v.royalty_wei END AS royalty_wei
FROM vault_events v JOIN ours o ON o.chain_id = v.chain_id AND o.vault = v.vault
WHERE v.{_OURS} AND v.event IN ('opened', 'won')
ORDER BY ALL
"""


@dataclass(frozen=True)
class Keyed:
    """A link whose rows follow from the facts of one key each.

    `key` are columns of the link and of the tables in `facts`.
    """

    link: str
    key: tuple[str, ...]
    facts: tuple[str, ...]


OWN_KEYS = (
    Keyed(
        "royalty_balances",
        ("chain_id", "split", "token_id"),
        ("split_events", "split_payments"),
    ),
    Keyed("auction_states", ("chain_id", "contract", "token_id"), ("auctions",)),
    Keyed("drops", ("chain_id", "contract"), ("drop_events",)),
    Keyed("vetting_rounds", ("chain_id", "contract", "round_id"), ("rounds",)),
    Keyed("budgets", ("chain_id", "contract", "epoch"), ("governance_events",)),
    Keyed("loop_states", ("chain_id", "contract", "loop_id"), ("governance_events",)),
)
"""Links that are brought up to date key by key; `refunds` too, which vaults that open bear on."""
