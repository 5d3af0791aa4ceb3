"""The SQL of the link tables. All of it reads facts; none of it depends on arrival order."""

from data.currencies import MAX_QUOTE_AGE_S
from indexer.link_auctions import COMPLETED_SALES
from indexer.link_punks import PRICED_SALES

# What a sale needs of others is gathered in narrow tables first; the sales themselves only pass by.
SALES = f"""
WITH completed AS ({COMPLETED_SALES}),
priced AS ({PRICED_SALES}),
placed AS (
    SELECT chain_id, collection, token_id, token_standard, buyer,
        (block_number::HUGEINT << 64) + (log_index << 32) + item_index AS place
    FROM completed
),
sold AS (
    SELECT chain_id, collection, token_id, min(place) AS first_sold FROM placed GROUP BY ALL
),
bought AS (
    -- ERC-1155: the first time that somebody bought units of it.
    SELECT chain_id, collection, token_id, buyer, min(place) AS first_bought
    FROM placed WHERE token_standard IS DISTINCT FROM 'erc721' GROUP BY ALL
),
mints AS (
    -- Who got a sold token by a mint: receivers, and the creators that a lineage record names.
    SELECT chain_id, collection, token_id, to_address AS minter FROM transfers
    SEMI JOIN sold USING (chain_id, collection, token_id)
    WHERE kind = 'mint'
    UNION
    SELECT chain_id, collection, token_id, account FROM provenance_events
    SEMI JOIN sold USING (chain_id, collection, token_id)
    WHERE event = 'minted'
),
born AS (
    -- Who got a sold token by a mint in which transaction: the buyer of what was minted for a sale.
    SELECT DISTINCT chain_id, collection, token_id, tx_hash, to_address AS buyer FROM transfers
    SEMI JOIN sold USING (chain_id, collection, token_id)
    WHERE kind = 'mint'
),
origins AS (
    SELECT s.*, m.token_id IS NOT NULL AS has_mint
    FROM sold s
    LEFT JOIN (SELECT DISTINCT chain_id, collection, token_id FROM mints) m
        USING (chain_id, collection, token_id)
),
known AS (
    SELECT s.*,
        (s.block_number::HUGEINT << 64) + (s.log_index << 32) + s.item_index AS place,
        CASE
            WHEN f.tx_hash IS NOT NULL THEN true
            WHEN s.token_standard = 'erc721' AND place > o.first_sold THEN false
            WHEN o.has_mint IS NOT true THEN NULL
            WHEN m.minter IS NULL THEN false
            ELSE coalesce(b.first_bought >= place, true)
        END AS is_primary,
        coalesce(e.is_ether, false) AS is_ether,
        -- Every native coin has 18 decimals; of a token that is not listed they are not known.
        CASE WHEN s.currency = '0x0000000000000000000000000000000000000000' THEN 18
             ELSE e.decimals END AS decimals,
        coalesce(e.priced_as, s.currency) AS priced_as
    FROM priced s
    LEFT JOIN origins o USING (chain_id, collection, token_id)
    LEFT JOIN mints m ON m.chain_id = s.chain_id AND m.collection = s.collection
        AND m.token_id = s.token_id AND m.minter = s.seller
    LEFT JOIN bought b ON b.chain_id = s.chain_id AND b.collection = s.collection
        AND b.token_id = s.token_id AND b.buyer = s.seller
    LEFT JOIN born f ON f.chain_id = s.chain_id AND f.collection = s.collection
        AND f.token_id = s.token_id AND f.tx_hash = s.tx_hash AND f.buyer = s.buyer
    LEFT JOIN known_currencies e ON e.chain_id = s.chain_id AND e.currency = s.currency
),
quotes AS (
    -- One quote per currency and second; of several the last on the chain, a file only without one.
    SELECT chain_id, currency, time, usd, source FROM prices
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, currency, time
        ORDER BY block_number DESC NULLS LAST, log_index DESC, item_index DESC, source
    ) = 1
),
moments AS (
    -- The quote in force, once per currency and block rather than per sale; none that is too old.
    SELECT k.chain_id, k.priced_as, k.block_time, q.time, q.usd, q.source
    FROM (
        SELECT DISTINCT s.chain_id, s.block_time, coalesce(e.priced_as, s.currency) AS priced_as
        FROM completed s
        LEFT JOIN known_currencies e ON e.chain_id = s.chain_id AND e.currency = s.currency
        UNION
        -- What is paid in another currency is told in ether too.
        SELECT DISTINCT s.chain_id, s.block_time, n.currency
        FROM completed s
        JOIN known_currencies n ON n.chain_id = s.chain_id AND n.is_ether
            AND n.currency = '0x0000000000000000000000000000000000000000'
        JOIN known_currencies e ON e.chain_id = s.chain_id AND e.currency = s.currency
            AND NOT e.is_ether
    ) k
    ASOF JOIN quotes q
        ON q.chain_id = k.chain_id AND q.currency = k.priced_as AND k.block_time >= q.time
    WHERE date_diff('second', q.time, k.block_time) <= {MAX_QUOTE_AGE_S}
),
ether_moments AS (
    SELECT m.chain_id, m.block_time, m.usd FROM moments m
    JOIN known_currencies n ON n.chain_id = m.chain_id AND n.currency = m.priced_as AND n.is_ether
    WHERE m.priced_as = '0x0000000000000000000000000000000000000000'
)
SELECT k.* EXCLUDE (place, is_ether, decimals, priced_as),
    CASE WHEN is_ether THEN price_wei::DOUBLE / 1e18
        ELSE price_wei::DOUBLE / pow(10, decimals) * q.usd / h.usd END AS price_eth,
    price_wei::DOUBLE / pow(10, decimals) * q.usd AS price_usd,
    CASE WHEN price_usd IS NOT NULL THEN q.source END AS price_source,
    CASE WHEN price_usd IS NOT NULL THEN date_diff('second', q.time, k.block_time) END AS
    price_age_s
FROM known k
LEFT JOIN moments q
    ON q.chain_id = k.chain_id AND q.priced_as = k.priced_as AND q.block_time = k.block_time
LEFT JOIN ether_moments h ON h.chain_id = k.chain_id AND h.block_time = k.block_time
"""

