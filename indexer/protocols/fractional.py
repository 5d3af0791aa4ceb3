"""fractional.art 1 and 2 (before its audit): one work in a vault, its shares ERC-20 or ERC-1155.

1. The factory's `Mint` opens a vault and names its list price, which is the reserve until a holder
   votes for another; the shares are minted just before. `FeeClaimed` follows each mint of the
   yearly fee, to the curator and to the platform in turn: the supply grows. `Start` and `Bid` carry
   the ether that the vault then holds, the one before being paid back. After `Won` each holder
   burns shares for a part of it; what `Cash` calls shares are the wei paid. `Redeem` ends a vault
   whose shares all came back: they are burned, not paid.
2. Shares are a token of an ERC-1155 contract that `VaultDeployed` names. Buyouts are a module of
   their own; `BuyFractions` and `SellFractions` name no vault, so it is told by the share that
   moved before them. `Cash` names the wei paid here too.

Source: fractional-company/contracts, src/ERC721TokenVault.sol and ERC721VaultFactory.sol;
code-423n4/2022-07-fractional, src/modules/Buyout.sol; events of the protocol table. That each mint
of a fee is followed by its own `FeeClaimed` was read in later copies of the deployed contract.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import transfers_around
from indexer.protocols.vaults import share_transfers, together, vault_rows, with_moved, with_payment

_NAME = "fractional"
_FACTORY = frozenset({"0x85aa7f78bdb2de8f3e0c0010d99ad5853ffcfc63"})
_WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
_MINT = Event.parse(
    "Mint(address indexed token, uint256 id, uint256 price, address vault, uint256 vaultId)",
    wei=["price"],
)
_VAULT_EVENTS = (
    Event.parse("Start(address indexed buyer, uint256 price)", wei=["price"]),
    Event.parse("Bid(address indexed buyer, uint256 price)", wei=["price"]),
    Event.parse("Won(address indexed buyer, uint256 price)", wei=["price"]),
    Event.parse("Cash(address indexed owner, uint256 shares)", wei=["shares"]),
    Event.parse("Redeem(address indexed redeemer)"),
    Event.parse("FeeClaimed(uint256 fee)", wei=["fee"]),
    Event.parse("PriceUpdate(address indexed user, uint256 price)", wei=["price"]),
)
_EVENTS_2 = (
    Event.parse("VaultDeployed(address indexed _vault, address indexed _token, uint256 _id)"),
    Event.parse(
        "Start(address indexed _vault, address indexed _proposer, uint256 _startTime,"
        " uint256 _buyoutPrice, uint256 _fractionPrice)",
        wei=["_buyoutPrice"],
        name="Start2",
    ),
    Event.parse("End(address _vault, uint8 _state, address indexed _proposer)"),
    Event.parse(
        "Cash(address _vault, address indexed _casher, uint256 _amount)",
        wei=["_amount"],
        name="Cash2",
    ),
    Event.parse("Redeem(address _vault, address indexed _redeemer)", name="Redeem2"),
    Event.parse("BuyFractions(address indexed _buyer, uint256 _amount)"),
    Event.parse("SellFractions(address indexed _seller, uint256 _amount)"),
)
_SUCCESS = 2  # states of a buyout: inactive, live, success


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        Route(_MINT, "1", _FACTORY),
        *(Route(event, "1") for event in _VAULT_EVENTS),
        *(Route(event, "2") for event in _EVENTS_2),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    rows = together(
        [
            *_opened(frames, around),
            *_buyouts(frames),
            *_shares(frames, around),
            *_settle_2(frames),
            *_fraction_trades(frames, around),
        ]
    )
    return {
        "vault_events": rows,
        "share_transfers": share_transfers(rows, around.payments),
    }


# --- 1


def _opened(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    if "Mint" not in frames:
        return []
    mints = with_moved(frames["Mint"], around.payments, mints=True)
    return [
        vault_rows(
            mints,
            _NAME,
            "opened",
            vault="vault",
            reference_id="vaultId",
            collection="token",
            token_id=pl.col("id"),
            quantity=pl.lit("1"),
            account="moved_account",
            shares="moved_shares",
            amount_wei="price",
        )
    ]


def _buyouts(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    kinds = {
        "Start": ("started", "buyer"),
        "Bid": ("bid", "buyer"),
        "Won": ("won", "buyer"),
        "PriceUpdate": ("price_update", "user"),
    }
    return [
        vault_rows(frames[name], _NAME, event, account=account, amount_wei="price")
        for name, (event, account) in kinds.items()
        if name in frames
    ]


def _shares(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    """Cash-outs, redemptions and fees, with the shares that they burned or minted."""
    # Events of one vault part the transfers between them, so they are looked at together.
    parts = [
        frames[name].with_columns(pl.col("address").alias("vault"), pl.lit(name).alias("name"))
        for name in ("Cash", "Redeem", "FeeClaimed")
        if name in frames
    ]
    if not parts:
        return []
    whole = pl.concat(parts, how="diagonal")
    burned = with_moved(whole, around.payments, mints=False)
    minted = with_moved(whole, around.payments, mints=True)
    rows = []
    if "Cash" in frames:
        rows.append(_cashed(burned.filter(pl.col("name") == "Cash"), around))
    if "Redeem" in frames:
        redeemed = burned.filter(pl.col("name") == "Redeem")
        rows.append(
            vault_rows(redeemed, _NAME, "redeemed", account="redeemer", shares="moved_shares")
        )
    if "FeeClaimed" in frames:
        fees = minted.filter(pl.col("name") == "FeeClaimed")
        shares = pl.col("fee").cast(pl.Int128).cast(pl.String)
        rows.append(vault_rows(fees, _NAME, "fee_mint", account="moved_account", shares=shares))
    return rows


def _cashed(cash: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Cash-outs: ether, or WETH where the holder takes none, which its transfer tells."""
    # The name of the argument misleads: it is what was paid.
    cash = cash.with_columns(pl.col("shares").alias("paid_wei"))
    paid = with_payment(
        cash,
        around.payments.filter(pl.col("currency") == _WETH),
        "paid_wei",
        sender=pl.col("vault"),
        receiver=pl.col("owner"),
    )
    return vault_rows(
        paid,
        _NAME,
        "cash",
        account="owner",
        shares="moved_shares",
        currency=pl.coalesce("paid_token", pl.lit(NATIVE)),
        amount_wei="paid_wei",
    )


