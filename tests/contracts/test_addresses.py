import pytest

from contracts.addresses import (
    PUBLIC_ADDRESSES,
    Addresses,
    addresses_path,
    known_addresses,
    write_addresses,
)
from contracts.errors import DeploymentError
from contracts.plan import PLAN

PLACES = [step.field for step in PLAN]
FOUND = Addresses(
    chain_id=31_337,
    **{name: "0x" + f"{n:x}" * 40 for n, name in enumerate(PLACES, 1)},
    deployed_block=9,
)


def test_written_addresses_are_read_back(tmp_path):
    path = write_addresses(FOUND, tmp_path)
    assert path == tmp_path / "31337" / "addresses.toml"
    assert known_addresses(31_337, tmp_path) == FOUND


def test_unknown_chain_is_none(tmp_path):
    write_addresses(FOUND, tmp_path)
    assert known_addresses(1, tmp_path) is None


def test_addresses_come_back_in_lower_case(tmp_path):
    path = write_addresses(FOUND, tmp_path)
    path.write_text(path.read_text().replace(FOUND.artwork, "0x" + "A" * 40))
    assert known_addresses(31_337, tmp_path).artwork == "0x" + "a" * 40


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("market = ", "bazaar = ", "market"),
        ("chain_id = 31337", "chain_id = 1", "about chain 1, not 31337"),
        ("artwork = ", "artwork ", "not valid TOML"),
        ("deployed_block = 9", 'deployed_block = "soon"', "soon"),
    ],
)
def test_unusable_file_is_named_with_the_fix(tmp_path, old, new, said):
    path = write_addresses(FOUND, tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DeploymentError) as raised:
        known_addresses(31_337, tmp_path)
    assert said in str(raised.value)
    assert str(addresses_path(31_337, tmp_path)) in str(raised.value)
    assert raised.value.exit_code == 3


def test_committed_file_can_be_read():
    assert PUBLIC_ADDRESSES.is_file()
    assert known_addresses(1, PUBLIC_ADDRESSES.parent / "nowhere") is None