# What a token's contract told last, the document there and its image. Of several readings of one
# document the last that was fetched counts, else the last. A string, since two tables begin so.
_FETCHED = """
read_uris AS (
    SELECT chain_id, collection, token_id, uri, uri_hash, reason FROM token_uris
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, collection, token_id ORDER BY block_number DESC, block_hash
    ) = 1
),
documents AS (
    SELECT * FROM metadata_documents
    WHERE kind = 'json' AND uri_hash IN (SELECT uri_hash FROM read_uris)
    QUALIFY row_number() OVER (
        PARTITION BY uri_hash ORDER BY status = 'fetched' DESC, fetched_at DESC
    ) = 1
),
media AS (
    SELECT * FROM metadata_documents
    WHERE kind = 'media' AND uri_hash IN (SELECT image_uri_hash FROM documents)
    QUALIFY row_number() OVER (
        PARTITION BY uri_hash ORDER BY status = 'fetched' DESC, fetched_at DESC
    ) = 1
),
token_documents AS (
    SELECT u.chain_id, u.collection, u.token_id, d.name, d.style, d.traits,
        u.uri AS metadata_uri,
        CASE WHEN u.uri_hash IS NULL THEN 'refused' ELSE d.status END AS metadata_status,
        coalesce(u.reason, d.reason) AS metadata_reason,
        d.sha256 AS metadata_sha256,
        d.image_uri AS media_uri, m.status AS media_status, m.reason AS media_reason,
        m.sha256 AS media_sha256, m.media_type, m.thumbnail_sha256
    FROM read_uris u
    LEFT JOIN documents d USING (uri_hash)
    LEFT JOIN media m ON m.uri_hash = d.image_uri_hash
)"""

