"""0xSplits 2, and distributions and withdrawals of both versions, emitted on a node."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import given_of, reasons_of, shares_of
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, WETH, ZERO

MAIN = "0x2ed6c4b5da6378c7897ac67ba9e43102feb694ee"
FACTORY = "0x80f1b766817d04870f115febbccadf8dbf75e017"
SPLIT = "0x" + "51" * 20
COIN = "0x" + "ee" * 20
SHARES = "(address[],uint256[],uint256,uint16)"
CREATED = f"SplitCreated(address indexed split, {SHARES} splitParams, address owner,"
BY_SALT = f"{CREATED} address creator, bytes32 salt)"
BY_NONCE = f"{CREATED} address creator, uint256 nonce)"
UPDATED = f"SplitUpdated({SHARES} _split)"
DISTRIBUTED = "SplitDistributed(address indexed token, address indexed distributor, uint256 amount)"
ETH = "DistributeETH(address indexed split, uint256 amount, address indexed distributorAddress)"
ERC20 = (
    "DistributeERC20(address indexed split, address indexed token, uint256 amount,"
    " address indexed distributorAddress)"
)
WITHDRAWAL = (
    "Withdrawal(address indexed account, uint256 ethAmount, address[] tokens,"
    " uint256[] tokenAmounts)"
)
TWO = ([ALICE, BOB], [1, 2], 3, 10_000)

SCENARIO = [
    # 0: both ways to create
    call(
        FACTORY,
        log(BY_SALT, SPLIT, TWO, ALICE, BOB, b"\1" * 32),
        log(BY_NONCE, DAVE, TWO, ALICE, BOB, 5),
    ),
    # 1: a split changes its shares, and gives on
    call(
        SPLIT,
        log(UPDATED, ([CAROL], [10**6], 10**6, 0)),
        log(DISTRIBUTED, COIN, DAVE, 99),
        log(DISTRIBUTED, WETH, DAVE, 7),
    ),
    # 2: shares that do not add up, lists of different length, and shares that no integer holds
    call(
        SPLIT,
        log(UPDATED, ([ALICE, BOB], [1, 2], 4, 0)),
        log(UPDATED, ([ALICE], [1, 2], 3, 0)),
        log(UPDATED, ([ALICE], [2**200], 2**200, 0)),
        log(UPDATED, ([], [], 0, 0)),
    ),
    # 3: version 1
    call(
        MAIN,
        log(ETH, SPLIT, 1_000, DAVE),
        log(ERC20, SPLIT, WETH, 20, DAVE),
        log(WITHDRAWAL, ALICE, 30, [WETH], [40]),
        log(WITHDRAWAL, BOB, 0, [WETH], [50]),
    ),
    # 4: not the factory, not the main contract
    call(ALICE, log(BY_SALT, SPLIT, TWO, ALICE, BOB, b"\1" * 32), log(ETH, SPLIT, 1, DAVE)),
    # 5: more than 38 digits
    call(MAIN, log(ETH, SPLIT, 10**38, DAVE)),
]


def test_created_splits_have_a_row_for_each_recipient():
    assert shares_of(settle_emitted("splits"), 0) == [
        ("SplitCreated", split, who, share, 3, 10_000)
        for split in (SPLIT, DAVE)
        for who, share in ((ALICE, 1), (BOB, 2))
    ]


def test_split_speaks_for_itself_when_it_changes_and_gives_on():
    tables = settle_emitted("splits")
    assert shares_of(tables, 1) == [("SplitUpdated", SPLIT, CAROL, 10**6, 10**6, 0)]
    assert given_of(tables, 1) == [
        ("distributed", SPLIT, DAVE, ZERO, 99),
        ("distributed", SPLIT, DAVE, WETH, 7),
    ]


def test_shares_that_do_not_add_up_are_set_aside():
    tables = settle_emitted("splits")
    assert shares_of(tables, 2) == []
    assert len(reasons_of(tables, 2)) == 4


def test_version_1_gives_on_and_is_drawn_from():
    assert given_of(settle_emitted("splits"), 3) == [
        ("distributed", SPLIT, DAVE, ZERO, 1_000),
        ("distributed", SPLIT, DAVE, WETH, 20),
        ("withdrawn", None, ALICE, ZERO, 30),
        ("withdrawn", None, ALICE, WETH, 40),
        ("withdrawn", None, BOB, WETH, 50),
    ]


def test_foreign_contracts_create_nothing_and_huge_amounts_are_set_aside():
    tables = settle_emitted("splits")
    assert (shares_of(tables, 4), given_of(tables, 4), reasons_of(tables, 4)) == ([], [], [])
    assert (given_of(tables, 5), len(reasons_of(tables, 5))) == ([], 1)
