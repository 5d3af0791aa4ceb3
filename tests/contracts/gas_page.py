"""docs/gas.md: what each writing call of the contracts took in the unit tests, as forge reports."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from contracts.abi import load
from tests.contracts.forge import CONTRACTS, find_forge
from tests.paths import REPO_ROOT

PAGE = REPO_ROOT / "docs" / "gas.md"

#: EIP-170: the most bytes of code that a contract may have.
MAX_CODE_BYTES = 24_576

_INTRO = f"""\
# Gas

Made by `make gas` from the unit tests, whose calls forge takes for transactions of their own; not
to be edited by hand. A call that reverts counts too, so the median is that of all ways through a
call which the tests try. The most may be that of a list filled to its bound, or of a receiver that
burns all it gets. Calls that only read are left out. How gas is held:
[contracts](contracts.md#working-on-them).

Bytes are those of the code on chain; a contract may have {MAX_CODE_BYTES:,}.
"""

Report = list[dict[str, Any]]


def measure_calls() -> Report:
    """Returns forge's gas report over the unit tests: one object a contract.

    Raises:
        RuntimeError: forge gave no report; the tests fail, or nothing compiles.
    """
    command = [str(find_forge()), "test", "--gas-report", "--json"]
    command += ["--no-match-test", "([Ff]uzz|^invariant)"]
    done = subprocess.run(command, cwd=CONTRACTS, capture_output=True, text=True, check=False)
    reports = [line for line in done.stdout.splitlines() if line.startswith("[")]
    if not reports:
        said = (done.stderr.strip() or done.stdout.strip())[-400:]
        message = f"forge gave no gas report: {said}; run: make test-contracts"
        raise RuntimeError(message)
    found: Report = json.loads(reports[-1])
    return found


def page(report: Report) -> str:
    """The page as Markdown: a table for each contract of ours."""
    own = {
        each["contract"].rpartition(":")[2]: each
        for each in report
        if each["contract"].startswith("src/")
    }
    return "\n".join([_INTRO, *(_section(name, own[name]) for name in sorted(own))])


def _section(name: str, measured: dict[str, Any]) -> str:
    writing = _writing(name)
    rows = [
        f"| `{call}` | {figures['calls']:,} | {figures['median']:,} | {figures['max']:,} |"
        for signature, figures in sorted(measured["functions"].items())
        if (call := signature.partition("(")[0]) in writing
    ]
    head = ["| call | calls | median | most |", "| --- | ---: | ---: | ---: |"]
    size = (len(load(name).runtime) - len("0x")) // 2
    return "\n".join([f"## {name}, {size:,} bytes", "", *head, *rows, ""])


def _writing(name: str) -> set[str]:
    """The functions of a contract that may change something."""
    return {
        each.get("name", "receive")
        for each in load(name).abi
        if each["type"] in ("function", "receive")
        and each["stateMutability"] in ("payable", "nonpayable")
    }