# Windows rather than ordered aggregates: a sort leaves memory for the disk, the states of an
# aggregate cannot, and there is one for every token.
TOKENS = f"""
WITH numbered AS MATERIALIZED (
    -- A number in place of the address: the rows to sort are a third smaller.
    SELECT *, row_number() OVER () AS collection_no
    FROM (SELECT DISTINCT chain_id, collection FROM transfers)
),
moves AS (
    SELECT collection_no, token_id, token_standard, to_address AS last_receiver,
        kind AS last_kind,
        lead(block_number) OVER moved IS NULL AS is_last,
        min(CASE WHEN kind = 'mint' THEN block_time END) OVER moved AS minted_at,
        first_value(CASE WHEN kind = 'mint' THEN to_address END IGNORE NULLS) OVER moved
            AS first_receiver
    FROM transfers JOIN numbered USING (chain_id, collection)
    WINDOW moved AS (
        PARTITION BY collection_no, token_id
        ORDER BY block_number, log_index, item_index
    )
),
records AS (
    SELECT chain_id, collection, token_id, account AS creator, manifest, pixel_hash
    FROM provenance_events WHERE event = 'minted'
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, collection, token_id ORDER BY block_number, log_index
    ) = 1
),{_FETCHED}
SELECT chain_id, collection, token_id,
    m.token_standard,
    coalesce(r.creator, m.first_receiver) AS creator,
    m.minted_at,
    CASE WHEN m.token_standard = 'erc721' AND m.last_kind <> 'burn' THEN m.last_receiver END AS
    owner, CASE WHEN m.token_standard = 'erc721' THEN m.last_kind = 'burn' END AS is_burned,
    coalesce(d.name, t.name) AS name, coalesce(d.style, t.style) AS style,
    r.manifest, r.pixel_hash,
    d.* EXCLUDE (chain_id, collection, token_id, name, style, traits)
FROM moves m
JOIN numbered USING (collection_no)
LEFT JOIN records r USING (chain_id, collection, token_id)
LEFT JOIN token_texts t USING (chain_id, collection, token_id)
LEFT JOIN token_documents d USING (chain_id, collection, token_id)
WHERE m.is_last
"""

TOKEN_TRAITS = f"""
WITH {_FETCHED},
listed AS (
    SELECT chain_id, collection, token_id,
        from_json(
            coalesce(d.traits, t.traits), '[{{"trait": "VARCHAR", "value": "VARCHAR"}}]'
        ) AS traits
    FROM token_documents d FULL JOIN token_texts t USING (chain_id, collection, token_id)
    WHERE coalesce(d.traits, t.traits) IS NOT NULL
),
placed AS (SELECT *, unnest(range(len(traits))) AS ordinal FROM listed)
SELECT chain_id, collection, token_id, ordinal,
    traits[ordinal + 1].trait AS trait, traits[ordinal + 1].value AS value
FROM placed
"""

METADATA_URIS = """
WITH minted AS (
    SELECT chain_id, collection, token_id, uri
    FROM provenance_events WHERE event = 'minted'
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, collection, token_id ORDER BY block_number, log_index
    ) = 1
)
-- In batches of about 4 MiB, since the texts are decoded outside the database.
SELECT *, sum(strlen(uri)) OVER (ORDER BY chain_id, collection, token_id) // 4_194_304 AS batch
FROM minted WHERE uri ILIKE 'data:application/json%'
ORDER BY batch
"""

FUNDING = """
WITH from_chain AS (
    SELECT chain_id, to_address AS address, from_address AS first_funded_by, block_number,
        block_time, 'transactions' AS source
    FROM transactions
    -- Only where every transaction is kept: the first that a part of them shows proves nothing.
    WHERE chain_id = 31337 AND value_wei > 0 AND to_address IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY chain_id, to_address ORDER BY block_number, tx_index
    ) = 1
),
known AS (
    SELECT * FROM from_chain
    UNION ALL BY NAME SELECT * FROM funding WHERE source LIKE 'file:%'
)
SELECT * FROM known
-- What a user brings overrides what a partial view of the chain suggests.
QUALIFY row_number() OVER (
    PARTITION BY chain_id, address ORDER BY source = 'transactions', source
) = 1
ORDER BY chain_id, address
"""

LABELS = """
SELECT DISTINCT chain_id, account AS address, 'artist' AS label, NULL::VARCHAR AS name,
    'provenance_events' AS source
FROM provenance_events WHERE event = 'minted'
  AND (chain_id, account, 'artist') NOT IN (
      SELECT (chain_id, address, label) FROM labels WHERE source <> 'provenance_events')
UNION ALL BY NAME SELECT * FROM labels WHERE source <> 'provenance_events'
ORDER BY ALL
"""
