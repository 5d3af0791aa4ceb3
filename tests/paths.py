"""Where tests find the repository and the data that is shared beside it."""

from pathlib import Path

import pytest

REPO_ROOT = Path(__file__).resolve().parent.parent
SHARED = REPO_ROOT.parent / "shared"
MAINNET = SHARED / "mainnet"

needs_mainnet = pytest.mark.skipif(
    not (MAINNET / "logs.jsonl.gz").exists(), reason=f"recorded mainnet data is not at {MAINNET}"
)
