"""The table of the pretraining experiment: a CSV file of its runs, a summary, and a plot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from diffroll_live.errors import FileError

RESULTS = "pretraining.csv"


@dataclass(frozen=True, slots=True)
class Result:
    """A run."""

    hours: float  # of different paired audio
    pretrained: bool
    seed: int
    steps: int
    onset: float  # F1 within 50 ms
    onset_offset: float  # F1
    threshold: float  # of onsets, tuned on other clips
    seconds: float  # of training

    @property
    def arm(self) -> str:
        """The name of the arm."""
        return "pretrained" if self.pretrained else "from scratch"


def read_results(path: Path) -> tuple[Result, ...]:
    """Read a table; a missing file is an empty table. Raises FileError."""
    if not path.exists():
        return ()
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            return tuple(_result(row) for row in csv.DictReader(handle))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise FileError(f"{path} is not a table of this experiment ({error}); choose another folder.") from error


def append_result(path: Path, result: Result) -> None:
    """Append a row. Raises FileError."""
    try:
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            if new:
                writer.writerow([field.name for field in fields(Result)])
            values = asdict(result) | {"pretrained": int(result.pretrained)}
            writer.writerow(values.values())
    except OSError as error:
        raise FileError(f"Cannot write {path} ({error.strerror}); free some space.") from error


def table(results: Sequence[Result]) -> str:
    """Means over the seeds, as a Markdown table."""
    lines = ["| paired audio | from scratch | pretrained on rolls | difference |", "|---|---|---|---|"]
    for hours in sorted({result.hours for result in results}):
        plain, better = (_scores(results, hours, pretrained) for pretrained in (False, True))
        if plain and better:
            lines.append(
                f"| {hours:g} h | {_spread(plain)} | {_spread(better)} | {np.mean(better) - np.mean(plain):+.3f} |"
            )
    return "\n".join(lines) + "\n"


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw onset F1 by hours of paired audio: a dot for each run, lines through the means. Raises FileError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for pretrained, colour in ((False, "tab:gray"), (True, "tab:blue")):
        arm = [result for result in results if result.pretrained == pretrained]
        if not arm:
            continue
        hours = sorted({result.hours for result in arm})
        means = [np.mean(_scores(results, each, pretrained)) for each in hours]
        axes.plot(hours, means, color=colour, label=arm[0].arm)
        axes.plot([r.hours for r in arm], [r.onset for r in arm], "o", color=colour)
    axes.set_xscale("log", base=4)
    axes.set_xticks(sorted({r.hours for r in results}), [f"{h:g}" for h in sorted({r.hours for r in results})])
    axes.set(xlabel="hours of paired audio", ylabel="onset F1 (50 ms)", ylim=(0, 1))
    axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise FileError(f"Cannot write {path} ({error.strerror}); free some space.") from error


def _result(row: dict[str, str]) -> Result:
    return Result(
        float(row["hours"]),
        row["pretrained"] == "1",
        int(row["seed"]),
        int(row["steps"]),
        *(float(row[name]) for name in ("onset", "onset_offset", "threshold", "seconds")),
    )


def _scores(results: Sequence[Result], hours: float, pretrained: bool) -> list[float]:
    return [r.onset for r in results if r.hours == hours and r.pretrained == pretrained]


def _spread(scores: Sequence[float]) -> str:
    """The mean and, if there are several, the values."""
    each = f" ({', '.join(f'{score:.3f}' for score in scores)})" if len(scores) > 1 else ""
    return f"{np.mean(scores):.3f}{each}"
