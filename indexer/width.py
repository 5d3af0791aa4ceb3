"""How many blocks to ask for at once: learned per endpoint from its answers and its refusals.

Two limits are kept apart. The ceiling is structural: it depends on the request alone, so it only
ever tightens. The width below it follows the density of the logs: towards a share of the result
cap and a byte budget, falling by division, growing by addition, and by doubling where blocks are
sparse, so that wide empty spans need few requests.
"""

from dataclasses import dataclass

from indexer.limits import LimitKind

FIRST_WIDTH = 100
"""Blocks of the first request to an endpoint that nothing is known about; about 10,000 logs of
all NFT events on mainnet. Where blocks are sparse, a few doublings cost little."""

TARGET_BYTES = 8 << 20
"""Wire bytes that one answer should have: large enough to amortise a round trip, small enough for
several to be held in memory while others are written."""

TARGET_SHARE = 0.6
"""Share of a learnt cap to aim at; the rest is room for blocks denser than the last ones."""

_SPARSE = 0.5  # up to this load twice the blocks still fit
_STEPS = 16  # additive growth: so many answers win back what a refusal took


@dataclass
class WidthController:
    """The width of the next request to one endpoint for one selection; pure, without a clock."""

    width: int = FIRST_WIDTH
    ceiling: int | None = None
    result_cap: int | None = None
    target_bytes: float = TARGET_BYTES
    _step: int = 0
    _most_logs: int = 0

    def propose(self, most: int) -> int:
        """Blocks to ask for next: at least one, at most `most` and the ceiling."""
        return max(1, min(self.width, most, self.ceiling or most))

    def answered(self, width: int, n_logs: int, n_bytes: int) -> None:
        """Learns from an answer over `width` blocks."""
        load = self._load(n_logs, n_bytes)
        self._most_logs = max(self._most_logs, n_logs)
        if load > 1:
            self._shrink(width, int(width / load))
        elif width >= self.propose(self.width):
            # Narrower answers were asked for before the last growth, or are the end of a range.
            self._grow(width, load)

    def refuse_range(self, width: int, cap: int | None = None) -> None:
        """Tightens the ceiling after a refusal of `width` blocks; `cap` is what the text named."""
        if cap is None or cap > width:
            # No number, or one that the node just contradicted.
            cap = width // 2
        elif cap == width:
            # Some count the distance of the ends, one less than the blocks (risc0-ethereum#656).
            cap = width - 1
        self.ceiling = max(1, min(cap, self.ceiling or cap))

    def refuse_density(self, width: int, kind: LimitKind, cap: int | None = None) -> None:
        """Narrows after a refusal of the answer's size over `width` blocks."""
        if cap and kind is LimitKind.RESULTS:
            self.result_cap = min(cap, self.result_cap or cap)
        if cap and kind is LimitKind.BYTES:
            self.target_bytes = min(self.target_bytes, TARGET_SHARE * cap)
        self._shrink(width, width // 2)

    def _load(self, n_logs: int, n_bytes: int) -> float:
        """How full an answer was: 1 is what is aimed at."""
        logs_load = 0.0
        if self.result_cap:
            logs_load = n_logs / (TARGET_SHARE * self.result_cap)
        elif self._step:
            # Refused without a number: the fullest answer that passed is the best guess.
            logs_load = min(1.0, n_logs / max(self._most_logs, 1))
        return max(logs_load, n_bytes / self.target_bytes)

    def _shrink(self, width: int, narrower: int) -> None:
        # Requests of one width are under way together; only the narrowest verdict counts.
        self.width = max(1, min(self.width, narrower))
        self._step = max(1, width // (2 * _STEPS))

    def _grow(self, width: int, load: float) -> None:
        if load <= _SPARSE:
            self.width = 2 * width
            return
        # Never past what the last answer says would fill the target.
        step = self._step or max(1, width // _STEPS)
        self.width = max(self.width, min(width + step, int(width / load)))
