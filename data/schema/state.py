"""State: what tells about the fetching."""

from data.schema.model import CHAIN, RUN, Column, Table
from data.types import FLOAT, HASH, INT, TEXT, TIME

STATE = (
    Table(
        "ranges",
        "state",
        "Committed block ranges with the evidence that nothing is missing; also the checkpoint",
        (
            CHAIN,
            Column(
                "selection", HASH, "Digest of the selection (protocols, addresses) of the range"
            ),
            Column("from_block", INT, "First block of the range"),
            Column("to_block", INT, "Block after the last one (half-open)"),
            Column(
                "tip_hash", HASH, "Hash of the last block, from the batch that carried the logs"
            ),
            Column("n_logs", INT, "Logs in the answer"),
            Column("n_requests", INT, "Requests it took"),
            Column("n_bytes", INT, "Size of the answers", "bytes"),
            Column("elapsed_ms", FLOAT, "Time from request to decoded rows", "ms"),
            Column("endpoint", TEXT, "Endpoint that answered, masked"),
            Column(
                "verified_by",
                TEXT,
                "header: last block's header in the same batch; hash: every block asked by its hash;"
                " parquet: read from files",
            ),
            Column(
                "verify_mode",
                TEXT,
                "off; sample: 1 % of the blocks of empty answers tested besides; full: every block"
                " without logs",
            ),
            Column("blocks_tested", INT, "Blocks whose header was looked at; NULL in a cut range"),
            Column(
                "blocks_proven_empty",
                INT,
                "Tested blocks whose log bloom, or recomputed receipts root, excludes further logs",
            ),
            Column("blocks_reasked", INT, "Tested blocks that were asked a second time"),
            Column("blocks_repaired", INT, "Re-asked blocks whose hidden logs were added"),
            Column("blocks_unproven", INT, "Re-asked blocks about which nothing decides"),
            Column("committed_at", TIME, "Time of the commit, UTC"),
            RUN,
        ),
        ("chain_id", "selection", "from_block", "to_block"),
    ),
    Table(
        "completeness_findings",
        "state",
        "What stays open: gaps (no range covers them) and unproven blocks (in a range)",
        (
            CHAIN,
            Column("selection", HASH, "Digest of the selection, as in ranges"),
            Column("from_block", INT, "First block"),
            Column("to_block", INT, "Block after the last one (half-open)"),
            Column(
                "verdict",
                TEXT,
                "gap: logs exist that the answer lacked, and no source gives them with proof;"
                " unproven: the log bloom allows logs, and no source decides",
            ),
            Column("reason", TEXT, "What the second look met"),
            Column("endpoint", TEXT, "Endpoint whose answer is in doubt, masked"),
            Column("n_logs_hidden", INT, "Logs that a second source showed; 0 when none did"),
            Column("found_at", TIME, "Time of the commit, UTC"),
            RUN,
        ),
        ("chain_id", "selection", "from_block", "verdict"),
    ),
)
