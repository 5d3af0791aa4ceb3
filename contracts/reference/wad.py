"""What the contracts' fixed-point logarithm and exponential answer, to the last digit.

`contracts.reference.vrgda` says what a price should be; this module says what the contract will
ask, so that books can be kept to the wei without asking the chain. The two functions are rational
approximations by Remco Bloemen (2022) as solady has them; the coefficients are theirs. Numbers are
wads: 18 decimals. A test compares both with the contract.
"""

from contracts.reference.vrgda import DAY_S, VrgdaParams

WAD = 10**18
_BITS = 96
_LN_2_WAD_96 = 54916777467707473351141471128
"""ln 2 in 96 binary places."""

_LN_P = (
    3273285459638523848632254066296,
    24828157081833163892658089445524,
    43456485725739037958740375743393,
    -11111509109440967052023855526967,
    -45023709667254063763336534515857,
    -14706773417378608786704636184526,
    -795164235651350426258249787498,
)
_LN_Q = (
    5573035233440673466300451813936,
    71694874799317883764090561454958,
    283447036172924575727196451306956,
    401686690394027663651624208769553,
    204048457590392012362485061816622,
    31853899698501571402653359427138,
    909429971244387300277376558375,
)
_LN_SCALE = 1677202110996718588342820967067443963516166
_LN_PER_BIT = 16597577552685614221487285958193947469193820559219878177908093499208371
_LN_OFFSET = 600920179829731861736702779321621459595472258049074101567377883020018308
_LN_SHIFT = 174

_EXP_Q = (
    -2855989394907223263936484059900,
    50020603652535783019961831881945,
    -533845033583426703283633433725380,
    3604857256930695427073651918091429,
    -14423608567350463180887372962807573,
    26449188498355588339934803723976023,
)
_EXP_SCALE = 3822833074963236453042738258902158003155416615667
_EXP_SHIFT = 195

_DECISIVE = 67 * WAD


def ln_wad(x: int) -> int:
    """The natural logarithm of a positive wad, as a wad."""
    power = x.bit_length() - 1 - _BITS
    x = x >> power if power >= 0 else x << -power
    p = _horner(_LN_P[:-1], x) * x + (_LN_P[-1] << _BITS)
    q = _horner(_LN_Q, x)
    answer = _divide(p, q) * _LN_SCALE + _LN_PER_BIT * power + _LN_OFFSET
    return answer >> _LN_SHIFT


def exp_wad(x: int) -> int:
    """E to the power of a wad from 0 to 135, as a wad, rounded down."""
    x = (x << 78) // 5**18
    power = ((x << _BITS) // _LN_2_WAD_96 + 2 ** (_BITS - 1)) >> _BITS
    x -= power * _LN_2_WAD_96
    y = x + 1346386616545796478920950773328
    y = ((y * x) >> _BITS) + 57155421227552351082224309758442
    p = y + x - 94201549194550492254356042504812
    p = ((p * y) >> _BITS) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << _BITS)
    quotient = _divide(p, _horner(_EXP_Q, x))
    answer: int = (quotient * _EXP_SCALE) >> (_EXP_SHIFT - power)
    return answer


def contract_price_wei(params: VrgdaParams, sold: int, elapsed_s: int) -> int:
    """The price that the contract asks for the next work, in wei.

    `sold` works in `elapsed_s` seconds since the start; the same roundings in the same order as
    contracts/src/Vrgda.sol.
    """
    scheduled = sold * WAD * WAD // params.rate_wad
    passed = elapsed_s * WAD // DAY_S
    ahead = scheduled > passed
    per_day = -ln_wad(WAD - params.decay_wad)
    off = abs(scheduled - passed) * per_day // WAD
    if off >= _DECISIVE:
        return params.cap_wei if ahead else params.floor_wei
    factor = exp_wad(off)
    if ahead:
        return min(params.cap_wei, params.start_wei * factor // WAD)
    return max(params.floor_wei, params.start_wei * WAD // factor)


def _horner(coefficients: tuple[int, ...], x: int) -> int:
    """A monic polynomial, highest power first, in 96 binary places."""
    value = x + coefficients[0]
    for coefficient in coefficients[1:]:
        value = ((value * x) >> _BITS) + coefficient
    return value


def _divide(p: int, q: int) -> int:
    """Division that rounds towards zero, as the machine does it."""
    quotient = abs(p) // abs(q)
    return quotient if (p < 0) == (q < 0) else -quotient
