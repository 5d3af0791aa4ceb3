"""fractional.art 1 and 2, acted out on a node, and a real cash-out."""

from decimal import Decimal

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.vaults import linked, of, settle_without_payments
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

FACTORY = "0x85aa7f78bdb2de8f3e0c0010d99ad5853ffcfc63"
FAKE_FACTORY = "0x" + "fa" * 20
VAULT, SECOND = "0x" + "71" * 20, "0x" + "72" * 20
STRANGER = "0x" + "73" * 20
VAULT_2, SHARES, BUYOUT = "0x" + "74" * 20, "0x" + "75" * 20, "0x" + "76" * 20
GOVERNOR = "0x" + "60" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
ERC1155 = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
MINT = "Mint(address indexed token, uint256 id, uint256 price, address vault, uint256 vaultId)"
START = "Start(address indexed buyer, uint256 price)"
BID = "Bid(address indexed buyer, uint256 price)"
WON = "Won(address indexed buyer, uint256 price)"
CASH = "Cash(address indexed owner, uint256 shares)"
REDEEM = "Redeem(address indexed redeemer)"
FEE = "FeeClaimed(uint256 fee)"
PRICE = "PriceUpdate(address indexed user, uint256 price)"
DEPLOYED = "VaultDeployed(address indexed _vault, address indexed _token, uint256 _id)"
START_2 = (
    "Start(address indexed _vault, address indexed _proposer, uint256 _startTime,"
    " uint256 _buyoutPrice, uint256 _fractionPrice)"
)
END = "End(address _vault, uint8 _state, address indexed _proposer)"
CASH_2 = "Cash(address _vault, address indexed _casher, uint256 _amount)"
BUY = "BuyFractions(address indexed _buyer, uint256 _amount)"
SELL = "SellFractions(address indexed _seller, uint256 _amount)"

SCENARIO = [
    # 0: ALICE opens a vault of 1000 shares with a list price of 5000 wei
    call(
        FACTORY,
        log(ERC20, ZERO, ALICE, 1000, at=VAULT),
        log(MINT, COLLECTION, 7, 5000, VAULT, 12),
        log(NFT, ALICE, VAULT, 7, at=COLLECTION),
    ),
    # 1: BOB starts a buyout, CAROL outbids him: he is paid back
    call(VAULT, log(START, BOB, 5000), value=5000),
    # 2
    call(VAULT, Pay(BOB, 5000), log(BID, CAROL, 6000), value=6000),
    # 3: the end; the fees of curator and platform are minted first
    call(
        VAULT,
        log(ERC20, ZERO, ALICE, 150),
        log(FEE, 150),
        log(ERC20, ZERO, GOVERNOR, 50),
        log(FEE, 50),
        log(NFT, VAULT, CAROL, 7, at=COLLECTION),
        log(WON, CAROL, 6000),
    ),
    # 4: two holders cash out in one transaction, the third later
    call(
        "0x" + "70" * 20,
        call(VAULT, log(ERC20, ALICE, ZERO, 1050), Pay(ALICE, 5250), log(CASH, ALICE, 5250)),
        call(VAULT, log(ERC20, GOVERNOR, ZERO, 50), Pay(GOVERNOR, 250), log(CASH, GOVERNOR, 250)),
    ),
    # 5
    call(VAULT, log(ERC20, BOB, ZERO, 100), Pay(BOB, 500), log(CASH, BOB, 500)),
    # 6: a second vault, whose shares all come back; its curator voted for another price
    call(
        FACTORY,
        log(ERC20, ZERO, ALICE, 10, at=SECOND),
        log(MINT, COLLECTION, 8, 100, SECOND, 13),
        log(NFT, ALICE, SECOND, 8, at=COLLECTION),
        log(PRICE, ALICE, 200, at=SECOND),
    ),
    # 7: another contract says what the factory says, and what the vault says
    call(
        FAKE_FACTORY,
        log(MINT, COLLECTION, 9, 1, STRANGER, 1),
        log(REDEEM, ALICE),
        log(WON, ALICE, 2**256 - 1, at=STRANGER),
    ),
    # 8: version 2: shares are a token of their own
    call(
        BUYOUT,
        log(DEPLOYED, VAULT_2, SHARES, 3, at="0x" + "77" * 20),
        log(ERC1155, ALICE, ZERO, ALICE, 3, 100, at=SHARES),
        log(NFT, ALICE, VAULT_2, 10, at=COLLECTION),
    ),
    # 9: DAVE proposes with 40 shares, CAROL sells 20 to the pool, BOB buys 5 of them
    call(
        BUYOUT,
        log(ERC1155, ALICE, ALICE, DAVE, 3, 40, at=SHARES),
        log(ERC1155, ALICE, ALICE, CAROL, 3, 20, at=SHARES),
        log(ERC1155, BUYOUT, DAVE, BUYOUT, 3, 40, at=SHARES),
        log(START_2, VAULT_2, DAVE, 1_700_000_000, 1000, 10),
        log(ERC1155, BUYOUT, CAROL, BUYOUT, 3, 20, at=SHARES),
        log(SELL, CAROL, 20),
        log(ERC1155, BUYOUT, BUYOUT, BOB, 3, 5, at=SHARES),
        log(BUY, BOB, 5),
        value=600,
    ),
    # 10: it succeeds; the pool's shares are burned; BOB cashes out
    call(
        BUYOUT,
        log(ERC1155, BUYOUT, BUYOUT, ZERO, 3, 55, at=SHARES),
        log(END, VAULT_2, 2, DAVE),
        log(ERC1155, BUYOUT, BOB, ZERO, 3, 5, at=SHARES),
        Pay(BOB, 40),
        log(CASH_2, VAULT_2, BOB, 40),
        value=100,
    ),
    # 11: all shares of the second vault are burned, and its work goes back
    call(
        SECOND,
        log(ERC20, ALICE, ZERO, 10),
        log(NFT, SECOND, ALICE, 8, at=COLLECTION),
        log(REDEEM, ALICE),
    ),
    # 12: a holder who takes no ether gets WETH; DAVE, beside, pays somebody the same for nothing
    call(
        VAULT,
        log(ERC20, STRANGER, ZERO, 1),
        log(ERC20, VAULT, STRANGER, 40, at=WETH),
        log(CASH, STRANGER, 40),
        log(ERC20, DAVE, BOB, 30, at=WETH),
        log(ERC20, BOB, ZERO, 1),
        log(CASH, BOB, 30),
    ),
    # 13: shares beyond all numbers, minted twice before one event
    call(
        "0x" + "7f" * 20,
        log(ERC20, ZERO, ALICE, 10**38 - 1),
        log(ERC20, ZERO, ALICE, 10**38 - 1),
        log(FEE, 1),
        log(ERC20, ALICE, ZERO, 10**38 - 1),
        log(ERC20, ALICE, ZERO, 10**38 - 1),
        log(CASH, ALICE, 1),
    ),
]


