"""What issue 3 asks of the figures, and whether they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from tests.benchmarks.report import OURS, Section, find_parts, middle, rate, table

DECODED = "cryo decoded"
SLOW = ("ethereum-etl", "ponder")
_MOST_MIB = 1_536


@dataclass(frozen=True)
class Target:
    """One wish, what was measured, and whether it is met."""

    wish: str
    value: float
    pattern: str
    is_met: bool

    @property
    def measured(self) -> str:
        """The figure with its unit."""
        return "its runs failed" if isnan(self.value) else self.pattern.format(self.value)


def find_targets(sections: Mapping[str, Section]) -> list[Target]:
    """Every target that the sections can tell about."""
    finders = (_rows, _against_cryo, _against_slow, _memory, _growth, _decode)
    return [each for find in finders for each in find(sections)]


def target_table(sections: Mapping[str, Section]) -> str:
    """The targets as Markdown."""
    rows = [
        [each.wish, each.measured, "yes" if each.is_met else "**no**"]
        for each in find_targets(sections)
    ]
    return table(["target", "measured", "met"], rows)


def _against_cryo(sections: Mapping[str, Section]) -> Iterator[Target]:
    wishes = {
        "transfers-100": ("Transfers in blocks of 100", 1.15),
        "transfers-1000": ("Transfers in blocks of 1,000", 1.15),
        "orders-100": ("Seaport orders", 1.3),
    }
    for name, (label, most) in wishes.items():
        if name not in sections:
            continue
        tools = sections[name]["tools"]
        ratio = middle(tools[OURS], "wall_s") / middle(tools[DECODED], "wall_s")
        logs = tools[OURS][0]["expected"]
        wish = f"{logs:,} {label}: wall at most {most} × cryo decoded"
        yield Target(wish, ratio, "{:.2f} ×", ratio <= most)


def _against_slow(sections: Mapping[str, Section]) -> Iterator[Target]:
    if "slow" not in sections:
        return
    tools = sections["slow"]["tools"]
    for name in SLOW:
        if name in tools:
            ratio = middle(tools[name], "wall_s") / middle(tools[OURS], "wall_s")
            wish = f"at least 10 × faster than {name}, both on {_logs(tools):,} logs"
            yield Target(wish, ratio, "{:.1f} ×", ratio >= 10)
            whole = sections.get("transfers-100", {}).get("tools")
            if whole:
                # Peers that slow were run on a part; they take as long for each further log.
                each = middle(tools[name], "wall_s") / _logs(tools)
                ratio = each / (middle(whole[OURS], "wall_s") / _logs(whole))
                wish = f"the same per log, ours on {_logs(whole):,} logs"
                yield Target(wish, ratio, "{:.1f} ×", ratio >= 10)


def _logs(tools: Section) -> int:
    return int(tools[OURS][0]["expected"])


def _rows(sections: Mapping[str, Section]) -> Iterator[Target]:
    """Failed rounds count as rounds that lost all."""
    groups = [section.get("tools", {}) for name, section in sections.items() if name != "starts"]
    groups += sections.get("curve", {}).get("sizes", {}).values()
    ours = [each for tools in groups for each in tools.get(OURS, ())]
    if ours:
        lost = sum(each["expected"] - each.get("rows", 0) for each in ours)
        wrong = sum(not each.get("is_price_exact", True) for each in ours)
        wish = f"rows lost in all {len(ours)} runs of {OURS}, and sums of prices not exact: none"
        yield Target(wish, lost + wrong, "{:,}", lost == wrong == 0)


def _memory(sections: Mapping[str, Section]) -> Iterator[Target]:
    peaks = {
        int(size): middle(tools[OURS], "peak_mib")
        for size, tools in sections.get("curve", {}).get("sizes", {}).items()
    }
    for name in ("transfers-100", "transfers-1000", "orders-100"):
        if name in sections:
            tools = sections[name]["tools"]
            peak = middle(tools[OURS], "peak_mib")
            wish = f"peak memory under 1.5 GiB on {name}"
            yield Target(wish, peak, "{:,.0f} MiB", peak < _MOST_MIB)
    if len(peaks) < 2:
        return
    most, (less, more) = max(peaks), sorted(peaks)[-2:]
    wish = f"peak memory under 1.5 GiB with {most:,} logs"
    yield Target(wish, peaks[most], "{:,.0f} MiB", peaks[most] < _MOST_MIB)
    ratio = peaks[more] / peaks[less]
    wish = f"peak memory flat (within 15 %) from {less:,} to {more:,} logs"
    yield Target(wish, ratio, "{:.2f} ×", ratio <= 1.15)


def _growth(sections: Mapping[str, Section]) -> Iterator[Target]:
    walls = {
        int(size): middle(tools[OURS], "wall_s")
        for size, tools in sections.get("curve", {}).get("sizes", {}).items()
    }
    if len(walls) < 2:
        return
    less, more = sorted(walls)[-2:]
    ratio = walls[more] / walls[less] / (more / less)
    wish = f"time grows linearly from {less:,} to {more:,} logs (within 15 %)"
    yield Target(wish, ratio, "{:.2f} × linear", ratio <= 1.15)


def _decode(sections: Mapping[str, Section]) -> Iterator[Target]:
    kinds = find_parts(sections)
    wishes = {"transfers": ("Transfer", 8_000_000), "orders": ("OrderFulfilled", 400_000)}
    for kind, (event, least) in wishes.items():
        if kind in kinds:
            part = kinds[kind]
            found = rate(part["logs"], part["stages"]["decode"], "cpu_s")
            wish = f"decode at least {least:,} {event} logs a second of one core"
            yield Target(wish, found, "{:,.0f}", found >= least)
