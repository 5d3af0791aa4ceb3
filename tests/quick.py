"""Parameters of which the default suite takes a part, and the campaigns (`-m slow`) the rest."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick_and_slow(quick: Iterable[Any], rest: Iterable[Any]) -> list[Any]:
    """Values for `parametrize`; a tuple has a value for each name."""
    slow = (values if isinstance(values, tuple) else (values,) for values in rest)
    return [*quick, *(pytest.param(*values, marks=pytest.mark.slow) for values in slow)]
