"""Progress of long work: a rich bar with ETA on a terminal, JSON lines on stderr elsewhere."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_JSON_EVERY_S = 2.0


class Bar(Protocol):
    """What long work reports to."""

    def advance(self, steps: float = 1, note: str = "") -> None:
        """Counts steps as done; the note is shown beside the bar."""


@contextmanager
def progress(
    task: str, *, total: float | None, unit: str = "", clock: Callable[[], float] = time.monotonic
) -> Iterator[Bar]:
    """A bar for one task on stderr; `total` None shows activity without an end."""
    if sys.stderr.isatty():
        with _rich_bar(task, total, unit) as bar:
            yield bar
        return
    lines = _JsonLines(task, total, unit, clock)
    yield lines
    lines.finish()


@contextmanager
def _rich_bar(task: str, total: float | None, unit: str) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True)) as display:
        yield _RichBar(display, display.add_task(task, total=total, note=""))


class _RichBar:
    def __init__(self, display: object, task_id: object) -> None:
        self._display = display
        self._task_id = task_id

    def advance(self, steps: float = 1, note: str = "") -> None:
        fields = {"note": note} if note else {}
        self._display.update(self._task_id, advance=steps, **fields)  # type: ignore[attr-defined]


class _JsonLines:
    def __init__(
        self, task: str, total: float | None, unit: str, clock: Callable[[], float]
    ) -> None:
        self._task, self._total, self._unit, self._clock = task, total, unit, clock
        self._done = 0.0
        self._started = self._last = clock()

    def advance(self, steps: float = 1, note: str = "") -> None:
        self._done += steps
        if self._clock() - self._last >= _JSON_EVERY_S:
            self._write(note)

    def finish(self) -> None:
        self._write("", state="done")

    def _write(self, note: str, state: str = "running") -> None:
        self._last = self._clock()
        elapsed_s = self._last - self._started
        line: dict[str, object] = {
            "task": self._task,
            "state": state,
            "done": round(self._done, 3),
            "total": self._total,
            "unit": self._unit,
            "elapsed_s": round(elapsed_s, 2),
        }
        if self._total and 0 < self._done < self._total:
            line["eta_s"] = round(elapsed_s / self._done * (self._total - self._done), 1)
        if note:
            line["note"] = note
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
