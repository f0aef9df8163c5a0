"""Progress on stderr: bars on a terminal, nothing where output goes to a file or another program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from diffroll_live.types import StreamedNote

if TYPE_CHECKING:
    from rich.progress import Progress

    from diffroll_live.meter.meter_map import MeterMap
    from diffroll_live.picture_types import Estimate


class ProgressBars:
    """A stack of progress bars; use as a context manager, one for the life of a command."""

    def __init__(self) -> None:
        self._progress = _on_terminal() if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextmanager
    def stage(self, description: str) -> Iterator[ProgressBar]:
        """Show a stage of work until the block ends."""
        if self._progress is None:
            yield ProgressBar(lambda **_: None)
            return
        task = self._progress.add_task(description, total=None, detail="")
        try:
            yield ProgressBar(partial(self._progress.update, task))
        finally:
            self._progress.remove_task(task)


class ProgressBar:
    """One bar, which is also the ``types.Control`` that an engine reports to; ``update`` changes what it shows."""

    def __init__(self, update: Callable[..., None]) -> None:
        self._update = update
        self._indices: set[tuple[int, int]] = set()
        self.meter: MeterMap | None = None  # that notes are written on

    def progress(self, step: int, steps: int) -> None:
        """Show ``step`` of ``steps``."""
        self._update(completed=step, total=steps)

    def say(self, detail: str) -> None:
        """Show a few words beside the bar."""
        self._update(detail=detail)

    def estimate(self, estimate: Estimate) -> None:
        """Show nothing: the result holds the trajectory."""

    def grid(self, meter: MeterMap) -> None:
        """Keep the bars and beats that are written on, to say which they were."""
        self.meter = meter

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Show how many notes there are so far."""
        self._indices.update((note.variation, note.index) for note in notes)
        self.say(f"{len(self._indices)} notes")


def _on_terminal() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
