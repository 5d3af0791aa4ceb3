"""The SQL of taint: which assets, and which works made with them, a dispute bears on.

As the Registry answers: an asset is tainted by an upheld dispute about itself or an ancestor, and
contested by an open one. A work is, by its manifest, model, dataset or process; and so are its
descendants.
"""

_PLACE = "(block_number::HUGEINT << 64) + (log_index << 32) + item_index"

TAINTED_ASSETS = f"""
WITH RECURSIVE disputes AS (
    SELECT chain_id, digest, max_by(event, {_PLACE}) AS last_event,
        max_by(verdict, {_PLACE}) AS last_verdict
    FROM provenance_events
    WHERE protocol = 'raisonne' AND event IN ('dispute_opened', 'dispute_resolved')
    GROUP BY ALL
),
culprits AS (
    SELECT chain_id, digest, CASE last_event WHEN 'dispute_opened' THEN 'open' ELSE 'upheld' END
        AS state
    FROM disputes WHERE last_event = 'dispute_opened' OR last_verdict = 'upheld'
),
reached AS (
    SELECT chain_id, digest, state, digest AS culprit, 0 AS distance FROM culprits
    UNION
    SELECT r.chain_id, e.digest, r.state, r.culprit, r.distance + 1
    FROM reached r JOIN lineage_edges e
        ON e.chain_id = r.chain_id AND e.parent_digest = r.digest AND e.protocol = 'raisonne'
    WHERE r.distance < 64
)
SELECT chain_id, digest, state, culprit, min(distance) AS distance FROM reached
GROUP BY ALL
ORDER BY ALL
"""

TAINTED_WORKS = """
WITH RECURSIVE made AS (
    SELECT DISTINCT chain_id, collection, token_id, unnest([
        {'via': 'model', 'digest': model}, {'via': 'dataset', 'digest': dataset},
        {'via': 'process', 'digest': process}, {'via': 'manifest', 'digest': manifest}],
        recursive := true)
    FROM provenance_events WHERE protocol = 'raisonne' AND event = 'minted'
),
reached AS (
    SELECT m.chain_id, m.collection, m.token_id, t.state, t.culprit, m.via, 0 AS distance
    FROM made m JOIN tainted_assets t USING (chain_id, digest)
    UNION
    SELECT r.chain_id, e.collection, e.token_id, r.state, r.culprit, 'parent', r.distance + 1
    FROM reached r JOIN lineage_edges e
        ON e.chain_id = r.chain_id AND e.parent_collection = r.collection
        AND e.parent_token_id = r.token_id
    -- A work descends from what came before it; other contracts may claim circles.
    WHERE r.distance < 64
)
SELECT chain_id, collection, token_id, state, culprit, min_by(via, (distance, via)) AS via,
    min(distance) AS distance
FROM reached GROUP BY ALL
ORDER BY ALL
"""
