"""Spreading a budget: weights on the simplex between a floor and a cap, then whole works."""

from collections.abc import Sequence

_ROUNDS = 200
_NOTHING = 1e-12
"""Smaller shares of the whole are none: scaling them up to a bound would overflow."""


def spread_weights(values: Sequence[float], low: float, high: float) -> list[float]:
    """Weights that add up to 1, in proportion to the values, each between low and high.

    Values are not negative; where all are zero the weights are equal. The common factor f with
    sum(clip(f * value, low, high)) = 1 is found by bisection; bounds that no weights could keep
    (too few items for the cap, too many for the floor) give way to equal weights.
    """
    count = len(values)
    if count == 0:
        return []
    low, high = min(low, 1 / count), max(high, 1 / count)
    total = sum(values)
    if total <= 0:
        return [1 / count] * count
    shares = [value / total if value / total > _NOTHING else 0.0 for value in values]

    def clipped(factor: float) -> list[float]:
        return [min(max(factor * share, low), high) for share in shares]

    smallest = min((share for share in shares if share > 0), default=1.0)
    below, above = 0.0, 1 / smallest
    for _ in range(_ROUNDS):
        middle = (below + above) / 2
        if sum(clipped(middle)) < 1:
            below = middle
        else:
            above = middle
    weights = clipped(above)
    missing = 1 - sum(weights)
    if abs(missing) > 1e-9:  # every positive share is capped: the zeros take what is left
        zeros = [place for place, share in enumerate(shares) if share == 0]
        for place in zeros:
            weights[place] += missing / len(zeros)
    return weights


def share_works(weights: Sequence[float], budget: int) -> list[int]:
    """Whole works per weight that add up to the budget, by largest remainder.

    Ties go to the one that stands first (Hamilton's method, as in seat apportionment).
    """
    exact = [weight * budget for weight in weights]
    works = [int(share + 1e-9) for share in exact]
    order = sorted(range(len(exact)), key=lambda place: (works[place] - exact[place], place))
    for place in order[: max(budget - sum(works), 0)]:
        works[place] += 1
    return works
