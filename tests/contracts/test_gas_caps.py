import pytest

from contracts.errors import GasCapError
from contracts.gas import GWEI, GasCaps, fees, gas_limit


class Node:
    """A node with these prices in gwei."""

    def __init__(self, base, tip=1, price=0):
        self.base, self.tip, self.price = base, tip, price

    def call(self, method, params=()):
        if method == "eth_getBlockByNumber":
            return {} if self.base is None else {"baseFeePerGas": hex(round(self.base * GWEI))}
        amounts = {"eth_maxPriorityFeePerGas": self.tip, "eth_gasPrice": self.price}
        return hex(round(amounts[method] * GWEI))


CAPS = GasCaps.of(1_000_000, 30)


def test_limit_is_a_fifth_above_the_estimate():
    assert gas_limit(100_000, CAPS, "a mint") == 120_000


def test_limit_never_passes_the_cap_which_the_estimate_may_just_meet():
    assert gas_limit(900_000, CAPS, "a mint") == 1_000_000
    assert gas_limit(1_000_000, CAPS, "a mint") == 1_000_000


def test_estimate_above_the_cap_is_refused_with_the_figures_and_the_fix():
    with pytest.raises(GasCapError) as raised:
        gas_limit(1_000_001, CAPS, "a mint")
    said = str(raised.value)
    assert said.startswith("a mint needs 1,000,001 gas, more than the cap of 1,000,000")
    assert "--max-gas 1000001" in said
    assert raised.value.exit_code == 1


def test_fee_is_twice_the_base_and_the_tip():
    assert fees(Node(10), CAPS, "a mint") == {
        "maxFeePerGas": hex(21 * GWEI),
        "maxPriorityFeePerGas": hex(GWEI),
    }


def test_fee_never_passes_the_cap_which_the_price_may_just_meet():
    assert fees(Node(29), CAPS, "a mint")["maxFeePerGas"] == hex(30 * GWEI)


def test_price_above_the_cap_is_refused_with_the_figures_and_the_fix():
    with pytest.raises(GasCapError) as raised:
        fees(Node(29.5), CAPS, "a mint")
    said = str(raised.value)
    assert "a mint would pay 30.5 gwei per gas now, more than the cap of 30;" in said
    assert "--max-fee-gwei 38.1" in said


def test_chain_without_base_fees_gets_a_gas_price():
    assert fees(Node(None, price=20), CAPS, "a mint") == {"gasPrice": hex(20 * GWEI)}
    with pytest.raises(GasCapError, match="31 gwei"):
        fees(Node(None, price=31), CAPS, "a mint")
