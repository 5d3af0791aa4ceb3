"""Names of chains, as `--chain` takes them, and which chains' native coin is ether."""

from data.currencies import currencies
from data.errors import UsageError
from data.units import NATIVE

CHAINS: dict[str, int] = {
    "ethereum": 1,
    "optimism": 10,
    "bnb": 56,
    "polygon": 137,
    "opbnb": 204,
    "zksync": 324,
    "polygon_zkevm": 1_101,
    "story": 1_514,
    "astar_zkevm": 3_776,
    "base": 8_453,
    "local": 31_337,
    "arbitrum": 42_161,
    "arbitrum_nova": 42_170,
    "avalanche": 43_114,
    "linea": 59_144,
    "apex": 70_700,
    "blast": 81_457,
    "scroll": 534_352,
    "zora": 7_777_777,
    "ancient8": 888_888_888,
}

ETHER_CHAINS = frozenset(
    each.chain_id for each in currencies().values() if each.is_ether and each.address == NATIVE
)
"""Chains whose native coin is ether."""

ETHER_TOKENS: dict[int, frozenset[str]] = {
    chain_id: frozenset(
        each.address
        for each in currencies().values()
        if each.chain_id == chain_id and each.is_ether and each.address != NATIVE
    )
    for chain_id in CHAINS.values()
}
"""Tokens that stand for one ether each, by chain (18 decimals)."""


def chain_id_of(name: str) -> int:
    """The id of a chain given by name or number.

    Raises:
        UsageError: the name is unknown; the message lists the known ones.
    """
    text = name.strip().lower()
    if text.isdecimal():
        return int(text)
    if text not in CHAINS:
        message = f"unknown chain {name!r}; give its number or one of {', '.join(sorted(CHAINS))}"
        raise UsageError(message)
    return CHAINS[text]


def chain_name(chain_id: int) -> str:
    """The name of a chain, or its number where it has none here."""
    return next((name for name, known in CHAINS.items() if known == chain_id), str(chain_id))
