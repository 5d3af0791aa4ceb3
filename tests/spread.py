"""Which tests of a parallel run share a worker, and in which order the shares are taken.

A session fixture is made once in each worker that meets it. So files that share a costly one are a
single share, as are packages that share imports and many small fixtures; any other file is a share
of its own. Large shares come first: the last ones to be taken even out what the workers need.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
COSTLY = frozenset({"demo_store", "replayed"})
"""Fixtures that take many seconds to make."""
PACKAGES = ("indexer/protocols", "contracts", "generation", "dashboard", "analytics")
_FIRST = ("costly", *PACKAGES, "integration", "indexer")


def share_out(items: list[pytest.Item]) -> None:
    """Marks the tests with their share, for `--dist loadgroup`, and sorts them by it."""
    costly = {item.path for item in items if COSTLY & set(getattr(item, "fixturenames", ()))}
    shares = {path: _share(path, costly) for path in {item.path for item in items}}
    items.sort(key=lambda item: (_rank(shares[item.path]), shares[item.path]))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(shares[item.path]))


def _share(path: Path, costly: Iterable[Path]) -> str:
    if path in costly:
        return "costly"
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    return next((each for each in PACKAGES if name.startswith(f"{each}/")), name)


def _rank(share: str) -> int:
    folder = share if share in _FIRST else share.rpartition("/")[0]
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)
