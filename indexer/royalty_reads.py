"""What contracts answered to ERC-2981's `royaltyInfo`, decoded for the ledger.

Source: EIP-2981, https://eips.ethereum.org/EIPS/eip-2981.
"""

import polars as pl

from data.store import Transaction
from data.types import WEI
from data.units import MAX_DECIMAL38

SELECTOR = bytes.fromhex("2a55205a")
"""Of `royaltyInfo(uint256,uint256)`."""

_WORD = 32
_COLUMNS = {
    "chain_id": pl.Int64(),
    "block_hash": pl.String(),
    "contract": pl.String(),
    "token_id": pl.String(),
    "price_wei": WEI.polars,
    "recipient": pl.String(),
    "amount_wei": WEI.polars,
}
_BATCH = 50_000


def royalty_call(token_id: int, price_wei: int) -> bytes:
    """Call data that ask for the royalty of a sale."""
    return SELECTOR + token_id.to_bytes(_WORD) + price_wei.to_bytes(_WORD)


def decode_reads(reads: pl.DataFrame) -> pl.DataFrame:
    """Royalties that contracts named: chain_id to amount_wei, one row per call.

    Recipient and amount are NULL where the call failed, or its answer is no royalty: too short, no
    address, or an amount of more than 38 digits. Calls of other functions are left out.

    Args:
        reads: columns of table `contract_reads`.
    """
    rows = []
    for read in reads.iter_rows(named=True):
        question, answer = read["input"], read["output"]
        if question[:4] != SELECTOR or len(question) != len(SELECTOR) + 2 * _WORD:
            continue
        price_wei = int.from_bytes(question[36:])
        if price_wei > MAX_DECIMAL38:
            continue
        recipient, amount_wei = _royalty(answer)
        place = (read["chain_id"], read["block_hash"], read["contract"])
        token_id = str(int.from_bytes(question[4:36]))
        rows.append((*place, token_id, price_wei, recipient, amount_wei))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _royalty(answer: bytes | None) -> tuple[str | None, int | None]:
    if answer is None or len(answer) < 2 * _WORD or any(answer[:12]):
        return None, None
    amount_wei = int.from_bytes(answer[_WORD : 2 * _WORD])
    if amount_wei > MAX_DECIMAL38:
        return None, None
    return "0x" + answer[12:_WORD].hex(), amount_wei


def register_reads(transaction: Transaction, source: str = "contract_reads") -> None:
    """A temporary table `royalty_reads` of the answers that a query or table holds."""
    kinds = {pl.Int64(): "BIGINT", pl.String(): "VARCHAR", WEI.polars: WEI.duckdb}
    columns = ", ".join(f"{name} {kinds[kind]}" for name, kind in _COLUMNS.items())
    transaction.execute(f"CREATE OR REPLACE TEMP TABLE royalty_reads ({columns})")
    selector = SELECTOR.hex().upper()
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE royalty_calls AS"
        f" SELECT *, row_number() OVER () // {_BATCH} AS batch FROM {source}"
        f" WHERE hex(input[:4]) = '{selector}'"
    )
    batches = transaction.query("SELECT DISTINCT batch FROM royalty_calls ORDER BY batch")
    for batch in batches["batch"]:
        calls = transaction.query(
            f"SELECT * EXCLUDE (batch) FROM royalty_calls WHERE batch = {batch}"
        )
        transaction.insert("royalty_reads", decode_reads(calls))
