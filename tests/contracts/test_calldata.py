"""web3's decoder is the oracle: it shares no code with the encoders except the ABI itself."""

import pytest

from contracts import calldata
from contracts.abi import load
from contracts.calldata import MintRequest, Parent
from contracts.errors import CalldataError

SOMEONE = "0x00000000000000000000000000000000000000aa"
OTHER = "0x00000000000000000000000000000000000000BB"
BIG = 2**256 - 1


def decoded(contract, data):
    from web3 import Web3

    function, values = Web3().eth.contract(abi=load(contract).abi).decode_function_input(data)
    return function.fn_name, dict(values)


CASES = [
    ("Artwork", calldata.encode_burn(7, 2), "burn", {"tokenId": 7, "reason": 2}),
    ("Artwork", calldata.encode_set_royalty(7, 1_000), "setRoyalty",
     {"tokenId": 7, "bps": 1_000}),
    ("Artwork", calldata.encode_transfer(SOMEONE, OTHER, BIG), "transferFrom",
     {"from": SOMEONE, "to": OTHER, "tokenId": BIG}),
    ("Artwork", calldata.encode_approve(OTHER, 1), "approve", {"to": OTHER, "tokenId": 1}),
    ("Artwork", calldata.encode_approve_all(OTHER), "setApprovalForAll",
     {"operator": OTHER, "approved": True}),
    ("Artwork", calldata.encode_approve_all(OTHER, False), "setApprovalForAll",
     {"operator": OTHER, "approved": False}),
    ("Market", calldata.encode_list(3, 10**18, 1_800_000_000), "list",
     {"tokenId": 3, "priceWei": 10**18, "endTime": 1_800_000_000}),
    ("Market", calldata.encode_cancel(3), "cancel", {"tokenId": 3}),
    ("Market", calldata.encode_buy(3, 5, OTHER), "buy",
     {"tokenId": 3, "maxPrice": 5, "recipient": OTHER}),
    ("Market", calldata.encode_withdraw(), "withdraw", {}),
    ("VaultFactory", calldata.encode_withdraw(), "withdraw", {}),
    ("VaultFactory", calldata.encode_open_vault(3, "Größe", "G", 10**21, 2), "open",
     {"tokenId": 3, "name": "Größe", "symbol": "G", "supply": 10**21, "valuationWei": 2}),
    ("Vault", calldata.encode_share_transfer(OTHER, 5), "transfer", {"to": OTHER, "value": 5}),
    ("Vault", calldata.encode_take_out(), "takeOut", {}),
    ("PriceFeed", calldata.encode_push_price(-3), "push", {"answer": -3}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("contract", "data", "name", "values"), CASES, ids=[f"{c[0]}.{c[2]}" for c in CASES]
)
def test_calldata_means_what_was_asked(contract, data, name, values):
    got_name, got = decoded(contract, data)
    assert got_name == name
    assert {k: _plain(v) for k, v in got.items()} == {k: _plain(v) for k, v in values.items()}


def test_mint_carries_every_field_and_parent():
    word = {n: bytes([i]) * 32 for i, n in enumerate(("manifest", "pixelHash", "model"), 1)}
    request = MintRequest(
        to=SOMEONE, manifest=word["manifest"], pixel_hash=word["pixelHash"], model=word["model"],
        dataset=bytes(32), process=b"\xff" * 32, seed=BIG,
        royalty_bps=999, uri='data:application/json,{"name":"\u00e9"}',
        parents=(Parent(OTHER, 4, 1, 2_500), Parent(SOMEONE, BIG, 255, 7_500)),
    )  # fmt: skip
    name, values = decoded("Artwork", calldata.encode_mint(request))
    mint = values["m"]
    assert name == "mint"
    assert mint["seed"] == BIG
    assert mint["uri"] == request.uri
    assert (mint["manifest"], mint["pixelHash"]) == (request.manifest, request.pixel_hash)
    assert (mint["model"], mint["process"]) == (request.model, request.process)
    assert _plain(mint["to"]) == SOMEONE
    assert mint["royaltyBps"] == 999
    assert [tuple(map(_plain, p.values())) for p in mint["parents"]] == [
        (OTHER.lower(), 4, 1, 2_500),
        (SOMEONE, BIG, 255, 7_500),
    ]


@pytest.mark.parametrize("wrong", [-1, 2**256])
def test_amounts_outside_256_bits_are_refused(wrong):
    with pytest.raises(CalldataError, match=r"Market\.list: .*256 bits"):
        calldata.encode_list(1, wrong)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_digest_of_another_length_is_refused(length):
    words = dict.fromkeys(("manifest", "model", "dataset", "process"), bytes(32))
    with pytest.raises(CalldataError, match=f"pixel_hash has {length} bytes"):
        MintRequest(
            to=SOMEONE, pixel_hash=bytes(length), seed=1, royalty_bps=0, uri="", **words,
        )  # fmt: skip


def _plain(value):
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value
