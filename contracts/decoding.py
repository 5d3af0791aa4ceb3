"""What contracts answer and emit, decoded with the committed ABIs."""

from functools import cache
from typing import Any

from contracts.abi import canonical_type, entry_of, event_topics, signature
from contracts.errors import ContractError


def decode_answer(contract: str, function: str, data: bytes) -> Any:
    """Returns what a function answered: its one value, or a tuple of several; addresses lower-case.

    Raises:
        ContractError: the answer is not of the function's types (another contract lives there).
    """
    outputs = entry_of(contract, "function", function)["outputs"]
    values = _decode([canonical_type(each) for each in outputs], data, f"{contract}.{function}")
    return values[0] if len(values) == 1 else values


@cache
def event_topic(contract: str, event: str) -> str:
    """Returns topic0 of one event as 0x text."""
    return event_topics(contract)[signature(entry_of(contract, "event", event))]


def decode_event(contract: str, event: str, log: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a log by name; an indexed text comes as the hash the log has."""
    inputs = entry_of(contract, "event", event)["inputs"]
    plain = [each for each in inputs if not each["indexed"]]
    indexed = [each for each in inputs if each["indexed"]]
    what = f"event {contract}.{event}"
    values = _decode([canonical_type(each) for each in plain], _bytes(log["data"]), what)
    words = [
        _decode([_topic_type(each)], _bytes(topic), what)[0]
        for each, topic in zip(indexed, log["topics"][1:], strict=True)
    ]
    found = dict(zip((each["name"] for each in plain), values, strict=True))
    found |= dict(zip((each["name"] for each in indexed), words, strict=True))
    return {each["name"]: found[each["name"]] for each in inputs}


def first_event(receipt: dict[str, Any], contract: str, event: str) -> dict[str, Any]:
    """Returns the arguments of the first event of a kind in a receipt.

    Raises:
        ContractError: the transaction emitted none.
    """
    wanted = event_topic(contract, event)
    for log in receipt["logs"]:
        if log["topics"] and log["topics"][0] == wanted:
            return decode_event(contract, event, log)
    message = f"transaction {receipt['transactionHash']} has no {event} event"
    raise ContractError(message)


def _topic_type(parameter: dict[str, Any]) -> str:
    kind = canonical_type(parameter)
    hashed = kind in {"string", "bytes"} or kind.endswith("]") or kind.startswith("(")
    return "bytes32" if hashed else kind


def _decode(types: list[str], data: bytes, what: str) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return tuple(decode(types, data))
    except (DecodingError, OverflowError) as problem:
        message = f"{what} cannot be read ({problem}); another contract may live at that address"
        raise ContractError(message) from problem


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
