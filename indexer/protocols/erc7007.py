"""ERC-7007: content that a model generated, in its three shapes.

- final: `AigcData` with four topics; prompt and data are indexed, so the log holds their hashes.
- reference: the same topic0 with three topics; the data are readable (AIGC-NFT/implementation).
- legacy: `Mint`, in two layouts of older commits of that implementation.

Contents are taken from the call data (`preimages`). A proof that is logged proves nothing by
itself: where the contents are known, the contract's own `verify` is asked at the block, and
`verifier` is what it answers to `verifier()`, where it has one.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.schema import table
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.preimages import as_text, preimages

_NAME = "erc7007"
_FINAL = Event.parse(
    "AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, bytes proof)"
)
_REFERENCE = Event.parse(
    "AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes aigcData, bytes proof)",
    name="AigcDataReadable",
)
_UPDATE = Event.parse(
    "Update(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData)"
)
_MINT_A = Event.parse(
    "Mint(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, string uri,"
    " bytes proof)",
    name="MintHashed",
)
_MINT_B = Event.parse(
    "Mint(address indexed to, uint256 indexed tokenId, bytes indexed prompt, bytes aigcData,"
    " string uri, bytes proof)",
    name="MintReadable",
)
_SHAPES = {
    "AigcData": ("generated", "final"),
    "AigcDataReadable": ("generated", "reference"),
    "Update": ("updated", "final"),
    "MintHashed": ("generated", "legacy"),
    "MintReadable": ("generated", "legacy"),
}
_VERIFIER = bytes.fromhex("2b7ac3f3")
_VERIFY = bytes.fromhex("de8f50a1")
"""Selectors of verifier() and verify(bytes,bytes,bytes)."""
_URI = r"^(ipfs|ar|https?)://|^data:"


def _routes(context: ChainContext) -> Sequence[Route]:
    del context
    return [
        Route(_FINAL, "final"),
        Route(_UPDATE, "final"),
        Route(_REFERENCE, "reference"),
        Route(_MINT_A, "legacy-a"),
        Route(_MINT_B, "legacy-b"),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    reads = around.beside.contract_reads
    rows = _read(events, around)
    for wanted, answers in ((_asking_verifier, _addresses), (_asking_to_verify, _truths)):
        rows = (
            rows.with_columns(wanted().alias("input"))
            .join(
                answers(reads),
                left_on=["block_hash", "collection", "input"],
                right_on=["block_hash", "contract", "input"],
                how="left",
                maintain_order="left",
            )
            .drop("input")
        )
    columns = [name for name in table("provenance_events").column_names if name in rows.columns]
    return {"provenance_events": rows.select(columns)}


def _read(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    """Rows of `provenance_events` with prompt_content and data_content, without what is asked."""
    rows = [_rows(name, events[name].rows) for name in _SHAPES if name in events]
    empty = pl.DataFrame(schema={"proof": pl.Binary()})
    return _with_contents(pl.concat([empty, *rows], how="diagonal"), around.beside.transactions)


def _rows(name: str, logs: pl.DataFrame) -> pl.DataFrame:
    event, shape = _SHAPES[name]
    readable = logs.schema["aigcData"] == pl.Binary
    return logs.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        pl.lit(event).alias("event"),
        pl.col("address").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        *([pl.col("to").alias("account")] if "to" in logs.columns else []),
        *(["uri"] if "uri" in logs.columns else []),
        pl.lit(_NAME).alias("standard"),
        pl.lit(shape).alias("shape"),
        pl.col("prompt").alias("prompt_hash"),
        (_hash(pl.col("aigcData")) if readable else pl.col("aigcData")).alias("data_hash"),
        (pl.col("aigcData") if readable else pl.lit(None, pl.Binary)).alias("logged_data"),
        *(["proof"] if "proof" in logs.columns else []),
    )


def _hash(content: pl.Expr) -> pl.Expr:
    def keccak_of(data: bytes) -> str:
        from eth_hash.auto import keccak

        return "0x" + keccak(data).hex()

    return content.map_elements(keccak_of, return_dtype=pl.String)


def _with_contents(rows: pl.DataFrame, transactions: pl.DataFrame) -> pl.DataFrame:
    """The rows with prompt_text and data_uri, as far as call data or logs hold them."""
    place = ["block_hash", "tx_hash"]
    wanted = pl.concat(
        [rows.select(*place, pl.col(name).alias("hash")) for name in ("prompt_hash", "data_hash")]
    )
    found = preimages(wanted, transactions).unique([*place, "hash"], keep="first")
    for name in ("prompt", "data"):
        contents = found.select(
            *place, pl.col("hash").alias(f"{name}_hash"), pl.col("content").alias(f"{name}_content")
        )
        rows = rows.join(contents, on=[*place, f"{name}_hash"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.coalesce("data_content", "logged_data").alias("data_content"))
    data = _text(pl.col("data_content"))
    return rows.with_columns(
        _text(pl.col("prompt_content")).alias("prompt_text"),
        pl.when(data.str.contains(_URI)).then(data).alias("data_uri"),
    )


def _text(content: pl.Expr) -> pl.Expr:
    return content.map_elements(as_text, return_dtype=pl.String)


# --- what contracts are asked


def _calls(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    rows = _read(events, around)
    return pl.concat(
        [
            rows.select(*PLACE[:4], pl.col("collection").alias("contract"), asked.alias("input"))
            for asked in (_asking_verifier(), _asking_to_verify())
        ]
    ).filter(pl.col("input").is_not_null())


def _asking_verifier() -> pl.Expr:
    return pl.lit(_VERIFIER)


def _asking_to_verify() -> pl.Expr:
    """Call data of verify(prompt, aigcData, proof); NULL where one of them is not known."""

    def encoded(row: dict[str, bytes | None]) -> bytes | None:
        from eth_abi.abi import encode

        contents = list(row.values())
        return None if None in contents else _VERIFY + encode(["bytes"] * 3, contents)

    asked = pl.struct("prompt_content", "data_content", "proof")
    return asked.map_elements(encoded, return_dtype=pl.Binary)


def _addresses(reads: pl.DataFrame) -> pl.DataFrame:
    """Answers that are an address: block_hash, contract, input, verifier."""
    output = pl.col("output")
    is_address = (
        (output.bin.size() == 32)
        & (output.bin.slice(0, 12) == bytes(12))
        & (output.bin.slice(12, 20) != bytes(20))
    )
    return reads.filter(is_address.fill_null(value=False)).select(
        "block_hash",
        "contract",
        "input",
        pl.concat_str(pl.lit("0x"), output.bin.slice(12, 20).bin.encode("hex")).alias("verifier"),
    )


def _truths(reads: pl.DataFrame) -> pl.DataFrame:
    """Answers that are true or false: block_hash, contract, input, verify_result."""
    words = [value.to_bytes(32, "big") for value in (0, 1)]
    return reads.filter(pl.col("output").is_in(words)).select(
        "block_hash", "contract", "input", (pl.col("output") == words[1]).alias("verify_result")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "call"}),
    calls=_calls,
    limits=(
        "A prompt that is not in the transaction's call data stays a hash.",
        "`verify_result` is what the contract's own `verify` answers at the end of the block; NULL"
        " without the contents, and where the node cannot call at that block.",
    ),
)
