import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from contracts.abi import artifact_names, canonical_type, load
from contracts.reverts import describe_revert


def custom(selector, types, values):
    return "0x" + selector + encode(types, values).hex()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        # keccak("PriceAboveMax(uint256,uint256)")[:4], computed with another tool
        (custom("%s", ["uint256", "uint256"], [2, 1]), "PriceAboveMax(price=2, maxPrice=1)"),
        (custom("08c379a0", ["string"], ["no change, thanks"]), "no change, thanks"),
        (custom("4e487b71", ["uint256"], [0x11]), "panic 0x11: arithmetic overflow or underflow"),
        ("0x", "reverted without a reason"),
        (None, "reverted without a reason"),
        ("0xdeadbeef", "reverted with unknown error 0xdeadbeef"),
        ("0x08c379a0ffff", "reverted with malformed data 0x08c379a0ffff"),
    ],
)
def test_revert_data_becomes_one_line(data, line):
    if data and "%s" in data:
        data = data % keccak(text="PriceAboveMax(uint256,uint256)")[:4].hex()
    assert describe_revert(data) == line


def sample(parameter):
    """A value of a parameter, and how it is shown."""
    kind = parameter["type"]
    if kind == "tuple":
        parts = [sample(part)[0] for part in parameter["components"]]
        return tuple(parts), None
    if kind == "address":
        return "0x" + "ab" * 20, "0x" + "ab" * 20
    if kind.startswith("bytes"):
        size = int(kind.removeprefix("bytes") or 3)
        return b"\x07" * size, "0x" + "07" * size
    if kind == "string":
        return "words", "words"
    if kind == "bool":
        return True, "True"
    return 5, "5"


EVERY_ERROR = [
    pytest.param(name, entry, id=f"{name}.{entry['name']}")
    for name in artifact_names()
    for entry in load(name).abi
    if entry["type"] == "error"
]


@pytest.mark.parametrize(("name", "entry"), EVERY_ERROR)
def test_every_error_of_every_contract_is_decoded_with_its_values(name, entry):
    values = [sample(part) for part in entry["inputs"]]
    types = [canonical_type(part) for part in entry["inputs"]]
    selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4].hex()
    line = describe_revert(custom(selector, types, [value for value, _ in values]))
    assert line.startswith(entry["name"] + "(")
    for part, (_, shown) in zip(entry["inputs"], values, strict=True):
        if shown is not None:
            assert f"{part['name']}={shown}" in line