def events_of(tables, vault):
    rows = tables["vault_events"].filter(pl.col("vault") == vault)
    return [
        (row["event"], row["account"], row["shares"], row["amount_wei"])
        for row in rows.sort("block_number", "log_index").rows(named=True)
    ]


def test_vault_tells_its_life_with_the_shares_that_moved():
    tables = settle_emitted("fractional")
    assert events_of(of(tables, *range(12)), VAULT) == [
        ("opened", ALICE, "1000", 5000),
        ("started", BOB, None, 5000),
        ("bid", CAROL, None, 6000),
        ("fee_mint", ALICE, "150", None),
        ("fee_mint", GOVERNOR, "50", None),
        ("won", CAROL, None, 6000),
        ("cash", ALICE, "1050", 5250),
        ("cash", GOVERNOR, "50", 250),
        ("cash", BOB, "100", 500),
    ]
    opened = tables["vault_events"].filter(pl.col("vault") == VAULT).row(0, named=True)
    assert (opened["collection"], opened["token_id"], opened["reference_id"]) == (
        COLLECTION, "7", "12",
    )  # fmt: skip


def test_cash_outs_equal_the_buyout_and_the_ether_that_was_paid():
    tables = settle_emitted("fractional")
    tables = of(tables, *range(12))
    cashed = tables["vault_events"].filter(pl.col("vault") == VAULT, pl.col("event") == "cash")
    assert cashed["amount_wei"].sum() == 6000
    assert set(cashed["currency"]) == {ZERO}
    store = linked(tables)
    row = one(store.query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["state"], row["buyer"], row["confidence"]) == ("sold", CAROL, "decoded")
    assert (row["buyout_wei"], row["cashed_wei"], row["uncashed_wei"]) == (6000, 6000, 0)
    assert (row["supply"], row["supply_now"], row["items"]) == ("1000", "0", 0)
    assert (row["implied_wei"], row["implied_basis"]) == (6000, "buyout")


