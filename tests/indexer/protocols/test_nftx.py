"""NFTX 2 and 3, acted out on a node, and real deposits, swaps and dividends."""

from decimal import Decimal

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.vaults import linked, of, settle_without_payments
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

FACTORY_2 = "0xbe86f647b167567525ccaafcd6f881f1ee558216"
FACTORY_3 = "0xc255335bc5abd6928063f5788a5e420554858f01"
LIQUIDITY = "0x688c3e4658b5367da06fd629e41879beab538e37"
STAKING_3 = "0x889f313e2a3fdc1c9a45bc6020a8a18749cd6152"
VAULT, MANY, THIRD = "0x" + "71" * 20, "0x" + "72" * 20, "0x" + "73" * 20
STRANGER = "0x" + "74" * 20
POOL, FEES, STAKERS, ROUTER = "0x" + "61" * 20, "0x" + "62" * 20, "0x" + "63" * 20, "0x" + "64" * 20
CARDS = "0x" + "c1" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
BATCH = (
    "TransferBatch(address indexed operator, address indexed from, address indexed to,"
    " uint256[] ids, uint256[] values)"
)
NEW_2 = "NewVault(uint256 indexed vaultId, address vaultAddress, address assetAddress)"
NEW_3 = (
    "NewVault(uint256 indexed vaultId, address vaultAddress, address assetAddress, string name,"
    " string symbol)"
)
MINTED = "Minted(uint256[] nftIds, uint256[] amounts, address to)"
REDEEMED = "Redeemed(uint256[] nftIds, uint256[] specificIds, address to)"
SWAPPED = (
    "Swapped(uint256[] nftIds, uint256[] amounts, uint256[] specificIds, uint256[] redeemedIds,"
    " address to)"
)
SHUTDOWN = "VaultShutdown(address assetAddress, uint256 numItems, address recipient)"
RECEIVED = "FeesReceived(uint256 vaultId, uint256 amount)"
MINTED_3 = "Minted(uint256[] nftIds, uint256[] amounts, address to, address depositor)"
REDEEMED_3 = "Redeemed(uint256[] specificIds, address to)"
SWAPPED_3 = (
    "Swapped(uint256[] nftIds, uint256[] amounts, uint256[] specificIds, address to,"
    " address depositor)"
)
PREMIUM = "PremiumShared(address depositor, uint256 wethPremium)"
COLLECT = "CollectWethFees(uint256 indexed positionId, uint256 wethAmount)"
DEPOSIT = (
    "Deposit(uint256 indexed vaultId, uint256 indexed positionId, uint256 amount,"
    " bool forceTimelock)"
)
WITHDRAW = (
    "Withdraw(uint256 indexed positionId, uint256 vTokenShares, uint256 vTokenAmount,"
    " uint256 wethAmount)"
)
WHOLE = 10**18


def moves(sender, receiver, *tokens):
    return [log(NFT, sender, receiver, token, at=COLLECTION) for token in tokens]


