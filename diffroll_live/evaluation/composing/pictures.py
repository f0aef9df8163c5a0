"""Pictures of a hole as several writers filled it: one roll above the other, the music around in grey."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diffroll_live.composer.vocabulary import Ints
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.plot import FAINT, INK, PAPER, REGION_COLOUR
from diffroll_live.music.roll import pitch_name

GIVEN = "#8d87a8"
WIDTH, HEIGHT, DPI = 11.0, 2.2, 90  # inches, of a roll; dots an inch
MARGIN = 3  # semitones above and below


def draw_fills(path: Path, fills: Mapping[str, Filled]) -> None:
    """Write a PNG of the same hole as each writer filled it, by name. Raises FileError."""
    first = next(iter(fills.values()))
    everything = [rows for filled in fills.values() for rows in (filled.around, filled.inside) if len(rows)]
    low = min(int(rows[:, 1].min()) for rows in everything) - MARGIN
    high = max(int(rows[:, 1].max()) for rows in everything) + MARGIN
    figure = Figure(figsize=(WIDTH, HEIGHT * len(fills) + 0.6), facecolor=PAPER, dpi=DPI, layout="constrained")
    rolls = figure.subplots(len(fills), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, filled) in zip(rolls, fills.items(), strict=True):
        _draw_roll(axes, filled, low, high)
        axes.set_title(f"{name}, {len(filled.inside)} notes", loc="left", color=INK, fontsize=9)
    excerpt = first.hole.excerpt
    rolls[-1].set_xticks(excerpt.lines[:-1], [str(bar + 1) for bar in range(excerpt.n_bars)])
    rolls[-1].set_xlabel(f"bars of {excerpt.piece}", color=INK, fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    write_atomic(path, out.getvalue())


def _draw_roll(axes: Axes, filled: Filled, low: int, high: int) -> None:
    hole, excerpt = filled.hole, filled.hole.excerpt
    axes.set_facecolor(PAPER)
    axes.set_xlim(0, excerpt.lines[-1])
    axes.set_ylim(low - 0.5, high + 0.5)
    cs = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.set_yticks(cs, [pitch_name(pitch) for pitch in cs])
    axes.tick_params(colors=INK, labelsize=8, length=2)
    for line in excerpt.lines:
        axes.axvline(line, color=FAINT, linewidth=0.9, zorder=1)
    for pitch in cs:
        axes.axhline(pitch - 0.5, color=FAINT, linewidth=0.6, zorder=1)
    bottom, top = max(hole.low, low) - 0.5, min(hole.high, high) + 0.5
    corner, size = (hole.begin, bottom), (hole.end - hole.begin, top - bottom)
    axes.add_patch(Rectangle(corner, *size, facecolor=REGION_COLOUR, alpha=0.10, linewidth=0, zorder=0.5))
    for rows, colour in ((filled.around, GIVEN), (filled.inside, REGION_COLOUR)):
        axes.add_collection(_bars(rows, colour))
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _bars(rows: Ints, colour: str) -> PatchCollection:
    boxes = [Rectangle((tick, pitch - 0.42), max(ticks - 0.8, 1.0), 0.84) for tick, pitch, ticks in rows.tolist()]
    return PatchCollection(boxes, facecolor=colour, linewidth=0, zorder=3)
