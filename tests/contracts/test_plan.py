import pytest

from contracts.abi import load
from contracts.errors import DeploymentError
from contracts.inspection import matches
from contracts.plan import DEFAULTS, PLAN, Ref, created_address, predict, resolve, settle

DEPLOYER = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        # Known contracts of that account, computed with other tools (go-ethereum, ethers)
        (0, "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        (1, "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        (2, "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
    ],
)
def test_addresses_follow_from_account_and_nonce(nonce, address):
    assert created_address(DEPLOYER, nonce) == address


@pytest.mark.parametrize("nonce", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 65_535, 65_536, 2**32])
def test_nonces_of_every_length_are_written_as_rlp_has_it(nonce):
    import rlp
    from eth_utils.crypto import keccak

    oracle = keccak(rlp.encode([bytes.fromhex(DEPLOYER[2:]), nonce]))[-20:].hex()
    assert created_address(DEPLOYER, nonce) == "0x" + oracle


def test_every_contract_of_the_plan_has_a_place_of_its_own():
    places = predict(DEPLOYER, 5)
    assert list(places) == [step.field for step in PLAN]
    assert len(set(places.values())) == len(PLAN)
    assert places[PLAN[0].field] == created_address(DEPLOYER, 5)


@pytest.mark.parametrize("step", PLAN, ids=lambda step: step.contract)
def test_every_argument_fits_its_constructor_and_every_getter_is_there(step):
    abi = load(step.contract).abi
    constructor = next((e for e in abi if e["type"] == "constructor"), {"inputs": []})
    assert len(constructor["inputs"]) == len(step.arguments)
    functions = {e["name"]: e for e in abi if e["type"] == "function"}
    for argument in step.arguments:
        if argument.getter is not None:
            assert functions[argument.getter]["inputs"] == []


@pytest.mark.parametrize("step", PLAN, ids=lambda step: step.contract)
def test_references_point_into_the_plan(step):
    fields = {each.field for each in PLAN}
    for argument in step.arguments:
        if isinstance(argument.value, Ref):
            assert argument.value.field in fields


def test_settings_are_as_asked_or_by_default():
    settled = settle({"fee_bps": 100}, DEPLOYER, predict(DEPLOYER, 0))
    assert settled["fee_bps"] == 100
    assert set(settled) == {"deployer", *DEFAULTS}
    assert settled["fee_recipient"] == settled["treasury"]
    assert settled["treasury"] in {DEPLOYER, *predict(DEPLOYER, 0).values()}


def test_unknown_settings_are_refused():
    with pytest.raises(DeploymentError, match="no setting colour"):
        settle({"colour": "red"}, DEPLOYER, {})


def test_addresses_are_resolved_in_lower_case_and_texts_as_they_are():
    assert resolve("0x" + "AB" * 20, {}, {}) == "0x" + "ab" * 20
    assert resolve("Raisonne", {}, {}) == "Raisonne"
    assert resolve((Ref("market"), 7), {"market": DEPLOYER}, {}) == (DEPLOYER, 7)


def test_other_code_of_the_same_length_is_not_ours():
    market = load("Market")
    code = bytearray.fromhex(market.runtime[2:])
    start, length = market.immutables[0]
    code[start : start + length] = b"\x11" * length
    assert matches(market, "0x" + code.hex())
    code[start - 1] ^= 1
    assert not matches(market, "0x" + code.hex())
    assert not matches(market, "0x")
