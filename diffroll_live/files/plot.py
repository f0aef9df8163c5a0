"""Pictures of a result: a PNG of the audio and the notes, a GIF of the roll emerging from the noise.

Draws from `types.Pictures` and notes only; knows no model and runs none.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from PIL import Image

from diffroll_live.errors import FileError
from diffroll_live.files.atomic import write_atomic
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH, N_PITCHES, pitch_name
from diffroll_live.picture_types import Estimate, Pictures
from diffroll_live.types import Floats, NoteEvent, Region

PAPER, INK, FAINT, REGION_COLOUR = "#12101c", "#e9e6f2", "#2c2842", "#45e0c8"
HEAT = LinearSegmentedColormap.from_list("heat", [PAPER, "#3b1f6b", "#b5367a", "#fb8861", "#fcfdbf"])
VELOCITY = LinearSegmentedColormap.from_list("velocity", ["#4a63d8", "#a158d6", "#f2627e", "#ffb454", "#fff3b0"])
DPI = 110
MIN_SPAN = 24  # semitones; the pitch axis never shows less than two octaves
MAX_GIF_STEPS = 60
STEP_MS, FEW_STEPS_MS, LAST_MS = 100, 500, 2000  # how long one evaluation stays on screen


def draw_plot(
    path: Path, pictures: Pictures, notes: Sequence[NoteEvent], regions: Sequence[Region] = (), title: str = ""
) -> None:
    """Write a PNG: spectrogram, posteriorgram and roll on one time axis, regions shaded, velocity as colour.

    Without audio there is no spectrogram, and the axis goes on to the end of the last note.
    ``notes`` and ``regions`` are in seconds from the start of the pictures. Raises FileError when the file cannot be
    written.
    """
    seconds = len(pictures.posterior) / pictures.frame_rate
    has_sound = pictures.spectrogram.size > 1
    if not has_sound:
        seconds = max([seconds, *(note.offset for note in notes)])
    heights = ((1,) if has_sound else ()) + (1.15, 1.5)
    figure = Figure(figsize=(_width(seconds, 11, 60), 1.1 + 2.1 * sum(heights)), facecolor=PAPER, dpi=DPI)
    grid = figure.add_gridspec(
        len(heights), 2, width_ratios=(1, 0.012), height_ratios=heights, hspace=0.09, wspace=0.02
    )
    figure.subplots_adjust(left=0.055, right=0.945, top=0.94, bottom=0.06)
    *spectra, posterior, roll = (figure.add_subplot(grid[row, 0]) for row in range(len(heights)))
    for spectrum in spectra:
        _heat(spectrum, pictures.spectrogram, pictures.frame_rate, 0)
        spectrum.set_yticks([])
        spectrum.set_ylabel("frequency")
    probability = _heat(posterior, pictures.posterior, pictures.frame_rate, LOW_PITCH)
    velocity = _notes(roll, notes, seconds)
    for axes, scale, name in ((posterior, probability, "probability"), (roll, velocity, "velocity")):
        _pitch_axis(axes, *_span([note.pitch for note in notes] + [p for r in regions for p in _edges(r)]))
        bar = figure.colorbar(scale, cax=figure.add_subplot(grid[-2 if axes is posterior else -1, 1]))
        _style_bar(bar.ax, name)
    names = (*("spectrogram" for _ in spectra), "posteriorgram", f"{len(notes)} notes")
    for axes, name in zip((*spectra, posterior, roll), names, strict=True):
        _style(axes, name, last=axes is roll)
        axes.set_xlim(0, seconds)
        _shade(axes, regions, with_pitch=axes not in spectra)
    figure.suptitle(title, x=0.055, ha="left", color=INK, fontsize=13)
    write_atomic(path, _png(figure))


def draw_trajectory(path: Path, pictures: Pictures, title: str = "") -> None:
    """Write a GIF of the roll after each estimate of the trajectory, thinned to at most 60 of them.

    Raises FileError when the result holds no trajectory or the file cannot be written.
    """
    n_steps = len(pictures.trajectory)
    if n_steps == 0:
        raise FileError("This result has no trajectory; request one when you run the task.")
    shown = set(np.linspace(0, n_steps - 1, min(n_steps, MAX_GIF_STEPS)).round().astype(int).tolist())
    rolls = [(step, roll) for step, roll in enumerate(emerging(pictures.trajectory)) if step in shown]
    seconds = len(rolls[0][1]) / pictures.frame_rate
    figure = Figure(figsize=(_width(seconds, 8, 14), 4.4), facecolor=PAPER, dpi=80)
    axes = figure.add_axes((0.06, 0.12, 0.92, 0.76))
    heat = _heat(axes, rolls[0][1], pictures.frame_rate, LOW_PITCH)
    sounding = LOW_PITCH + np.flatnonzero(rolls[-1][1].max(axis=0) > 0.3)
    _pitch_axis(axes, *_span(sounding.tolist()))
    _style(axes, "", last=True)
    heading = figure.suptitle("", x=0.06, ha="left", color=INK, fontsize=12)
    images = []
    for step, roll in rolls:
        heat.set_data(roll.T)
        heading.set_text(f"{title}  evaluation {step + 1} of {n_steps}".strip())
        images.append(_grab(figure))
    pace = STEP_MS if len(images) > 12 else FEW_STEPS_MS
    durations = [pace] * (len(images) - 1) + [LAST_MS]
    moving = io.BytesIO()
    images[0].save(moving, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    write_atomic(path, moving.getvalue())


def roll_png(
    posterior: Floats, frame_rate: float, notes: Sequence[NoteEvent], regions: Sequence[Region] = (), title: str = ""
) -> bytes:
    """Draw a posteriorgram, (n_frames, 88) in [0, 1], over the notes, on one time axis; the bytes of a PNG."""
    seconds = len(posterior) / frame_rate
    figure = Figure(figsize=(_width(seconds, 11, 40), 6.4), facecolor=PAPER, dpi=DPI)
    above, below = figure.subplots(2, 1)
    figure.subplots_adjust(left=0.055, right=0.98, top=0.92, bottom=0.07, hspace=0.09)
    _heat(above, posterior, frame_rate, LOW_PITCH)
    _notes(below, notes, seconds)
    for axes, name in ((above, "posteriorgram"), (below, f"{len(notes)} notes")):
        _pitch_axis(axes, *_span([note.pitch for note in notes] + [p for r in regions for p in _edges(r)]))
        _style(axes, name, last=axes is below)
        axes.set_xlim(0, seconds)
        _shade(axes, regions, with_pitch=True)
    figure.suptitle(title, x=0.055, ha="left", color=INK, fontsize=13)
    return _png(figure)


def spectrogram_png(levels: Floats, frame_rate: float, title: str = "") -> bytes:
    """Draw a spectrogram, (n_frames, n_rows) in [0, 1] with its lowest row first; the bytes of a PNG."""
    figure = Figure(figsize=(_width(len(levels) / frame_rate, 11, 40), 4.0), facecolor=PAPER, dpi=DPI)
    axes = figure.add_axes((0.055, 0.12, 0.925, 0.76))
    _heat(axes, levels, frame_rate, 0)
    _style(axes, "", last=True)
    axes.set_yticks([])
    figure.suptitle(title, x=0.055, ha="left", color=INK, fontsize=13)
    return _png(figure)


def emerging(trajectory: Sequence[Estimate]) -> Iterator[Floats]:
    """The roll after each estimate of a trajectory, drawn over those before: (n_frames, 88) in [0, 1]."""
    roll = np.zeros((max((estimate.n_frames for estimate in trajectory), default=0), N_PITCHES), np.float32)
    for estimate in trajectory:
        roll[estimate.first : estimate.first + len(estimate.levels)] = estimate.levels / np.float32(255)
        yield roll.copy()


def _heat(axes: Axes, values: Floats, frame_rate: float, lowest: int) -> AxesImage:
    """Show (n_frames, n_bins) in [0, 1] as colour, time to the right, bin 0 at the bottom."""
    extent = (0.0, len(values) / frame_rate, lowest - 0.5, lowest - 0.5 + values.shape[1])
    return axes.imshow(values.T, origin="lower", aspect="auto", extent=extent, cmap=HEAT, vmin=0, vmax=1)


def _notes(axes: Axes, notes: Sequence[NoteEvent], seconds: float) -> PatchCollection:
    """Draw each note as a bar from onset to offset, the shortest still wide enough to be seen."""
    visible = seconds / 400
    bars = [Rectangle((note.onset, note.pitch - 0.42), max(note.duration, visible), 0.84) for note in notes]
    collection = PatchCollection(bars, cmap=VELOCITY, edgecolor=PAPER, linewidth=0.3, zorder=3)
    collection.set_array(np.array([note.velocity for note in notes], dtype=np.float32))
    collection.set_clim(1, 127)
    axes.add_collection(collection)
    return collection


def _shade(axes: Axes, regions: Sequence[Region], *, with_pitch: bool) -> None:
    """Outline the regions: as rectangles on pitch axes, as time spans, dark where hidden, on the spectrogram."""
    bottom, top = axes.get_ylim()
    for region in regions:
        low, high = (max(region.low - 0.5, bottom), min(region.high + 0.5, top)) if with_pitch else (bottom, top)
        corner, width, height = (region.onset, low), region.offset - region.onset, high - low
        hidden = not with_pitch and not region.hear and not _edges(region)
        if hidden or not axes.images:  # a tint would falsify the colours that show values
            colour, alpha = (PAPER, 0.8) if hidden else (REGION_COLOUR, 0.13)
            axes.add_patch(Rectangle(corner, width, height, facecolor=colour, alpha=alpha, zorder=2))
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=REGION_COLOUR, linewidth=1.3, zorder=4))


def _pitch_axis(axes: Axes, low: int, high: int) -> None:
    """Name every C, and shade the rows of black keys where colours do not show values."""
    axes.set_ylim(low - 0.5, high + 0.5)
    cs = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.set_yticks(cs, [pitch_name(pitch) for pitch in cs])
    for pitch in range(low, high + 1):
        if pitch % 12 in {1, 3, 6, 8, 10} and not axes.images:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="#000000", alpha=0.25, linewidth=0, zorder=0.5)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=FAINT, linewidth=0.8, zorder=0.6)


def _style(axes: Axes, name: str, *, last: bool) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=INK, labelsize=9, labelbottom=last, length=3)
    axes.yaxis.label.set_color(INK)
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.6, zorder=0.6)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    if last:
        axes.set_xlabel("seconds", color=INK)
    if name:
        frame = {"facecolor": PAPER, "edgecolor": FAINT, "alpha": 0.85, "boxstyle": "round,pad=0.3"}
        axes.text(0.008, 0.95, name, transform=axes.transAxes, va="top", color=INK, fontsize=9, bbox=frame, zorder=6)


def _style_bar(axes: Axes, name: str) -> None:
    axes.tick_params(colors=INK, labelsize=8, length=2)
    axes.set_ylabel(name, color=INK, fontsize=9)


def _span(pitches: Sequence[int]) -> tuple[int, int]:
    """Choose whole octaves, two at least, that hold the pitches."""
    if not pitches:
        return LOW_PITCH, HIGH_PITCH
    low, high = min(pitches) // 12 * 12, (max(pitches) + 11) // 12 * 12
    while high - low < MIN_SPAN:
        low, high = low - 12, high + 12
    return max(low, LOW_PITCH), min(high, HIGH_PITCH)


def _edges(region: Region) -> tuple[int, ...]:
    """Return the pitches that a region bounds; none for the whole piano, which would only make the notes thin."""
    return () if (region.low, region.high) == (LOW_PITCH, HIGH_PITCH) else (region.low, region.high)


def _width(seconds: float, least: float, most: float) -> float:
    return float(np.clip(3 + 0.45 * seconds, least, most))


def _grab(figure: Figure) -> Image.Image:
    return Image.open(io.BytesIO(_png(figure))).convert("RGB").quantize(128)


def _png(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
