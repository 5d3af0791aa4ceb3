"""NFTX 2 and 3: vaults of one collection each, whose shares are 1e18 for every token inside.

Shares are minted as tokens come in and burned as they go, so the supply is 1e18 times the tokens
held; the receipts tell how many. Tokens go to whom the event names. Of ERC-721 the event's amounts
mean nothing; what moved tells which standard it is. Fees of version 2 are shares, paid on to
stakers of shares and of liquidity (`FeesReceived`); those of version 3 are WETH, and a part, the
premium for a token that came in lately, goes to who brought it (`PremiumShared`).

What a token cost stands in no event: shares are bought or sold on an exchange in the same
transaction. Such trades are rows of their own, `share_trade`, read from the ERC-20 transfers.

Source: NFTX-project/nftx-protocol-v2, contracts/solidity/NFTXVaultUpgradeable.sol; its successor,
nftx-protocol-v3, src/NFTXVaultUpgradeableV3.sol and NFTXInventoryStakingV3Upgradeable.sol; the
staking contracts of version 2 from its README and tests; events of the protocol table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.vaults import (
    share_trades,
    share_transfers,
    together,
    vault_rows,
    with_moved,
    with_payment,
)

_NAME = "nftx"
_FACTORIES = {
    1: {
        "2": "0xbe86f647b167567525ccaafcd6f881f1ee558216",
        "3": "0xc255335bc5abd6928063f5788a5e420554858f01",
    },
    42_161: {"3": "0x4deeb9d2bff2e9c35ce1f013dcc4582f891cb711"},
}
_STAKING_2 = {
    1: {
        "0x3e135c3e981fae3383a5ae0d323860a34cfab893",
        "0x688c3e4658b5367da06fd629e41879beab538e37",
    }
}
_STAKING_3 = {
    1: "0x889f313e2a3fdc1c9a45bc6020a8a18749cd6152",
    42_161: "0xe39a7e67d3e3b6eaf58bc02c4e80c3688847d155",
}
_WETH = {
    1: "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    42_161: "0x82af49447d8a07e3bd95bd0d56f35241523fbab1",
}
_OPENED = {
    "2": Event.parse(
        "NewVault(uint256 indexed vaultId, address vaultAddress, address assetAddress)"
    ),
    "3": Event.parse(
        "NewVault(uint256 indexed vaultId, address vaultAddress, address assetAddress,"
        " string name, string symbol)"
    ),
}
_VAULT_EVENTS = {
    "2": (
        Event.parse("Minted(uint256[] nftIds, uint256[] amounts, address to)"),
        Event.parse("Redeemed(uint256[] nftIds, uint256[] specificIds, address to)"),
        Event.parse(
            "Swapped(uint256[] nftIds, uint256[] amounts, uint256[] specificIds,"
            " uint256[] redeemedIds, address to)"
        ),
        Event.parse("VaultShutdown(address assetAddress, uint256 numItems, address recipient)"),
    ),
    "3": (
        Event.parse(
            "Minted(uint256[] nftIds, uint256[] amounts, address to, address depositor)",
            name="Minted3",
        ),
        Event.parse("Redeemed(uint256[] specificIds, address to)", name="Redeemed3"),
        Event.parse(
            "Swapped(uint256[] nftIds, uint256[] amounts, uint256[] specificIds, address to,"
            " address depositor)",
            name="Swapped3",
        ),
        Event.parse("PremiumShared(address depositor, uint256 wethPremium)", wei=["wethPremium"]),
    ),
}
_FEES = Event.parse("FeesReceived(uint256 vaultId, uint256 amount)", wei=["amount"])
_STAKING_EVENTS = (
    Event.parse("CollectWethFees(uint256 indexed positionId, uint256 wethAmount)", ["wethAmount"]),
    Event.parse(
        "Deposit(uint256 indexed vaultId, uint256 indexed positionId, uint256 amount,"
        " bool forceTimelock)",
        wei=["amount"],
    ),
    Event.parse(
        "Withdraw(uint256 indexed positionId, uint256 vTokenShares, uint256 vTokenAmount,"
        " uint256 wethAmount)",
        wei=["vTokenAmount", "wethAmount"],
    ),
)
# Event, the array of tokens that move, the array of their amounts, what it is.
_MOVES = (
    ("Minted", "nftIds", "amounts", "deposit"),
    ("Minted3", "nftIds", "amounts", "deposit"),
    ("Redeemed", "nftIds", None, "withdraw"),
    ("Redeemed3", "specificIds", None, "withdraw"),
    ("Swapped", "nftIds", "amounts", "swap_in"),
    ("Swapped", "redeemedIds", None, "swap_out"),
    ("Swapped3", "nftIds", "amounts", "swap_in"),
    ("Swapped3", "specificIds", None, "swap_out"),
)
_SELF = pl.col("address")


def _routes(context: ChainContext) -> Sequence[Route]:
    chain = context.chain_id
    factories = _FACTORIES.get(chain, {})
    routes = [
        Route(_OPENED[version], version, frozenset({factory}))
        for version, factory in factories.items()
    ]
    # Vaults of version 3 speak some words of version 2.
    for version, events in _VAULT_EVENTS.items() if factories else ():
        routes += [Route(event, version) for event in events]
    if chain in _STAKING_2:
        routes.append(Route(_FEES, "2", frozenset(_STAKING_2[chain])))
    if chain in _STAKING_3:
        staking = frozenset({_STAKING_3[chain]})
        routes += [Route(event, "3", staking) for event in _STAKING_EVENTS]
    return routes


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    moves = _moves(events, around)
    rows = together([*_opened(frames), *moves, *_ended(frames), *_income(frames, around)])
    rows = together([rows, share_trades(together(moves), around.payments, _NAME)])
    return {"vault_events": rows, "share_transfers": share_transfers(rows, around.payments)}


def _opened(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    if "NewVault" not in frames:
        return []
    return [
        vault_rows(
            frames["NewVault"],
            _NAME,
            "opened",
            vault="vaultAddress",
            reference_id="vaultId",
            collection="assetAddress",
        )
    ]


def _ended(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    if "VaultShutdown" not in frames:
        return []
    return [
        vault_rows(
            frames["VaultShutdown"],
            _NAME,
            "shutdown",
            collection="assetAddress",
            quantity="numItems",
            account="recipient",
        )
    ]


# --- tokens


def _moves(events: Mapping[str, Decoded], around: Around) -> list[pl.DataFrame]:
    """Tokens that came in and went out, with the shares minted or burned on each first row."""
    parts = [
        _items(events[name], ids, amounts, kind)
        for name, ids, amounts, kind in _MOVES
        if name in events
    ]
    if not parts:
        return []
    items = pl.concat(parts, how="diagonal").with_columns(_SELF.alias("vault"))
    items = _with_tokens(items, around.fact("transfers"))
    heads = items.unique(["block_hash", "log_index"], keep="first", maintain_order=True)
    minted = with_moved(heads, around.payments, mints=True)
    burned = with_moved(heads, around.payments, mints=False)
    rows = []
    for kind, moved in (
        ("deposit", minted),
        ("withdraw", burned),
        ("swap_in", None),
        ("swap_out", None),
    ):
        part = items.filter(pl.col("kind") == kind)
        shares = pl.lit(None, pl.String)
        if moved is not None:
            part = part.join(
                moved.select("block_hash", "log_index", "moved_shares"),
                on=["block_hash", "log_index"],
                how="left",
                maintain_order="left",
            )
            shares = pl.when(pl.col("item_index") == 0).then("moved_shares")
        rows.append(
            vault_rows(
                part,
                _NAME,
                kind,
                item_index="item_index",
                collection="collection",
                token_id=pl.col("token_id"),
                quantity="quantity",
                account="to",
                shares=shares,
            )
        )
    return rows


def _items(decoded: Decoded, ids: str, amounts: str | None, kind: str) -> pl.DataFrame:
    """One row per token of a log; those that go out are numbered behind those that come in."""
    items = decoded.items[ids].rename({"value": "token_id"})
    if amounts:
        units = decoded.items[amounts].rename({"value": "units"})
        items = items.join(units, on=["row", "item"], how="left", maintain_order="left")
    else:
        items = items.with_columns(pl.lit("1").alias("units"))
    before = pl.lit(0, pl.Int64)
    if kind == "swap_out":
        first = decoded.items["nftIds"].group_by("row").len("n_in")
        items = items.join(first, on="row", how="left", maintain_order="left")
        before = pl.col("n_in").fill_null(0).cast(pl.Int64)
    return items.join(decoded.rows, on="row", maintain_order="left").with_columns(
        (pl.col("item").cast(pl.Int64) + before).alias("item_index"), pl.lit(kind).alias("kind")
    )


def _with_tokens(items: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """The items with `collection` and `quantity`, as the tokens moved in the transaction."""
    comes_in = pl.col("kind").is_in(["deposit", "swap_in"])
    key = ["block_hash", "tx_hash", "vault", "token_id", "comes_in"]
    sides = [
        transfers.select(
            "block_hash",
            "tx_hash",
            pl.col(side).alias("vault"),
            "token_id",
            pl.lit(side == "to_address").alias("comes_in"),
            "collection",
            (pl.col("token_standard") == "erc1155").alias("is_many"),
        )
        for side in ("to_address", "from_address")
    ]
    moved = pl.concat(sides).unique(key, keep="first", maintain_order=True)
    found = items.with_columns(comes_in.alias("comes_in")).join(
        moved, on=key, how="left", maintain_order="left"
    )
    quantity = pl.when(pl.col("is_many")).then("units").otherwise(pl.lit("1"))
    return found.with_columns(quantity.alias("quantity"))


# --- income


def _income(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    weth = pl.lit(_WETH.get(around.context.chain_id), pl.String)
    rows = []
    if "FeesReceived" in frames:
        fees = with_payment(frames["FeesReceived"], around.payments, "amount")
        rows.append(
            vault_rows(
                fees,
                _NAME,
                "dividend",
                vault="paid_token",
                reference_id="vaultId",
                account="paid_to",
                currency="paid_token",
                amount_wei="amount",
            )
        )
    if "PremiumShared" in frames:
        premiums = frames["PremiumShared"]
        rows.append(
            vault_rows(
                premiums,
                _NAME,
                "premium",
                account="depositor",
                currency=weth,
                amount_wei="wethPremium",
            )
        )
    return [*rows, *_staking(frames, around, weth)]


def _staking(
    frames: Mapping[str, pl.DataFrame], around: Around, weth: pl.Expr
) -> list[pl.DataFrame]:
    """Positions of version 3, which are tokens of the staking contract."""
    position = {"collection": _SELF, "token_id": pl.col("positionId")}
    rows = []
    if "CollectWethFees" in frames:
        paid = with_payment(frames["CollectWethFees"], around.payments, "wethAmount", sender=_SELF)
        rows.append(
            vault_rows(
                paid,
                _NAME,
                "dividend_claim",
                vault=pl.lit(None, pl.String),
                account="paid_to",
                currency=weth,
                amount_wei="wethAmount",
                **position,
            )
        )
    if "Deposit" in frames:
        staked = with_payment(frames["Deposit"], around.payments, "amount", receiver=_SELF)
        rows.append(
            vault_rows(
                staked,
                _NAME,
                "staked",
                vault="paid_token",
                reference_id="vaultId",
                shares=pl.col("amount").cast(pl.Int128).cast(pl.String),
                **position,
            )
        )
    if "Withdraw" in frames:
        out = with_payment(frames["Withdraw"], around.payments, "vTokenAmount", sender=_SELF)
        rows.append(
            vault_rows(
                out,
                _NAME,
                "unstaked",
                vault="paid_token",
                account="paid_to",
                shares=pl.col("vTokenAmount").cast(pl.Int128).cast(pl.String),
                currency=weth,
                amount_wei="wethAmount",
                **position,
            )
        )
    return rows


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt"}),
    after=("erc721", "erc1155"),
    limits=(
        "Purchases from a vault are no rows of sales: the price is that of shares, traded in the"
        " same transaction (share_trade), and the sellers are who provide liquidity.",
        "A vault's collection of a token is that of its opening where the token's own transfer"
        " follows no standard.",
        "Who holds shares is not known; dividends are named per vault, not per staker.",
        "Settings of vaults (fees, switches), stakes of version 2, and fee events of version 3's"
        " distributor are not read.",
    ),
)
