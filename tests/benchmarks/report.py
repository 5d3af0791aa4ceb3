"""Raw rounds to medians, medians to the tables of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan, nan
from statistics import median
from typing import Any

OURS = "Raisonné"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
_PARTS = {
    "fetch": "fetch: HTTP bodies only",
    "parse": "parse: JSON to rows of `logs`",
    "decode": "decode: ABI to columns",
    "decode and settle": "decode and settle: logs to facts",
    "write": "write: facts and evidence into DuckDB, committed",
}

Round = Mapping[str, Any]
Section = Mapping[str, Any]


def done(rounds: Iterable[Round]) -> list[Round]:
    """Rounds that ended well."""
    return [each for each in rounds if "failed" not in each]


def middle(rounds: Iterable[Round], name: str) -> float:
    """Median of one figure over the rounds that ended well; not a number where none did."""
    return float(median([each[name] for each in done(rounds)] or [nan]))


def is_complete(rounds: Sequence[Round]) -> bool:
    """Whether every round ended well with every row that it should have."""
    return all("failed" not in each and each["rows"] == each["expected"] for each in rounds)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tool_table(tools: Mapping[str, Sequence[Round]], starts: Mapping[str, Sequence[Round]]) -> str:
    """One row for each tool: medians, and its wall time over that of ours."""
    ours_s = middle(tools[OURS], "wall_s")
    rows = []
    for name, rounds in tools.items():
        if not done(rounds):
            rows.append([name, f"failed {len(rounds)} times", *[""] * 8])
            continue
        wall_s = middle(rounds, "wall_s")
        walls = [each["wall_s"] for each in done(rounds)]
        start_s = middle(starts[name], "wall_s") if name in starts else 0.0
        rows.append(
            [
                name,
                f"**{seconds(wall_s)}**",
                f"{seconds(min(walls))}–{seconds(max(walls))}",
                seconds(max(wall_s - start_s, 0.0)),
                seconds(middle(rounds, "cpu_s")),
                seconds(middle(rounds, "node_cpu_s")),
                f"{middle(rounds, 'peak_mib'):,.0f}",
                f"{middle(rounds, 'expected') / wall_s:,.0f}",
                "–" if isnan(ours_s) else f"{wall_s / ours_s:.2f}",
                rows_text(rounds),
            ]
        )
    heads = [
        "tool", "wall s", "min–max", "without start", "CPU s", "node's CPU s", "peak MiB",
        "logs/s", f"wall / {OURS}", "rows",
    ]  # fmt: skip
    return table(heads, rows)


def rows_text(rounds: Sequence[Round]) -> str:
    """The rows that a tool wrote, and what it lost."""
    expected = rounds[0]["expected"]
    text = f"{expected:,}"
    if not is_complete(rounds):
        found = ", ".join("failed" if "failed" in each else f"{each['rows']:,}" for each in rounds)
        text = f"{found} of {expected:,}"
    priced = done(rounds)[0].get("rows_with_price")
    if priced is not None and priced != expected:
        text += f", {priced:,} with a price"
    if any(not each.get("is_price_exact", True) for each in done(rounds)):
        text += ", prices wrong"
    return text


def curve_table(sizes: Mapping[str, Mapping[str, Sequence[Round]]]) -> str:
    """One row for each tool and size."""
    rows = []
    for size, tools in sorted(sizes.items(), key=lambda item: int(item[0])):
        for name, rounds in tools.items():
            if not done(rounds):
                rows.append([f"{int(size):,}", name, "failed", "", "", ""])
                continue
            wall_s = middle(rounds, "wall_s")
            rows.append(
                [
                    f"{int(size):,}",
                    name,
                    seconds(wall_s),
                    f"{wall_s / int(size) * 1e6:,.1f}",
                    seconds(middle(rounds, "cpu_s")),
                    f"{middle(rounds, 'peak_mib'):,.0f}",
                ]
            )
    return table(["logs", "tool", "wall s", "µs per log", "CPU s", "peak MiB"], rows)


def find_parts(sections: Mapping[str, Section]) -> dict[str, Section]:
    """The measured stages by kind of event."""
    names = {kind: f"parts-{kind}" for kind in ("transfers", "orders")}
    return {kind: sections[name] for kind, name in names.items() if name in sections}


def parts_table(kinds: Mapping[str, Section]) -> str:
    """One row for each stage: logs a second of the clock and of the processor, for each kind."""
    rows = []
    for stage, label in _PARTS.items():
        cells = [
            part_rate(part["logs"], part["stages"][stage], name)
            for part in kinds.values()
            for name in ("wall_s", "cpu_s")
        ]
        rows.append([label, *cells])
    peers = [
        part_rate(part["eth_abi"]["logs"], part["eth_abi"]["rounds"], name)
        for part in kinds.values()
        for name in ("wall_s", "cpu_s")
    ]
    rows.append(["beside it, decode by eth_abi", *peers])
    heads = [f"{kind}, logs/{unit}" for kind in kinds for unit in ("s", "CPU s")]
    return table(["stage", *heads], rows)


def part_rate(logs: int, rounds: Sequence[Round], name: str) -> str:
    """Logs a second, by the median round."""
    return f"{rate(logs, rounds, name):,.0f}"


def rate(logs: int, rounds: Sequence[Round], name: str) -> float:
    """Logs a second, by the median round."""
    return logs / max(middle(rounds, name), 1e-9)


def seconds(value: float) -> str:
    """Seconds with as many digits as mean something."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def replace_results(page: str, results: str) -> str:
    """The page with new text between its markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the page lacks {BEGIN} or {END}"
        raise ValueError(message)
    return f"{before}{BEGIN}\n\n{results.strip()}\n\n{END}{after}"
