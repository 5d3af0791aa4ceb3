"""What a contract meant when it refused: revert data decoded with the committed ABIs."""

from typing import Any

from contracts.abi import canonical_type, errors_by_selector

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x32: "index out of bounds",
    0x41: "out of memory",
}


def describe_revert(data: str | bytes | None) -> str:
    """Returns one line for revert data: `PriceAboveMax(price=2, maxPrice=1)`, or the plain text.

    Data that no committed ABI knows comes back as its hexadecimal beginning.
    """
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data or b"")
    if len(raw) < 4:
        return "reverted without a reason"
    try:
        return _decode(raw)
    except (ValueError, OverflowError):
        return f"reverted with malformed data 0x{raw[:36].hex()}"


def _decode(raw: bytes) -> str:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    head, body = raw[:4], raw[4:]
    try:
        if head == _ERROR_STRING:
            return str(decode(["string"], body)[0])
        if head == _PANIC:
            code = int(decode(["uint256"], body)[0])
            return f"panic 0x{code:02x}: {_PANICS.get(code, 'see the Solidity documentation')}"
        entry = errors_by_selector().get(head)
        if entry is None:
            return f"reverted with unknown error 0x{head.hex()}"
        values = decode([canonical_type(part) for part in entry["inputs"]], body)
    except DecodingError as problem:
        raise ValueError(str(problem)) from problem
    named = zip(entry["inputs"], values, strict=True)
    shown = ", ".join(f"{part['name']}={_show(value)}" for part, value in named)
    return f"{entry['name']}({shown})"


def _show(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
