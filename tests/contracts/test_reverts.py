import pytest
from eth_abi.abi import encode

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
    from eth_utils.crypto import keccak

    if data and "%s" in data:
        data = data % keccak(text="PriceAboveMax(uint256,uint256)")[:4].hex()
    assert describe_revert(data) == line
