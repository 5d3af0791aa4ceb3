"""Evidence: what the chain said. Deleted with its block in a reorg."""

from data.schema.model import BLOCK, LOG_KEY, LOG_PLACE, TOKEN, Column, Table
from data.types import ADDRESS, BYTES, HASH, INT, TEXT, WEI

EVIDENCE = (
    Table(
        "blocks",
        "evidence",
        "Headers seen while indexing; the recent ones are the reorg window",
        (
            *BLOCK,
            Column("parent_hash", HASH, "Hash of the parent block"),
            Column("logs_bloom", BYTES, "Log bloom filter of the header, 256 bytes"),
            Column("receipts_root", HASH, "Root of the trie of the block's receipts"),
        ),
        ("chain_id", "block_number", "block_hash"),
    ),
    Table(
        "logs",
        "evidence",
        "Raw logs that matched the selection",
        (
            *LOG_PLACE,
            Column("address", ADDRESS, "Contract that emitted the log"),
            Column("topic0", HASH, "Event signature hash; NULL for an anonymous event"),
            Column("topic1", HASH, "First indexed argument"),
            Column("topic2", HASH, "Second indexed argument"),
            Column("topic3", HASH, "Third indexed argument"),
            Column("data", BYTES, "Unindexed arguments"),
        ),
        LOG_KEY,
    ),
    Table(
        "transactions",
        "evidence",
        "Transactions that a protocol asked for, and on the local chain every one",
        (
            *BLOCK,
            Column("tx_hash", HASH, "Transaction"),
            Column("tx_index", INT, "Place of the transaction in the block"),
            Column("from_address", ADDRESS, "Sender"),
            Column("to_address", ADDRESS, "Receiver; NULL for a contract creation"),
            Column("value_wei", WEI, "Native coin sent along", "wei"),
            Column("input", BYTES, "Call data"),
        ),
        ("chain_id", "block_number", "block_hash", "tx_index"),
    ),
    Table(
        "value_traces",
        "evidence",
        "Calls within transactions that a protocol wants traced: those that moved native coin, and"
        " those to the protocol's contracts; calls that were reverted are left out",
        (
            *BLOCK,
            Column("tx_hash", HASH, "Transaction"),
            Column("tx_index", INT, "Place of the transaction in the block"),
            Column("place", INT, "Place among all calls of the transaction, in order of execution"),
            Column(
                "trace_address",
                TEXT,
                "Places among the calls of each caller, joined by _; empty for the transaction",
            ),
            Column("call_type", TEXT, "call, delegatecall, staticcall, callcode, create, suicide"),
            Column("from_address", ADDRESS, "Caller"),
            Column("to_address", ADDRESS, "Who was called, created or credited"),
            Column("value_wei", WEI, "Native coin sent along", "wei"),
            Column(
                "input", BYTES, "Call data, where the protocol's contract was called; else NULL"
            ),
        ),
        ("chain_id", "block_number", "block_hash", "tx_index", "place"),
    ),
    Table(
        "contract_reads",
        "evidence",
        "What contracts answered at a block",
        (
            *BLOCK,
            Column("contract", ADDRESS, "Contract that was called"),
            Column("input", BYTES, "Call data"),
            Column("output", BYTES, "Answer; NULL where the call failed"),
            Column(
                "error",
                TEXT,
                "Why the call failed, in the node's words, or reverted; NULL if it did not",
            ),
        ),
        ("chain_id", "block_number", "block_hash", "contract", "input"),
    ),
    Table(
        "token_uris",
        "evidence",
        "Metadata URIs of tokens as contracts told them at a block; read by `index --metadata`",
        (
            *BLOCK,
            *TOKEN,
            Column("method", TEXT, "tokenURI, uri, or event: the mint's own event carries it"),
            Column(
                "uri",
                TEXT,
                "URI without its data, 512 characters at most; foreign text; NULL without one",
            ),
            Column("uri_hash", HASH, "SHA-256 of the whole URI, {id} replaced; NULL without one"),
            Column("reason", TEXT, "Why there is none"),
        ),
        ("chain_id", "block_number", "block_hash", "collection", "token_id"),
    ),
)