SCENARIO = [
    # 0: two vaults, the second of ERC-1155 tokens
    call(
        FACTORY_2,
        log(NEW_2, 656, VAULT, COLLECTION),
        log(NEW_2, 657, MANY, CARDS),
    ),
    # 1: ALICE brings three tokens, and pays a tenth of a share each; the amounts mean nothing
    call(
        VAULT,
        *moves(ALICE, VAULT, 1, 2, 3),
        log(ERC20, ZERO, ALICE, 3 * WHOLE),
        log(ERC20, ALICE, FEES, 3 * WHOLE // 10),
        log(ERC20, FEES, STAKERS, 3 * WHOLE // 10),
        log(RECEIVED, 656, 3 * WHOLE // 10, at=LIQUIDITY),
        log(MINTED, [1, 2, 3], [9, 9, 9], ALICE),
    ),
    # 2: BOB buys a share from the pool for 2100 and takes token 2 out
    call(
        ROUTER,
        log(ERC20, ROUTER, POOL, 2100, at=WETH),
        log(ERC20, POOL, ROUTER, WHOLE, at=VAULT),
        log(ERC20, ROUTER, ZERO, WHOLE, at=VAULT),
        *moves(VAULT, BOB, 2),
        log(REDEEMED, [2], [2], BOB, at=VAULT),
    ),
    # 3: CAROL swaps token 4 for token 1
    call(
        VAULT,
        *moves(VAULT, CAROL, 1),
        *moves(CAROL, VAULT, 4),
        log(SWAPPED, [4], [1], [1], [1], CAROL),
    ),
    # 4: five cards of two kinds come in, two of one kind go
    call(
        MANY,
        log(BATCH, ALICE, ALICE, MANY, [5, 6], [3, 2], at=CARDS),
        log(ERC20, ZERO, ALICE, 5 * WHOLE),
        log(MINTED, [5, 6], [3, 2], ALICE),
        log(ERC20, ALICE, ZERO, 2 * WHOLE),
        log(BATCH, MANY, MANY, BOB, [5], [2], at=CARDS),
        log(REDEEMED, [5, 5], [5, 5], BOB),
    ),
    # 5: a flash loan of shares, mint and burn at either end, around a redemption
    call(
        VAULT,
        log(ERC20, ZERO, DAVE, 50 * WHOLE),
        log(ERC20, DAVE, ZERO, WHOLE),
        *moves(VAULT, DAVE, 3),
        log(REDEEMED, [3], [], DAVE),
        log(ERC20, DAVE, ZERO, 50 * WHOLE),
    ),
    # 6: liquidity: shares and money move the same way, which is no trade
    call(
        VAULT,
        *moves(ALICE, VAULT, 8),
        log(ERC20, ZERO, ROUTER, WHOLE),
        log(MINTED, [8], [], ROUTER),
        log(ERC20, ROUTER, POOL, WHOLE),
        log(ERC20, ROUTER, POOL, 1900, at=WETH),
    ),
    # 7: version 3
    call(
        FACTORY_3,
        log(NEW_3, 3, THIRD, COLLECTION, "Third", "THIRD"),
        *moves(ALICE, THIRD, 11, 12),
        log(ERC20, ZERO, ALICE, 2 * WHOLE, at=THIRD),
        log(MINTED_3, [11, 12], [1, 1], ALICE, DAVE, at=THIRD),
    ),
    # 8: BOB takes 12 out at a premium for DAVE, in WETH; the vault's fee is no trade of shares
    call(
        THIRD,
        log(ERC20, BOB, ZERO, WHOLE),
        *moves(THIRD, BOB, 12),
        log(ERC20, BOB, THIRD, 70, at=WETH),
        log(ERC20, THIRD, DAVE, 63, at=WETH),
        log(PREMIUM, DAVE, 63),
        log(REDEEMED_3, [12], BOB),
        *moves(CAROL, THIRD, 13),
        *moves(THIRD, CAROL, 11),
        log(SWAPPED_3, [13], [1], [11], CAROL, CAROL),
    ),
    # 9: a position is staked, collected and withdrawn
    call(
        STAKING_3,
        log(ERC20, ALICE, STAKING_3, 7, at=THIRD),
        log(DEPOSIT, 3, 40, 7, False),
        log(ERC20, STAKING_3, ALICE, 15, at=WETH),
        log(COLLECT, 40, 15),
        log(ERC20, STAKING_3, ALICE, 7, at=THIRD),
        log(ERC20, STAKING_3, ALICE, 2, at=WETH),
        log(WITHDRAW, 40, 7, 7, 2),
    ),
    # 10: strangers: a vault that no factory opened, fees of nobody, a premium beyond all numbers
    call(
        STRANGER,
        log(ERC20, ZERO, ALICE, WHOLE),
        log(MINTED, [1], [1], ALICE),
        log(ERC20, ALICE, BOB, 5, at=VAULT),
        log(RECEIVED, 656, 5),
        log(PREMIUM, ALICE, 2**256 - 1),
    ),
    # 11: the vault of cards is shut
    call(MANY, log(SHUTDOWN, CARDS, 3, DAVE)),
]


def rows_of(tables, *columns, tx):
    rows = tables["vault_events"].filter(pl.col("tx") == tx).sort("log_index", "item_index")
    return rows.select(columns).rows()


def test_deposit_names_its_tokens_and_the_shares_minted_for_all():
    found = rows_of(
        settle_emitted("nftx"), "event", "collection", "token_id", "quantity", "shares", tx=1
    )
    assert found[1:] == [
        ("deposit", COLLECTION, "1", "1", str(3 * WHOLE)),
        ("deposit", COLLECTION, "2", "1", None),
        ("deposit", COLLECTION, "3", "1", None),
    ]


def test_fees_are_a_dividend_in_shares_of_the_vault_they_come_from():
    dividend = rows_of(
        settle_emitted("nftx"), "event", "vault", "reference_id", "account", "currency",
        "amount_wei", tx=1,
    )[0]  # fmt: skip
    assert dividend == ("dividend", VAULT, "656", STAKERS, VAULT, 3 * WHOLE // 10)


def test_price_of_a_purchase_is_what_its_shares_were_bought_for():
    found = rows_of(
        settle_emitted("nftx"), "event", "account", "shares", "currency", "amount_wei", tx=2
    )
    assert found == [
        ("withdraw", BOB, str(WHOLE), None, None),
        ("share_trade", None, str(WHOLE), WETH, 2100),
    ]


def test_swap_shows_what_came_in_and_what_went_out():
    found = rows_of(settle_emitted("nftx"), "event", "token_id", "account", "item_index", tx=3)
    assert found == [("swap_in", "4", CAROL, 0), ("swap_out", "1", CAROL, 1)]


def test_units_of_erc1155_count_each():
    found = rows_of(settle_emitted("nftx"), "event", "token_id", "quantity", "shares", tx=4)
    assert found == [
        ("deposit", "5", "3", str(5 * WHOLE)),
        ("deposit", "6", "2", None),
        ("withdraw", "5", "1", str(2 * WHOLE)),
        ("withdraw", "5", "1", None),
    ]


def test_liquidity_fees_and_mints_are_no_trades():
    events = settle_emitted("nftx")["vault_events"]
    assert events.filter(pl.col("event") == "share_trade")["tx"].to_list() == [2]


def test_supply_is_a_whole_share_for_every_token_held():
    tables = settle_emitted("nftx")
    for last in (5, 10, 11):
        store = linked(of(tables, *range(last + 1)))
        vaults = store.query(
            "SELECT v.vault, v.supply_now, v.items FROM vaults v WHERE state = 'open'"
        ).rows(named=True)
        assert {row["vault"] for row in vaults} >= {VAULT}
        for row in vaults:
            assert int(row["supply_now"]) == row["items"] * WHOLE, row


def test_deposits_less_withdrawals_are_the_items_that_transfers_leave_there():
    store = linked(settle_emitted("nftx"))
    held = store.query(
        "SELECT vault, token_id, quantity, is_there FROM vault_items WHERE vault IN"
        f" ('{VAULT}', '{THIRD}') ORDER BY vault, token_id::INT"
    ).rows()
    assert held == [
        (VAULT, "4", "1", True), (VAULT, "8", "1", True), (THIRD, "13", "1", True),
    ]  # fmt: skip
    owned = store.query(
        f"SELECT token_id FROM tokens WHERE owner IN ('{VAULT}', '{THIRD}') ORDER BY token_id::INT"
    )["token_id"].to_list()
    assert owned == [token for _, token, _, _ in held]


def test_flash_loan_leaves_the_supply_as_the_tokens_say():
    store = linked(of(settle_emitted("nftx"), 0, 1, 2, 3, 4, 5))
    found = store.query(
        f"SELECT supply_shares FROM vault_supply WHERE vault = '{VAULT}'"
        " ORDER BY block_number, log_index"
    )["supply_shares"]
    assert [int(each) // WHOLE for each in found] == [3, 2, 52, 51, 1]


def test_implied_value_is_the_supply_at_the_price_of_the_last_trade():
    row = one(linked(settle_emitted("nftx")).query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["supply_now"], row["implied_basis"]) == (str(2 * WHOLE), "last share trade")
    assert (row["implied_wei"], row["implied_currency"]) == (Decimal(4200), WETH)


def test_version_3_pays_its_premium_to_who_brought_the_token():
    found = rows_of(
        settle_emitted("nftx"), "event", "version", "token_id", "account", "currency",
        "amount_wei", tx=8,
    )  # fmt: skip
    assert found == [
        ("premium", "3", None, DAVE, WETH, 63),
        ("withdraw", "3", "12", BOB, None, None),
        ("swap_in", "3", "13", CAROL, None, None),
        ("swap_out", "3", "11", CAROL, None, None),
    ]


def test_positions_of_version_3_name_their_vault_and_what_they_earned():
    found = rows_of(
        settle_emitted("nftx"), "event", "vault", "collection", "token_id", "account", "shares",
        "amount_wei", tx=9,
    )  # fmt: skip
    assert found == [
        ("staked", THIRD, STAKING_3, "40", None, "7", None),
        ("dividend_claim", None, STAKING_3, "40", ALICE, None, 15),
        ("unstaked", THIRD, STAKING_3, "40", ALICE, "7", 2),
    ]


def test_dividends_say_why_their_holders_are_not_known():
    row = one(linked(settle_emitted("nftx")).query("SELECT * FROM dividends"))
    assert (row["vault"], row["amount_wei"], row["holder"]) == (VAULT, 3 * WHOLE // 10, "")
    assert (row["fraction"], row["reason"]) == (None, "holders of ERC-20 shares are not read")


def test_strangers_have_no_vault_and_pay_no_dividend():
    tables = settle_emitted("nftx")
    events = tables["vault_events"].filter(pl.col("tx") == 10)
    assert events.filter(pl.col("event") == "dividend").is_empty()
    vaults = linked(tables).query("SELECT vault, state FROM vaults ORDER BY vault").rows()
    assert vaults == [(VAULT, "open"), (MANY, "shut"), (THIRD, "open")]
    assert one(tables["quarantine"])["event"] == "PremiumShared"


def test_without_receipts_shares_and_prices_are_unknown_and_tokens_are_not():
    tables = settle_without_payments("nftx")
    events = tables["vault_events"]
    assert "share_trade" not in events["event"].to_list()
    deposits = events.filter(pl.col("event") == "deposit", pl.col("vault") == VAULT)
    assert deposits["shares"].null_count() == deposits.height == 4
    row = one(linked(tables).query(f"SELECT * FROM vaults WHERE vault = '{VAULT}'"))
    assert (row["supply_now"], row["items"]) == (None, 2)
    assert row["supply_reason"] == "a mint or burn of shares was not seen"


DEPOSITED = "0x4ca1e7332f5e2c7633efbc150933177c974207026fc7b2e97172e45fc5506460"
SWAPPED_TX = "0x9888c6be240ba0c5d34b488fa5460437353c502b1bdc0016cc1f3aef1c8f0423"
PAIR_SWAP = "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"


@needs_mainnet
def test_recorded_deposit_of_118_tokens_minted_118_shares():
    events = settle_real(DEPOSITED)["vault_events"]
    assert events["event"].to_list() == ["deposit"] * 118
    assert set(events["collection"]) == {"0x95f3887baa0da87462413a5c0e21dddfd0717b93"}
    assert events["shares"].drop_nulls().to_list() == [str(118 * WHOLE)]


@needs_mainnet
def test_recorded_swap_bought_its_fee_for_what_the_pair_says_it_got():
    events = settle_real(SWAPPED_TX)["vault_events"].sort("log_index", "item_index")
    assert events.select("event", "token_id", "shares", "amount_wei").rows() == [
        ("dividend", None, None, 8 * WHOLE // 100),
        ("dividend", None, None, 2 * WHOLE // 100),
        ("swap_in", "2982", None, None),
        ("swap_out", "3741", None, None),
        ("share_trade", None, str(WHOLE // 10), 680_415_575_694_035),
    ]
    assert set(events["vault"]) == {"0x4fae03385dcf5518dd43c03c2f963092c89de33c"}
    pair = one(
        pl.DataFrame(
            [each for each in mainnet().logs[SWAPPED_TX] if each["topics"][0] == PAIR_SWAP],
            infer_schema_length=None,
        )
    )
    words = [int(pair["data"][2 + 64 * n : 66 + 64 * n], 16) for n in range(4)]
    assert words == [0, 680_415_575_694_035, WHOLE // 10, 0]
