"""A diagnosis as it is read on a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.doctor import Diagnosis, Finding

_LABELS = {
    "chain": "chain",
    "client": "client",
    "head": "head",
    "latency": "latency",
    "finalized": "finalized tag",
    "safe": "safe tag",
    "batch": "batches",
    "bloom": "log blooms",
    "logs": "logs",
    "log_times": "time in logs",
    "logs_by_hash": "logs by block hash",
    "block_receipts": "block receipts",
    "debug_trace": "debug traces",
    "trace": "parity traces",
    "range_cap": "widest range",
    "result_cap": "fullest answer",
    "log_depth": "depth of logs",
    "state_depth": "depth of state",
    "websocket": "WebSocket",
}
_MARKS = {"yes": ("✓", "green"), "no": ("✗", "red"), "unknown": ("?", "yellow")}


def print_finding(name: str, finding: Finding, console: Console) -> None:
    """Prints one finding as a line: mark, question, answer."""
    mark, style = _MARKS[finding.state]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=style)
    grid.add_column(width=18)
    grid.add_column(overflow="fold")
    words = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in finding.words)
    grid.add_row(mark, _LABELS.get(name, name), Text(words))
    console.print(grid)


def print_advice(found: Diagnosis, console: Console) -> None:
    """Prints what follows from the findings."""
    console.print(Text(f"\n{found.endpoint}, {found.calls:,} calls made", style="dim"))
    for line in found.advice:
        console.print(Text(f"→ {line}"))
