"""Whether what a chain holds is what we would deploy: code by code, and wired alike."""

from collections.abc import Mapping
from typing import Any

from contracts.abi import ContractArtifact, load
from contracts.calldata import encode_call
from contracts.decoding import decode_answer
from contracts.errors import ContractError
from contracts.plan import PLAN, Step, resolve
from contracts.rpc import Rpc
from contracts.transactions import read_call

MISSING = "missing"


def inspect(
    rpc: Rpc, places: Mapping[str, str], settings: Mapping[str, Any]
) -> dict[str, str | None]:
    """Returns what is wrong with each contract of the plan, by field; None where nothing is.

    `MISSING` says that there is no code. Code is compared byte by byte, but for the words that a
    constructor fills in; those are read from the contract and compared with what the plan says,
    as far as `settings` has the value.
    """
    there = [step for step in PLAN if step.field in places]
    codes = rpc.batch([("eth_getCode", [places[step.field], "latest"]) for step in there])
    found: dict[str, str | None] = {step.field: MISSING for step in PLAN}
    for step, code in zip(there, codes, strict=True):
        if code in {"0x", None}:
            continue
        if matches(load(step.contract), code):
            found[step.field] = _wiring(rpc, step, places, settings)
        else:
            found[step.field] = f"other code than contracts/abi/{step.contract}.json"
    return found


def matches(artifact: ContractArtifact, code: str) -> bool:
    """Returns whether deployed code (0x text) is the artifact's, whatever its immutables hold."""
    deployed = bytearray.fromhex(code.removeprefix("0x"))
    expected = bytearray.fromhex(artifact.runtime.removeprefix("0x"))
    if len(deployed) != len(expected):
        return False
    for start, length in artifact.immutables:
        deployed[start : start + length] = bytes(length)
        expected[start : start + length] = bytes(length)
    return deployed == expected


def _wiring(
    rpc: Rpc, step: Step, places: Mapping[str, str], settings: Mapping[str, Any]
) -> str | None:
    """What a contract was told and should not have been: the first difference, else None."""
    for argument in (*step.arguments, *step.shows):
        if argument.getter is None:
            continue
        try:
            wanted = resolve(argument.value, places, settings)
        except KeyError:
            continue
        what = f"{step.contract}.{argument.getter}"
        data = encode_call(step.contract, argument.getter, *argument.inputs)
        try:
            answer = read_call(rpc, places[step.field], data, what)
            told = decode_answer(step.contract, argument.getter, answer)
        except ContractError as problem:
            return str(problem)
        if told != wanted:
            return f"{what} is {told}, not {wanted}"
    return None
