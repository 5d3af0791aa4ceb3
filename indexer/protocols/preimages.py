"""Contents of which logs hold only the hash, found in the call data that brought them.

An indexed argument of dynamic type is logged as its Keccak-256. The bytes themselves lie in the
call data, as ABI lays them out: their length in a word, then they. Whoever was called, and through
whatever contracts, what has the hash is the content, so no function signature is needed.
"""

import polars as pl

_WORD = 32
_MAX_HASHED = 4 << 20
"""Bytes to hash per transaction: call data made to look like lengths cost no more than this."""
_KEY = ["block_hash", "tx_hash", "hash"]


def preimages(wanted: pl.DataFrame, transactions: pl.DataFrame) -> pl.DataFrame:
    """Contents by their hash.

    Args:
        wanted: block_hash, tx_hash, hash (`0x` text); more columns are not looked at.
        transactions: table `transactions`.

    Returns:
        block_hash, tx_hash, hash, content (bytes), of the hashes whose content was found.
    """
    asked = (
        wanted.select(_KEY)
        .drop_nulls()
        .group_by("block_hash", "tx_hash", maintain_order=True)
        .agg(pl.col("hash").unique(maintain_order=True))
        .join(
            transactions.select("block_hash", "tx_hash", "input"),
            on=["block_hash", "tx_hash"],
            maintain_order="left",
        )
    )
    rows = [
        (block_hash, tx_hash, digest, content)
        for block_hash, tx_hash, hashes, data in asked.iter_rows()
        for digest, content in find(data or b"", set(hashes)).items()
    ]
    schema = {name: pl.String() for name in _KEY} | {"content": pl.Binary()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def find(data: bytes, hashes: set[str]) -> dict[str, bytes]:
    """What in call data has one of the hashes."""
    from eth_hash.auto import keccak

    found: dict[str, bytes] = {}
    hashed = 0
    # Call data within call data are shifted by the four bytes of their selector.
    for at in range(0, len(data) - _WORD + 1, 4):
        if any(data[at : at + 28]):
            continue
        length = int.from_bytes(data[at + 28 : at + _WORD], "big")
        start = at + _WORD
        if length > len(data) - start:
            continue
        hashed += length
        if hashed > _MAX_HASHED or len(found) == len(hashes):
            break
        content = data[start : start + length]
        digest = "0x" + keccak(content).hex()
        if digest in hashes:
            found[digest] = content
    return found


def as_text(content: bytes | None) -> str | None:
    """Bytes as text, where they are UTF-8; a text that cannot be stored as such is none."""
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError:
        return None
    return text if content is not None and "\0" not in text else None