# --- 2


def _settle_2(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    rows = []
    if "VaultDeployed" in frames:
        rows.append(
            vault_rows(
                frames["VaultDeployed"],
                _NAME,
                "opened",
                vault="_vault",
                share_token=pl.col("_token"),
                share_id="_id",
            )
        )
    if "Start2" in frames:
        rows.append(
            vault_rows(
                frames["Start2"],
                _NAME,
                "started",
                vault="_vault",
                account="_proposer",
                amount_wei="_buyoutPrice",
            )
        )
    if "End" in frames:
        won, lost = (
            vault_rows(part, _NAME, event, vault="_vault", account="_proposer")
            for event, part in zip(
                ("won", "failed"),
                (
                    frames["End"].filter(pl.col("_state") == _SUCCESS),
                    frames["End"].filter(pl.col("_state") != _SUCCESS),
                ),
                strict=True,
            )
        )
        rows += [won, lost]
    if "Cash2" in frames:
        rows.append(
            vault_rows(
                frames["Cash2"],
                _NAME,
                "cash",
                vault="_vault",
                account="_casher",
                amount_wei="_amount",
            )
        )
    if "Redeem2" in frames:
        rows.append(
            vault_rows(frames["Redeem2"], _NAME, "redeemed", vault="_vault", account="_redeemer")
        )
    return rows


def _fraction_trades(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    """Shares that a buyout pool sold or bought; the share that moved before tells the vault."""
    sides = {"BuyFractions": ("_buyer", "to_address"), "SellFractions": ("_seller", "from_address")}
    rows = []
    for name, (trader, side) in sides.items():
        if name not in frames:
            continue
        pool = "from_address" if side == "to_address" else "to_address"
        moved = (
            transfers_around(frames[name], around.fact("transfers"))
            .join(
                frames[name].select("block_hash", "log_index", "address", trader, "_amount"),
                on=["block_hash", "log_index"],
            )
            .filter(
                pl.col(side) == pl.col(trader),
                pl.col(pool) == pl.col("address"),
                pl.col("quantity") == pl.col("_amount"),
                pl.col("token_standard") == "erc1155",
            )
            .sort("moved_at")
            .unique(["block_hash", "log_index"], keep="last", maintain_order=True)
            .select(
                "block_hash",
                "log_index",
                pl.col("collection").alias("share_token"),
                pl.col("token_id").alias("share_id"),
            )
        )
        rows.append(
            vault_rows(
                frames[name].join(moved, on=["block_hash", "log_index"], how="left"),
                _NAME,
                "share_trade",
                vault=pl.lit(None, pl.String),
                account=trader,
                shares="_amount",
                share_token=pl.col("share_token"),
                share_id="share_id",
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
        "1: who holds shares between events of a vault is not known; only ERC-20 transfers of"
        " transactions with such events are read.",
        "1: the reserve price is known until a holder votes for another: votes weigh by balance.",
        "1: who was outbid got the money back, in WETH if they refuse ether; there is no event.",
        "1: vaults of the older factory, whose Mint names no price, and baskets are not read.",
        "2: the price of a buyout's shares is fixed when it starts; trades name shares only.",
    ),
)
