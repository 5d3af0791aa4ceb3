"""What splitters of the royalty registry gave on: emitted on a node, and recorded on Ethereum."""

import pytest

from indexer.link import rebuild_links
from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.royalties import given_of, reasons_of
from tests.indexer.samples import ALICE, BOB, WETH, ZERO
from tests.paths import needs_mainnet

SPLITTER = "0x" + "51" * 20
ETH = "ETHTransferred(address indexed account, uint256 amount)"
ERC20 = "ERC20Transferred(address indexed erc20Contract, address indexed account, uint256 amount)"

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


REAL = {
    # Seaport sale: the split its royalty went to, and who got what of it in the same transaction
    "0x794806b75ef7359ce51ce9e5a0e0fb602490a9e320dbef0af9a1d2900ad152d8": (
        "0x988a19f06b6a800ba8b5e350e1c127535edb1001",
        {
            "0x83c979f426c90c326c50a6b9b172ee02d225d57e": 0x1F0C876903B800,
            "0x6cc435f69fbac8ccddc8757e46a9d4376fdb16b5": 0x11770C2B1217800,
        },
    ),
    "0x57cd4282ebd9a6961ace8ec74e9dda6d18b9d6d597860d0fad5ac1ae9f142a0d": (
        "0x8e8717dcd1687080757cb513d7d6702625973be8",
        {
            "0x43b3989e26774f0271b69251aa75b12ba2ac5556": 0x552E0B8322800,
            "0x2ce780d7c743a57791b835a9d6f998b15bbba5a4": 0x1E2AF9691C3800,
        },
    ),
}


@needs_mainnet
@pytest.mark.parametrize("tx_hash", REAL)
def test_recorded_royalty_is_looked_through_to_who_got_it(store, tx_hash):
    for name, frame in settle_real(tx_hash).items():
        store.append(name, frame)
    rebuild_links(store)
    rows = store.read("royalty_ledger")
    splitter, people = REAL[tx_hash]
    own = rows.filter(recipient=splitter)
    assert [int(wei) for wei in own["paid_wei"]] == [sum(people.values())]
    through = rows.filter(look_through_of=splitter)
    assert {who: int(wei) for who, wei in through.select("recipient", "paid_wei").rows()} == people
