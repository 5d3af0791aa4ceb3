"""The planted faults: each still applies and names a test that exists; the campaign plants them."""

import re
import subprocess

import pytest

from tests.contracts import mutants
from tests.contracts.mutants import CAUGHT, Mutant, Workshop, judge, read_mutants, read_statuses

ALL = read_mutants()


def test_there_are_at_least_thirty_faults_and_no_two_are_the_same():
    changes = {m.patch.read_text(encoding="utf-8").partition("\n")[2] for m in ALL}
    assert len(changes) == len(ALL) >= 30


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_fault_applies_to_one_contract_and_names_a_test_that_exists(mutant):
    contract = mutant.name.partition("-")[0]
    assert mutants.changed_files(mutant) == [f"contracts/src/{contract}.sol"]
    assert mutants.why_it_does_not_apply(mutant) == ""
    path = mutants.test_file_of(mutant)
    assert path is not None, f"no contract {mutant.contract} in contracts/test"
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"function {mutant.test}\(", text), f"no {mutant.target} in {path.name}"
    assert re.match(r"(test|invariant)", mutant.test)


def test_a_patch_that_has_come_loose_is_told(tmp_path):
    patch = tmp_path / "Registry-loose.patch"
    lines = ALL[0].patch.read_text(encoding="utf-8").splitlines(keepends=True)
    loose = [f"-gone {line[1:]}" if line.startswith("- ") else line for line in lines]
    patch.write_text("".join(loose))
    assert "patch failed" in mutants.why_it_does_not_apply(Mutant("x", patch, "A", "testB"))


def test_a_patch_without_its_test_is_refused(tmp_path):
    (tmp_path / "Registry-unnamed.patch").write_text("--- a/x\n")
    with pytest.raises(ValueError, match=r"Registry-unnamed\.patch: the first line must be"):
        read_mutants(tmp_path)


REPORT = (
    '{"test/A.t.sol:ATest":{"duration":"1ms","test_results":'
    '{"testB(uint256)":{"status":"Failure","reason":"to the wei"}}}}'
)


def test_only_the_failure_of_the_named_test_counts(tmp_path):
    named = Mutant("A-b", tmp_path, "ATest", "testB")
    assert judge(named, read_statuses("Compiling...\n" + REPORT)) == CAUGHT
    passed = REPORT.replace("Failure", "Success")
    assert judge(named, read_statuses(passed)) == "survived ATest.testB"
    broken = REPORT.replace("testB(uint256)", "setUp()")
    assert judge(named, read_statuses(broken)) == "ran setUp instead of testB"


def test_contracts_that_do_not_compile_catch_nothing():
    with pytest.raises(RuntimeError, match="no test ran: Error: Compiler run failed"):
        read_statuses("", "Error: Compiler run failed")
    with pytest.raises(RuntimeError, match="no test ran"):
        read_statuses("{}")


@pytest.mark.slow
def test_every_fault_is_caught_and_a_harmless_change_is_not(tmp_path):
    workshop = Workshop()
    assert set(mutants.plant_all(workshop, ALL, print).values()) == {CAUGHT}
    workshop.prepare()
    source = "contracts/src/PriceFeed.sol"
    text = (mutants.REPO_ROOT / source).read_text(encoding="utf-8")
    (tmp_path / "new").write_text(text.replace("version = 1;", "version = 2;"))
    diff = subprocess.run(
        ["diff", "-u", f"--label=a/{source}", f"--label=b/{source}", source, tmp_path / "new"],
        cwd=mutants.REPO_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    patch = tmp_path / "PriceFeed-version.patch"
    patch.write_text("# caught by: PriceFeedTest.testPricesArePositive\n" + diff.stdout)
    [harmless] = read_mutants(tmp_path)
    assert workshop.verdict(harmless) == "survived PriceFeedTest.testPricesArePositive"
