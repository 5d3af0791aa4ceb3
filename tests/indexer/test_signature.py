import pytest
from eth_utils import keccak

from indexer.errors import AbiError
from indexer.signature import parse_signature


@pytest.mark.parametrize(
    ("text", "canonical", "n_topics"),
    [
        (
            "event Transfer(address indexed from, address indexed to, uint256 indexed id);",
            "Transfer(address,address,uint256)",
            4,
        ),
        ("Nothing()", "Nothing()", 1),
        ("Sum(uint a, int indexed b)", "Sum(uint256,int256)", 2),
        (
            "Deal((uint8 kind, (address to, bytes32)[2] legs)[] deals, string note)",
            "Deal((uint8,(address,bytes32)[2])[],string)",
            1,
        ),
        ("Pay(address payable indexed who)", "Pay(address)", 2),
    ],
)
def test_signature_is_canonical_and_hashes_to_its_topic(text, canonical, n_topics):
    parsed = parse_signature(text)
    assert (parsed.canonical, parsed.n_topics) == (canonical, n_topics)
    assert parsed.topic0 == "0x" + keccak(text=canonical).hex()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Transfer",
        "Transfer(",
        "Transfer(uint7 x)",
        "Transfer(bytes33 x)",
        "Transfer(address a,)",
        "Transfer(address a, address a)",
        "Transfer(address a) trailing",
        "T(uint8 indexed a, uint8 indexed b, uint8 indexed c, uint8 indexed d)",
        "Transfer(Foo a)",
    ],
)
def test_what_is_no_signature_is_refused_with_the_text(text):
    with pytest.raises(AbiError, match="event"):
        parse_signature(text)
