"""The page about protocols and the fixtures are made from what they describe."""

import json

import pytest

from indexer.protocols import PROTOCOLS
from tests.emission.emit import FOLDER
from tests.emission.script import logs_of
from tests.protocol_page import PAGE, module_of, page

FIXTURES = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run `make protocols`"


def test_every_protocol_has_a_section():
    for name in PROTOCOLS:
        assert f"\n## {name}\n" in page()


@pytest.mark.parametrize("name", FIXTURES)
def test_fixture_holds_the_logs_that_its_scenario_names(name):
    """eth-abi encodes what the node emitted: a fixture that was not made anew is found out."""
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    emitted = [
        [(log["address"], log["topics"], log["data"]) for log in receipt["logs"]]
        for receipt in recorded["receipts"]
    ]
    wanted = [
        [
            (address, ["0x" + topic.hex() for topic in each.topics], "0x" + each.data.hex())
            for address, each in logs_of(transaction)
        ]
        for transaction in module_of(name).SCENARIO
    ]
    assert emitted == wanted, f"run `make fixtures ARGS={name}`"
