"""Shares of 0xSplits 1, read from call data and traces of transactions acted out on a node."""

from eth_abi import encode
from eth_utils import keccak

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import reasons_of, shares_of
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, WETH, ZERO

MAIN = "0x2ed6c4b5da6378c7897ac67ba9e43102feb694ee"
SPLIT, OTHER = "0x" + "51" * 20, "0x" + "52" * 20
STUDIO = "0x" + "57" * 20
CREATED = "CreateSplit(address indexed split)"
UPDATED = "UpdateSplit(address indexed split)"
LISTS = "address[],uint32[],uint32"


def calldata(function, *arguments):
    kinds = function[function.index("(") + 1 : -1].split(",")
    return keccak(function.encode())[:4] + encode(kinds, arguments)


def create(accounts, shares, reward=0):
    return calldata(f"createSplit({LISTS},address)", accounts, shares, reward, ZERO)


HALVES = ([ALICE, BOB], [500_000, 500_000])
THIRD = ([ALICE, BOB, CAROL], [333_333, 333_333, 333_334])

SCENARIO = [
    # 0: straight
    call(MAIN, log(CREATED, SPLIT), data=create(*HALVES, 10_000)),
    # 1: another contract creates two; between them it does something else
    call(
        STUDIO,
        call(MAIN, log(CREATED, SPLIT), data=create(*HALVES)),
        call(MAIN, data=b"\1\2\3\4"),
        call(MAIN, log(CREATED, OTHER), data=create(*THIRD)),
    ),
    # 2: changed, alone and while distributing
    call(
        MAIN,
        log(UPDATED, SPLIT),
        data=calldata(f"updateSplit(address,{LISTS})", SPLIT, *THIRD, 5),
    ),
    call(
        STUDIO,
        call(
            MAIN,
            log(UPDATED, SPLIT),
            data=calldata(
                f"updateAndDistributeETH(address,{LISTS},address)", SPLIT, *HALVES, 1, DAVE
            ),
        ),
        call(
            MAIN,
            log(UPDATED, OTHER),
            data=calldata(
                f"updateAndDistributeERC20(address,address,{LISTS},address)",
                OTHER, WETH, *THIRD, 2, DAVE,
            ),
        ),
    ),
    # 4: a call that does not say so; shares that do not add up; and a foreign contract
    call(MAIN, log(CREATED, SPLIT), data=b"\1\2\3\4"),
    call(MAIN, log(CREATED, SPLIT), data=create([ALICE, BOB], [1, 2])),
    call(STUDIO, log(CREATED, SPLIT), data=create(*HALVES)),
    # 7: malformed
    call(MAIN, log(CREATED, SPLIT), data=create(*HALVES)[:-40]),
]  # fmt: skip


def rows(event, split, shares, reward):
    return [(event, split, who, share, 10**6, reward) for who, share in zip(*shares, strict=True)]


def test_call_data_of_the_transaction_tell_the_shares():
    assert shares_of(settle_emitted("splits_v1"), 0) == rows("CreateSplit", SPLIT, HALVES, 10_000)


def test_calls_within_a_transaction_are_paired_in_their_order():
    assert shares_of(settle_emitted("splits_v1"), 1) == [
        *rows("CreateSplit", SPLIT, HALVES, 0),
        *rows("CreateSplit", OTHER, THIRD, 0),
    ]


def test_changes_are_read_whichever_function_makes_them():
    tables = settle_emitted("splits_v1")
    assert shares_of(tables, 2) == rows("UpdateSplit", SPLIT, THIRD, 5)
    assert shares_of(tables, 3) == [
        *rows("UpdateSplit", SPLIT, HALVES, 1),
        *rows("UpdateSplit", OTHER, THIRD, 2),
    ]


def test_shares_that_no_call_tells_are_set_aside_with_the_reason():
    tables = settle_emitted("splits_v1")
    for tx in (4, 7):
        assert shares_of(tables, tx) == []
        assert reasons_of(tables, tx) == ["the call that told the shares was not seen"]
    assert shares_of(tables, 5) == []
    assert reasons_of(tables, 5) == ["shares without a recipient each, or that do not add up"]
    assert (shares_of(tables, 6), reasons_of(tables, 6)) == ([], [])


def test_without_a_trace_the_transaction_itself_is_read():
    tables = settle_emitted("splits_v1", "traces")
    assert shares_of(tables, 0) == rows("CreateSplit", SPLIT, HALVES, 10_000)
    assert shares_of(tables, 1) == []
    assert reasons_of(tables, 1) == ["the call that told the shares was not seen"] * 2
