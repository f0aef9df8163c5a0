"""Plots of tables: small PNG files for a model's page of figures."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffroll_live.evaluation.store import Row
from diffroll_live.files.plot import FAINT, INK, PAPER

COLOURS = ("#45e0c8", "#ffb454", "#a158d6", "#f2627e", "#4a63d8")
DPI = 110
SMOOTH = 7  # rows of the running median of a loss


def draw_steps(rows: Sequence[Row]) -> bytes:
    """Plot accuracy over time, a point for each number of evaluations; a PNG."""
    figure, axes = _axes("ms for 10 s of audio", "onset F1")
    axes.set_xscale("log")
    for sampler, colour in zip(dict.fromkeys(row["sampler"] for row in rows), COLOURS, strict=False):
        points = [row for row in rows if row["sampler"] == sampler]
        time, reached = [row["milliseconds"] for row in points], [row["onset"] for row in points]
        axes.plot(time, reached, "o-", color=colour, label=sampler)
        for row in points:
            where = row["milliseconds"], row["onset"]
            axes.annotate(f" {row['steps']}", where, color=INK, fontsize=9, va="bottom")
    return _png(figure, axes)


def draw_scores(rows: Sequence[Row]) -> bytes:
    """Plot onset F1 with and without offsets, two bars for each set; a PNG."""
    return _bars([row["set"] for row in rows], {"onset": rows, "onset_offset": rows}, "F1")


def draw_beside(rows: Sequence[Row]) -> bytes:
    """Plot onset F1 of every program, one bar each for each set; a PNG."""
    programs = dict.fromkeys(row["program"] for row in rows)
    by_program = {name: [row["onset"] for row in rows if row["program"] == name] for name in programs}
    return _grouped(list(dict.fromkeys(row["set"] for row in rows)), by_program, "onset F1")


def draw_ways(rows: Sequence[Row]) -> bytes:
    """Plot the judge's bits over time, a line through each sampler's ways of writing; what was composed as a level."""
    figure, axes = _axes("ms for two bars", "judge, bits a note")
    axes.set_xscale("log")
    composed, *written = [row for row in rows if row["judge"] is not None]
    axes.axhline(composed["judge"], color=INK, linewidth=1, linestyle=":", label=composed["sampler"])
    plain = [row for row in written if row["density"] == 1.0]
    for sampler, colour in zip(dict.fromkeys(row["sampler"] for row in plain), COLOURS, strict=False):
        points = [row for row in plain if row["sampler"] == sampler]
        place = [(1000 * row["seconds"], row["judge"]) for row in points]
        axes.plot(*zip(*place, strict=True), "o", color=colour, label=sampler)
        for row, where in zip(points, place, strict=True):
            steps = f"{row['steps']} at " if row.get("steps") else "at "
            axes.annotate(f" {steps}{row['temperature']:g}", where, color=INK, fontsize=8, va="bottom")
    return _png(figure, axes)


def draw_losses(stretches: Sequence[Sequence[tuple[int, float]]], name: str) -> bytes:
    """Plot the losses of the stretches of a training, each (step, loss), one after another; a PNG."""
    figure, axes = _axes("steps", f"loss, {name}")
    begin = 0
    for number, (stretch, colour) in enumerate(zip(stretches, itertools.cycle(COLOURS)), 1):
        steps, values = (np.array(column) for column in zip(*stretch, strict=True))
        reach = min(SMOOTH, len(values) - 1 + len(values) % 2)
        padded = np.pad(values, reach // 2, mode="edge")
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * (reach // 2) + 1), axis=1)
        axes.plot(begin + steps, values, color=colour, linewidth=0.8, alpha=0.45)
        label = f"stretch {number}" if len(stretches) > 1 else "running median"
        axes.plot(begin + steps, smooth, color=colour, linewidth=2, label=label)
        begin += int(steps[-1])
    return _png(figure, axes)


def _bars(names: list[str], figures: dict[str, Sequence[Row]], label: str) -> bytes:
    values = {name.replace("_", " + "): [row[name] for row in rows] for name, rows in figures.items()}
    return _grouped(names, values, label)


def _grouped(names: list[str], values: dict[str, list[float]], label: str) -> bytes:
    figure, axes = _axes(label, "")
    height = 0.8 / len(values)
    for i, ((name, lengths), colour) in enumerate(zip(values.items(), COLOURS, strict=False)):
        places = [at + i * height for at in range(len(lengths))]
        drawn = axes.barh(places, lengths, height * 0.9, color=colour, label=name)
        axes.bar_label(drawn, fmt="%.2f", padding=3, color=INK, fontsize=8)
    axes.set_yticks([at + 0.4 - height / 2 for at in range(len(names))], names, color=INK)
    axes.set_xlim(0, 1.08)
    axes.invert_yaxis()
    return _png(figure, axes)


def _axes(below: str, beside: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 4.2), facecolor=PAPER, dpi=DPI, layout="constrained")
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_xlabel(below, color=INK)
    axes.set_ylabel(beside, color=INK)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    return figure, axes


def _png(figure: Figure, axes: Axes) -> bytes:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, facecolor=PAPER, edgecolor=FAINT, labelcolor=INK, fontsize=9
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor=PAPER)
    return out.getvalue()


Draw = Callable[[Sequence[Row]], bytes]
#: The plots of the parts that have one beside their table.
PICTURES: dict[str, Draw] = {
    "transcription": draw_scores,
    "steps": draw_steps,
    "beside": draw_beside,
    "ways": draw_ways,
}
