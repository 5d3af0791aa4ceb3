"""What splitters of the royalty registry gave on: emitted on a node, and recorded on Ethereum."""

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import given_of, reasons_of
from tests.indexer.samples import ALICE, BOB, WETH, ZERO

SPLITTER = "0x" + "51" * 20
ETH = "ETHTransferred(address indexed account, uint256 amount)"
ERC20 = (
    "ERC20Transferred(address indexed erc20Contract, address indexed account, uint256 amount)"
)

SCENARIO = [
    call(
        SPLITTER,
        Pay(BOB, 3),
        log(ETH, BOB, 3),
        Pay(ALICE, 8),
        log(ETH, ALICE, 8),
        log(ERC20, WETH, BOB, 5),
        value=11,
    ),
    call(SPLITTER, log(ETH, BOB, 2**256 - 1)),
]


def test_splitter_speaks_of_what_it_gave():
    assert given_of(settle_emitted("royalty_splitter"), 0) == [
        ("transferred", SPLITTER, BOB, ZERO, 3),
        ("transferred", SPLITTER, ALICE, ZERO, 8),
        ("transferred", SPLITTER, BOB, WETH, 5),
    ]


def test_amount_that_no_column_holds_is_set_aside():
    tables = settle_emitted("royalty_splitter")
    assert given_of(tables, 1) == []
    assert reasons_of(tables, 1) == ["amount: amount above 38 digits"]
