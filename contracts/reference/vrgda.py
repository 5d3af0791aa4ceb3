"""Prices of a linear variable-rate gradual Dutch auction: the oracle of contracts/src/Vrgda.sol."""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

DIGITS = 60
"""Working precision: for every 64-bit moment a price loses less than one part in 10^40 to it."""

DAY_S = 86_400
_WAD = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class VrgdaParams:
    """Parameters as the contract stores them.

    Prices in wei; `decay_wad` is the part of the price lost in a day without sales and `rate_wad`
    the works sold in a day on schedule, both times 10^18.
    """

    start_wei: int
    floor_wei: int
    cap_wei: int
    decay_wad: int
    rate_wad: int


def price_wei(params: VrgdaParams, sold: int, elapsed_s: int) -> Decimal:
    """Returns the price of the next work in wei, not rounded to whole ones.

    start * (1 - decay)^(t - sold / rate), t in days, kept within floor and cap. Where the formula
    leaves that range by more than a factor e, the clamp decides without computing it.

    Source:
        transmissions11, "Variable Rate GDAs", Paradigm, 2022, linear schedule.
    """
    with localcontext(Context(prec=DIGITS)):
        ahead_days = Decimal(sold) * _WAD / params.rate_wad - Decimal(elapsed_s) / DAY_S
        log_keep = (1 - params.decay_wad / _WAD).ln()
        log_price = Decimal(params.start_wei).ln() - ahead_days * log_keep
        if log_price > Decimal(params.cap_wei).ln() + 1:
            return Decimal(params.cap_wei)
        if log_price < Decimal(params.floor_wei).ln() - 1:
            return Decimal(params.floor_wei)
        return min(max(log_price.exp(), Decimal(params.floor_wei)), Decimal(params.cap_wei))


def total_wei(params: VrgdaParams, sold: int, elapsed_s: int, count: int) -> Decimal:
    """Returns what the next `count` works cost together in wei, bought in the same second."""
    with localcontext(Context(prec=DIGITS)):
        prices = (price_wei(params, sold + i, elapsed_s) for i in range(count))
        return sum(prices, Decimal(0))
