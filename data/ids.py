"""Identities as text: addresses, hashes, sales and tokens."""

import re

from data.errors import UsageError

_ADDRESS = re.compile(r"^0x[0-9a-f]{40}$")


def parse_address(text: str) -> str:
    """The address in lower case.

    Raises:
        UsageError: the text is no address of 20 bytes.
    """
    address = text.strip().lower()
    if not _ADDRESS.match(address):
        message = f"{text!r} is no address; one has 0x and 40 hex digits"
        raise UsageError(message)
    return address


def sale_id(chain_id: int, block_hash: str, log_index: int, item_index: int = 0) -> str:
    """Identity of a sale: unique even when its transaction is mined again in another block."""
    return f"{chain_id}:{block_hash}:{log_index}:{item_index}"


def token_key(chain_id: int, collection: str, token_id: str) -> str:
    """Identity of a token in URLs: `chain:address:token`, lower case."""
    return f"{chain_id}:{collection.lower()}:{token_id}"


def parse_token_key(text: str) -> tuple[int, str, str]:
    """Chain, collection and token of a `chain:address:token` key.

    Raises:
        UsageError: the key is malformed; the message shows a good one.
    """
    parts = text.strip().split(":")
    if len(parts) != 3 or not parts[0].isdecimal() or not parts[2].isdecimal():
        message = f"{text!r} is no token; write chain:address:token, e.g. 31337:0xab…cd:12"
        raise UsageError(message)
    return int(parts[0]), parse_address(parts[1]), parts[2]


def short(address: str) -> str:
    """An address or hash shortened for display: `0x1234…abcd`."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
