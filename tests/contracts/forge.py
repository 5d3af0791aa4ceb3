"""forge, called by its binary, and the reports that it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.paths import REPO_ROOT

CONTRACTS = REPO_ROOT / "contracts"


def find_forge() -> Path:
    """Returns forge's binary: its npm wrapper hides failures."""
    found = sorted((CONTRACTS / "node_modules").glob("@foundry-rs/forge-*/bin/forge"))
    if not found:
        message = "forge is missing from contracts/node_modules; run: make setup-dev"
        raise RuntimeError(message)
    return found[0].resolve()


def read_report(answer: str, problems: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    """Returns what `forge test --json` printed: results by test, without arguments, by contract.

    Raises:
        RuntimeError: there is no report, because the contracts do not compile or nothing matched.
    """
    lines = [line for line in answer.splitlines() if line.startswith("{")]
    report = json.loads(lines[-1]) if lines else {}
    suites = {key: suite for key, suite in report.items() if isinstance(suite, dict)}
    if not suites:
        message = f"no test ran: {(problems.strip() or answer.strip())[-400:]}"
        raise RuntimeError(message)
    return {
        key.rpartition(":")[2]: {
            name.partition("(")[0]: result for name, result in suite["test_results"].items()
        }
        for key, suite in suites.items()
    }
