"""The generated part of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.report import (
    OURS,
    Section,
    curve_table,
    find_parts,
    middle,
    parts_table,
    table,
    tool_table,
)
from tests.benchmarks.targets import target_table

_COMPARISONS = {
    "transfers-100": "ERC-721 Transfers, blocks of 100 logs",
    "transfers-1000": "ERC-721 Transfers, blocks of 1,000 logs",
    "orders-100": "Seaport orders, blocks of 100 logs",
    "slow": "The slow peers: fewer Transfers, blocks of 100 logs",
}


def render(sections: Mapping[str, Section]) -> str:
    """All tables that the measured sections can fill, as Markdown."""
    starts = sections.get("starts", {}).get("tools", {})
    blocks = ["## Targets", target_table(sections)]
    for name, title in _COMPARISONS.items():
        if name in sections:
            section = sections[name]
            tools = section["tools"]
            blocks += [f"## {title}", _about(section), tool_table(tools, starts)]
    if "curve" in sections:
        section = sections["curve"]
        blocks += [
            "## Cost curve: Transfers, blocks of 1,000 logs",
            _about(section),
            curve_table(section["sizes"]),
            f"The node itself held {section['node_peak_mib']:,.0f} MiB.",
        ]
    kinds = find_parts(sections)
    if kinds:
        about = " ".join(f"{kind}: {_about(section)}" for kind, section in kinds.items())
        blocks += ["## Stages apart", f"polars with one thread. {about}", parts_table(kinds)]
    if starts:
        rows = [
            [name, *(f"{middle(rounds, key):.2f}" for key in ("wall_s", "cpu_s"))]
            for name, rounds in starts.items()
        ]
        blocks += ["## Start alone", table(["tool", "wall s", "CPU s"], rows)]
    return "\n\n".join([*blocks, "## Machine and versions", _versions(sections)])


def _about(section: Section) -> str:
    """When, which commit, how many rounds, and how busy the machine was before each."""
    groups = section.get("sizes") or {"": section.get("tools", {})}
    runs = [rounds for tools in groups.values() for rounds in tools.values()]
    runs += section.get("stages", {}).values()
    loads = [each["load"] for rounds in runs for each in rounds if "load" in each]
    loads += [section["load"]] if "load" in section else []
    text = f"Measured {section['about']['date']} at commit {section['about'][OURS]}"
    text += f"; median of {max(map(len, runs))}"
    if loads:
        text += f"; load average before it {min(loads):.1f} to {max(loads):.1f}"
    return text + "."


def _versions(sections: Mapping[str, Section]) -> str:
    merged: dict[str, str] = {}
    for section in sorted(sections.values(), key=lambda each: each["about"]["date"]):
        merged |= section["about"]
    merged |= {"cryo": "0.3.2", "ethereum-etl": "2.4.2", "ponder": "1.0.0"}
    return table(["", ""], [[name, value] for name, value in merged.items() if name != "date"])
