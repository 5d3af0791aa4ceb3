"""Exact conversions between units of money, and the constants of currencies."""

from decimal import Decimal

WEI_PER_ETH = 10**18
NATIVE = "0x0000000000000000000000000000000000000000"
ZERO_ADDRESS = NATIVE
MAX_DECIMAL38 = 10**38 - 1
"""Largest amount that DECIMAL(38,0) holds; larger ones go to quarantine."""


def wei_to_eth(wei: int) -> Decimal:
    """Exact ETH of an amount of wei."""
    return Decimal(wei) / WEI_PER_ETH


def eth_to_wei(eth: str | Decimal) -> int:
    """Exact wei of an amount of ETH given as text or Decimal.

    Raises:
        ValueError: the amount is finer than one wei.
    """
    wei = Decimal(eth) * WEI_PER_ETH
    if wei != wei.to_integral_value():
        message = f"{eth} ETH is finer than one wei"
        raise ValueError(message)
    return int(wei)
