"""Names of chains, as `--chain` takes them, and which chains' native coin is ether."""

from data.errors import UsageError

CHAINS: dict[str, int] = {
    "ethereum": 1,
    "optimism": 10,
    "bnb": 56,
    "polygon": 137,
    "opbnb": 204,
    "zksync": 324,
    "polygon_zkevm": 1_101,
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
    CHAINS[name]
    for name in (
        "ethereum",
        "optimism",
        "zksync",
        "polygon_zkevm",
        "base",
        "local",
        "arbitrum",
        "arbitrum_nova",
        "linea",
        "blast",
        "scroll",
        "zora",
        "ancient8",
    )
)
"""Chains whose native coin is ether."""

ETHER_TOKENS: dict[int, frozenset[str]] = {
    1: frozenset(
        {
            "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",  # WETH
            "0x0000000000a39bb272e79075ade125fd351887ac",  # Blur's pool
        }
    ),
    10: frozenset({"0x4200000000000000000000000000000000000006"}),
    137: frozenset({"0x7ceb23fd6bc0add59e62ac25578270cff1b9f619"}),
    8_453: frozenset({"0x4200000000000000000000000000000000000006"}),
    42_161: frozenset({"0x82af49447d8a07e3bd95bd0d56f35241523fbab1"}),
    81_457: frozenset({"0x4300000000000000000000000000000000000004"}),
    7_777_777: frozenset({"0x4200000000000000000000000000000000000006"}),
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
