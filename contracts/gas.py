"""What a transaction may cost: fees as the chain asks for them, held to caps."""

from dataclasses import dataclass
from typing import Any

from contracts.errors import GasCapError
from contracts.rpc import Rpc

GWEI = 10**9
GAS_MARGIN = 1.2
"""The last storage refunds and the 63/64 rule can leave an exact estimate short."""

MAX_GAS = 16_777_216
"""2^24: the most gas that Ethereum takes in one transaction since EIP-7825."""
MAX_FEE_GWEI = 500.0
MAX_GAS_HELP = "Most gas of one transaction; more is refused before it is sent."
MAX_FEE_HELP = "Most gwei per gas; while the chain asks for more, nothing is sent."


@dataclass(frozen=True)
class GasCaps:
    """The most gas of a transaction, and the most wei that one gas may cost."""

    max_gas: int = MAX_GAS
    max_fee_per_gas_wei: int = round(MAX_FEE_GWEI * GWEI)

    @classmethod
    def of(cls, max_gas: int = MAX_GAS, max_fee_gwei: float = MAX_FEE_GWEI) -> "GasCaps":
        """Returns caps in the units of the command line."""
        return cls(max_gas, round(max_fee_gwei * GWEI))


def gas_limit(estimate: int, caps: GasCaps, what: str) -> int:
    """Returns the gas limit of a transaction: its estimate and a fifth more, within the cap.

    Raises:
        GasCapError: the estimate itself is above the cap.
    """
    if estimate > caps.max_gas:
        message = (
            f"{what} needs {estimate:,} gas, more than the cap of {caps.max_gas:,}; "
            f"allow it with --max-gas {estimate} (a chain may refuse more than {MAX_GAS:,})"
        )
        raise GasCapError(message)
    return min(int(estimate * GAS_MARGIN), caps.max_gas)


def fees(rpc: Rpc, caps: GasCaps, what: str) -> dict[str, str]:
    """Returns the fee fields of a transaction as 0x text: EIP-1559, or `gasPrice` without it.

    Twice the base fee lasts six full blocks, the cap permitting; what is not used is not paid.

    Raises:
        GasCapError: the chain asks for more than the cap now.
    """
    block: dict[str, Any] = rpc.call("eth_getBlockByNumber", ["latest", False])
    if block.get("baseFeePerGas") is None:
        price = int(rpc.call("eth_gasPrice"), 16)
        _refuse_above(price, caps, what)
        return {"gasPrice": hex(price)}
    tip, base = int(rpc.call("eth_maxPriorityFeePerGas"), 16), int(block["baseFeePerGas"], 16)
    _refuse_above(base + tip, caps, what)
    most = min(2 * base + tip, caps.max_fee_per_gas_wei)
    return {"maxFeePerGas": hex(most), "maxPriorityFeePerGas": hex(tip)}


def _refuse_above(price: int, caps: GasCaps, what: str) -> None:
    if price > caps.max_fee_per_gas_wei:
        asked, most = price / GWEI, caps.max_fee_per_gas_wei / GWEI
        message = (
            f"{what} would pay {asked:.9g} gwei per gas now, more than the cap of {most:.9g}; "
            f"wait, or allow it with --max-fee-gwei {asked * 1.25:.3g}"
        )
        raise GasCapError(message)