def test_supply_grows_by_fees_and_falls_to_nothing():
    store = linked(of(settle_emitted("fractional"), *range(12)))
    found = store.query(
        f"SELECT change_shares, supply_shares FROM vault_supply WHERE vault = '{VAULT}'"
        " ORDER BY block_number, log_index"
    ).rows()
    assert [tuple(map(int, row)) for row in found] == [
        (1000, 1000), (150, 1150), (50, 1200), (-1050, 150), (-50, 100), (-100, 0),
    ]  # fmt: skip


def test_list_price_is_the_reserve_until_somebody_votes():
    tables = settle_emitted("fractional")
    row = one(linked(of(tables, 0)).query("SELECT * FROM vaults"))
    assert (row["state"], row["reserve_wei"], row["items"]) == ("open", 5000, 1)
    assert (row["implied_wei"], row["implied_basis"]) == (5000, "reserve price")
    row = one(linked(of(tables, 6)).query("SELECT * FROM vaults"))
    assert (row["reserve_wei"], row["implied_wei"]) == (None, None)
    assert "voted" in row["reserve_reason"]


def test_redemption_burns_all_shares_and_pays_nothing():
    tables = settle_emitted("fractional")
    assert events_of(tables, SECOND)[-1] == ("redeemed", ALICE, "10", None)
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{SECOND}'"))
    assert (row["state"], row["supply_now"], row["items"]) == ("redeemed", "0", 0)


def test_stranger_opens_no_vault_and_its_endless_price_is_set_aside():
    tables = settle_emitted("fractional")
    assert STRANGER not in linked(tables).query("SELECT vault FROM vaults")["vault"].to_list()
    aside = one(tables["quarantine"])
    assert (aside["event"], aside["address"]) == ("Won", STRANGER)


def test_without_receipts_shares_and_supply_are_unknown_with_a_reason():
    tables = settle_without_payments("fractional")
    last = tables["vault_events"]["block_number"].max()
    tables = {name: rows.filter(pl.col("block_number") < last - 1) for name, rows in tables.items()}
    opened = tables["vault_events"].filter(pl.col("vault") == VAULT).row(0, named=True)
    assert (opened["account"], opened["shares"]) == (None, None)
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["supply_now"], row["supply_reason"]) == (
        None, "a mint or burn of shares was not seen",
    )  # fmt: skip
    assert row["uncashed_wei"] == 0, "what was paid out is told by the vault itself"


def test_version_2_tells_the_vault_of_a_trade_by_the_share_that_moved():
    tables = settle_emitted("fractional")
    trades = tables["vault_events"].filter(pl.col("event") == "share_trade")
    assert trades.select("account", "shares", "share_token", "share_id", "amount_wei").rows() == [
        (CAROL, "20", SHARES, "3", None),
        (BOB, "5", SHARES, "3", None),
    ]
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{VAULT_2}'"))
    assert (row["version"], row["state"], row["confidence"]) == ("2", "sold", "assumed")
    assert (row["supply_now"], row["cashed_wei"], row["uncashed_wei"]) == ("40", 40, None)
    assert (row["items"], row["buyer"]) == (1, DAVE)


def test_holders_of_version_2_add_up_to_the_supply():
    store = linked(settle_emitted("fractional"))
    assert store.query("SELECT vault, holder, shares FROM vault_holders").rows() == [
        (VAULT_2, ALICE, Decimal(40))
    ]


def test_cash_out_is_in_weth_only_if_the_vault_paid_it_to_the_holder():
    events = settle_emitted("fractional")["vault_events"].filter(pl.col("tx") == 12)
    assert events.select("account", "shares", "currency", "amount_wei").rows() == [
        (STRANGER, "1", WETH, 40),
        (BOB, "1", ZERO, 30),
    ]


def test_shares_beyond_all_numbers_are_not_told():
    events = settle_emitted("fractional")["vault_events"].filter(pl.col("tx") == 13)
    assert events.select("event", "shares").rows() == [("fee_mint", "1"), ("cash", None)]


REAL_CASH = "0x67ad206aa415ee01e74e201ef8df54a86a83b4c50fdf227d49643e2f56322ec8"


@needs_mainnet
def test_recorded_cash_out_pays_the_traced_ether_for_the_burned_shares():
    tables = settle_real(REAL_CASH)
    row = one(tables["vault_events"])
    assert (row["event"], row["vault"]) == ("cash", "0x7f791667679e6055e6392e100af39a9c59659dab")
    assert row["account"] == "0x2a1be95104545075724498eb26b8e7f432042b19"
    # eth_value_traces: the vault sent this to the holder in this transaction.
    assert int(row["amount_wei"]) == 8_719_165_813_435_802
    assert int(row["shares"]) == 0x018F84E0A24C25FB
