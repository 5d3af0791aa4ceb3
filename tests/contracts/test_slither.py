"""The answers to slither's findings: each finding has one, and each answer its finding."""

from tests.contracts.slither import ANSWERS, compare, read_answers, read_findings

FUNCTION = {
    "type": "function",
    "name": "settle",
    "type_specific_fields": {"parent": {"type": "contract", "name": "Auctions"}},
}
REPORT = {
    "success": True,
    "results": {
        "detectors": [
            {"check": "timestamp", "elements": [FUNCTION]},
            {"check": "timestamp", "elements": [FUNCTION, FUNCTION]},
            {"check": "missing-inheritance", "elements": [{"type": "contract", "name": "Artwork"}]},
            {
                "check": "solc-version",
                "elements": [
                    {
                        "type": "pragma",
                        "name": "^0.8.26",
                        "source_mapping": {"filename_relative": "src/Cid.sol"},
                    }
                ],
            },
        ]
    },
}


def test_a_finding_is_known_by_its_check_and_what_it_is_about():
    assert read_findings(REPORT) == [
        ("missing-inheritance", "Artwork"),
        ("solc-version", "Cid.sol"),
        ("timestamp", "Auctions.settle"),
    ]
    assert read_findings({"success": True, "results": {}}) == []


def test_new_findings_and_answers_without_a_finding_are_told():
    answers = {("timestamp", "Auctions.settle"): "a deadline", ("assembly", "Old.gone"): "meant"}
    assert compare(read_findings(REPORT), answers) == [
        "NEW missing-inheritance: Artwork",
        "NEW solc-version: Cid.sol",
        "GONE assembly: Old.gone",
    ]
    assert compare([], {}) == []


def test_every_row_of_the_page_is_read_and_answered():
    rows = [line for line in ANSWERS.read_text(encoding="utf-8").splitlines() if "| `" in line]
    answers = read_answers()
    assert len(answers) == len(rows) > 50
    assert all(len(answer) > 10 for answer in answers.values())
