from tests.indexer.protocols.settled import settle
from tests.indexer.samples import (
    ALICE,
    BOB,
    CAROL,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    ZERO,
    make_log,
    make_transfer,
    one,
)

CRYPTOKITTIES = "0x06012c8cf97bead5deae237070f9587f8e7a266d"
UNINDEXED = "Transfer(address from, address to, uint256 tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"


def test_erc721_transfer_becomes_one_row():
    row = one(settle(make_transfer(2**256 - 1))["transfers"])
    assert row["token_id"] == str(2**256 - 1)
    assert (row["from_address"], row["to_address"], row["quantity"]) == (ALICE, BOB, "1")
    assert (row["kind"], row["token_standard"], row["operator"]) == ("transfer", "erc721", None)


def test_kind_is_told_by_the_zero_address():
    logs = [
        make_log(TRANSFER, ZERO, BOB, 1, index=0),
        make_log(TRANSFER, ALICE, ZERO, 1, index=1),
    ]
    assert settle(*logs)["transfers"]["kind"].to_list() == ["mint", "burn"]


def test_erc20_transfer_with_its_three_topics_is_no_erc721_transfer():
    assert settle(make_log(ERC20, ALICE, BOB, 5))["transfers"].is_empty()


def test_named_old_contract_is_read_with_unindexed_arguments():
    row = one(settle(make_log(UNINDEXED, ALICE, BOB, 5, address=CRYPTOKITTIES))["transfers"])
    assert (row["collection"], row["token_id"]) == (CRYPTOKITTIES, "5")


def test_any_other_contract_is_not_read_with_unindexed_arguments():
    assert settle(make_log(UNINDEXED, ALICE, BOB, 5))["transfers"].is_empty()
    elsewhere = make_log(UNINDEXED, ALICE, BOB, 5, address=CRYPTOKITTIES)
    assert settle(elsewhere, chain_id=10)["transfers"].is_empty()


def test_erc1155_single_keeps_its_quantity_as_exact_text():
    row = one(settle(make_log(TRANSFER_SINGLE, CAROL, ALICE, BOB, 7, 2**256 - 1))["transfers"])
    assert (row["token_id"], row["quantity"]) == ("7", str(2**256 - 1))
    assert (row["operator"], row["token_standard"]) == (CAROL, "erc1155")


def test_erc1155_batch_becomes_one_row_per_item():
    log = make_log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7, 7, 9], [1, 0, 3])
    rows = settle(log)["transfers"].sort("item_index")
    assert rows.select("item_index", "token_id", "quantity").rows() == [
        (0, "7", "1"),
        (1, "7", "0"),
        (2, "9", "3"),
    ]


def test_empty_batch_is_no_transfer_and_no_error():
    tables = settle(make_log(TRANSFER_BATCH, CAROL, ALICE, BOB, [], []))
    assert tables["transfers"].is_empty()
    assert tables["quarantine"].is_empty()


def test_batch_with_more_ids_than_values_is_set_aside_whole():
    uneven = make_log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7, 8], [1], index=0)
    none = make_log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7], [], index=1)
    good = make_log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7], [1], index=2)
    tables = settle(uneven, none, good)
    assert tables["transfers"]["log_index"].to_list() == [2]
    aside = tables["quarantine"].sort("log_index")
    assert aside["log_index"].to_list() == [0, 1]
    assert set(aside["reason"]) == {"ids and values differ in number"}
    assert aside["data"][0].hex() == uneven["data"][2:], "the raw log is kept"


def test_truncated_data_are_set_aside_with_the_raw_log_and_a_reason():
    log = make_log(TRANSFER_SINGLE, CAROL, ALICE, BOB, 7, 1, data=b"\x01" * 40)
    tables = settle(log, make_transfer(1, index=1))
    assert tables["transfers"].height == 1
    row = one(tables["quarantine"])
    assert (row["protocol"], row["event"]) == ("erc1155", "TransferSingle")
    assert row["reason"] == "data too short"
    assert row["data"] == b"\x01" * 40
    assert row["topics"] == ",".join(log["topics"])


def test_only_logs_that_were_read_are_kept_as_evidence():
    logs = [make_transfer(1, index=0), make_log(ERC20, ALICE, BOB, 5, index=1)]
    assert settle(*logs)["logs"]["log_index"].to_list() == [0]


def test_same_log_twice_is_one_transfer():
    assert settle(make_transfer(1), make_transfer(1))["transfers"].height == 1
