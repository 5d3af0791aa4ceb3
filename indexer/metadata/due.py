"""Which tokens are to be asked for, read from the store as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data.store import Store

# The link `tokens` tells what is known; a token is due when nobody asked, when what failed may come
# now, and when its contract said (ERC-4906) after the last reading that the document changed.
_DUE = """
WITH updates AS (
    SELECT collection, from_token_id, to_token_id, max(block_number) AS updated_block
    FROM metadata_updates WHERE chain_id = $chain GROUP BY ALL
),
read_last AS (
    SELECT collection, token_id, max(block_number) AS read_block
    FROM token_uris SEMI JOIN updates USING (collection) WHERE chain_id = $chain GROUP BY ALL
),
stale AS (
    SELECT DISTINCT r.collection, r.token_id FROM read_last r
    JOIN updates u ON u.collection = r.collection
        -- Numbers as decimal text: the shorter is the smaller, of equal length as text compares.
        AND (length(r.token_id), r.token_id) >= (length(u.from_token_id), u.from_token_id)
        AND (length(r.token_id), r.token_id) <= (length(u.to_token_id), u.to_token_id)
    WHERE u.updated_block > r.read_block
),
asked AS (
    SELECT t.collection, t.token_id, t.token_standard,
        s.token_id IS NOT NULL AS is_stale
    FROM tokens t
    LEFT JOIN stale s USING (collection, token_id)
    WHERE t.chain_id = $chain AND t.is_burned IS NOT true
        AND (len($collections) = 0 OR list_contains($collections, t.collection))
        AND (
            $again OR is_stale
            OR t.metadata_status IS NULL OR t.metadata_status = 'failed'
            OR t.metadata_status = 'waiting' AND list_contains($opened, t.metadata_reason)
            OR $media AND t.metadata_status = 'fetched' AND t.media_uri IS NOT NULL AND (
                t.media_status IS NULL OR t.media_status = 'failed'
                OR t.media_status = 'waiting' AND list_contains($opened, t.media_reason)
            )
        )
)
"""
_PAGE = """
SELECT $chain::BIGINT AS chain_id, a.*,
    e.uri AS event_uri, e.block_number, e.block_hash, e.block_time
FROM (
    SELECT * FROM asked WHERE (collection, token_id) > ($collection, $token_id)
    ORDER BY collection, token_id LIMIT $page
) a
LEFT JOIN (
    -- Once a contract was asked, it is what the contract says that counts.
    SELECT collection, token_id, uri, block_number, block_hash, block_time
    FROM provenance_events ANTI JOIN (
        SELECT collection, token_id FROM token_uris WHERE chain_id = $chain AND method <> 'event'
    ) USING (collection, token_id)
    WHERE chain_id = $chain AND event = 'minted' AND uri IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY collection, token_id ORDER BY block_number, log_index
    ) = 1
) e ON e.collection = a.collection AND e.token_id = a.token_id
ORDER BY a.collection, a.token_id
"""


@dataclass(frozen=True)
class Wanted:
    """What a run asks for: a chain, collections (none named: all), and what is due besides."""

    chain_id: int
    collections: tuple[str, ...]
    again: bool
    with_media: bool
    opened: Sequence[str]

    def count(self, store: Store) -> int:
        """How many tokens are due."""
        sql = f"{_DUE} SELECT count(*) AS n FROM asked"
        return int(store.query(sql, self._values()).item())

    def page(self, store: Store, after: tuple[str, str], size: int) -> pl.DataFrame:
        """The next due tokens in order, with the URI and the block of a mint that carries one.

        Returns:
            chain_id, collection, token_id, token_standard, is_stale, event_uri, block_number,
            block_hash, block_time.
        """
        place = {"collection": after[0], "token_id": after[1], "page": size}
        return store.query(_DUE + _PAGE, {**self._values(), **place})

    def _values(self) -> dict[str, object]:
        return {
            "chain": self.chain_id,
            "collections": list(self.collections),
            "again": self.again,
            "media": self.with_media,
            "opened": list(self.opened),
        }


def known_documents(store: Store, hashes: Sequence[str]) -> dict[tuple[str, str], dict[str, str]]:
    """What is already held of some URIs: by (kind, uri_hash) the last row that was fetched."""
    rows = store.query(
        "SELECT kind, uri_hash, sha256, verified_by FROM metadata_documents"
        " WHERE status = 'fetched' AND list_contains(?, uri_hash)"
        " QUALIFY row_number() OVER (PARTITION BY kind, uri_hash ORDER BY fetched_at DESC) = 1",
        [list(hashes)],
    )
    return {(row["kind"], row["uri_hash"]): row for row in rows.iter_rows(named=True)}
