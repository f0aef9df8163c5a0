"""Where a result goes: MIDI files, sound, pictures, the JSON document."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from diffroll_live.cli.inputs import Given
from diffroll_live.cli.options import TaskChoices
from diffroll_live.cli.regions import format_region
from diffroll_live.errors import FileError
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.destination import follow, is_system
from diffroll_live.files.paths import check_outputs, variation_paths
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.music.plan import writable_span
from diffroll_live.music.roll import pitch_name
from diffroll_live.types import NoteEvent, Picture, Region, Result

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one input: of each variation, or none. A picture is None where it is not wanted."""

    midi: tuple[Path, ...]
    sound: tuple[Path, ...]
    plot: Path | None
    trajectory: Path | None

    @property
    def pictures(self) -> frozenset[Picture]:
        """The pictures to ask the engine for."""
        wanted: dict[Picture, Path | None] = {"plot": self.plot, "trajectory": self.trajectory}
        return frozenset(name for name, path in wanted.items() if path is not None)

    @property
    def to_system(self) -> bool:
        """Whether one of them is a device or a stream, such as stdout, which then holds nothing else."""
        return any(is_system(follow(path)) for path in self.files)

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.midi, *self.sound, *(path for path in (self.plot, self.trajectory) if path))


@dataclass(frozen=True, slots=True)
class Done:
    """The result for an input; ``source`` is None for a generation."""

    source: Path | None
    given: Given
    outputs: Outputs
    result: Result
    meter: MeterMap | None  # the bars and beats that notes were written on, or that were heard


def plan_outputs(wanted: TaskChoices) -> tuple[Outputs, ...]:
    """Name all files of each input: the given paths, or files in the given folders, one of each variation.

    A path is a folder when it exists as one, when it ends with a separator, and when there are several inputs; without
    an input, a file in a folder would have no name. Later variations get a number: OUT.mid, OUT-2.mid, OUT-3.mid.
    Raises click.UsageError when two inputs would write one file, RequestError when two outputs are one file, FileError
    when a folder is missing or in the way, or an input would be overwritten.
    """
    try:
        planned = _plan(wanted)
        inputs = (*wanted.inputs, *((wanted.known,) if wanted.known else ()))
        check_outputs([path for outputs in planned for path in outputs.files], inputs)
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise FileError(f"{error.filename} cannot be used ({error.strerror}); choose another path.") from error
    return planned


def _plan(wanted: TaskChoices) -> tuple[Outputs, ...]:
    texts = (wanted.output, wanted.sound, wanted.plot, wanted.trajectory)
    variations = wanted.options.variations
    if not wanted.inputs:
        return (_outputs(variations, *(_file(text) if text else None for text in texts)),)
    stems = [source.stem for source in wanted.inputs]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise click.UsageError(f"Two inputs are named {twice}; run them one at a time, or rename one.")
    columns = [
        _names(text, suffix, stems) if text else [None] * len(stems)
        for text, suffix in zip(texts, (".mid", ".wav", ".png", ".gif"), strict=True)
    ]
    return tuple(_outputs(variations, *row) for row in zip(*columns, strict=True))


def _outputs(
    variations: int, midi: Path | None, sound: Path | None, plot: Path | None, trajectory: Path | None
) -> Outputs:
    def each(path: Path | None) -> tuple[Path, ...]:
        return variation_paths(path, variations) if path else ()

    return Outputs(each(midi), each(sound), plot, trajectory)


def write_outputs(done: Done) -> None:
    """Write every wanted file. Raises FileError when one cannot be written."""
    outputs, result, request = done.outputs, done.result, done.given.request
    for at, notes in enumerate(result.variations if outputs.midi or outputs.sound else ()):
        midi = done.given.midi(notes, done.meter, result)
        if outputs.midi:
            write_atomic(outputs.midi[at], midi)
        if outputs.sound:
            from diffroll_live.files.sonify import sonify

            sonify(outputs.sound[at], notes, result.pedal, result.bends, midi)
    if result.pictures and (outputs.plot or outputs.trajectory):
        from diffroll_live.files.plot import draw_plot, draw_trajectory

        regions = request.regions
        if not regions and request.task != "transcribe":
            regions = (Region(*writable_span(request)),)
        where = ", ".join(format_region(region) for region in request.regions)
        name = request.id.encode(errors="replace").decode()  # a font has no letter for a byte that is no UTF-8
        title = " ".join(part for part in (request.task, name, where) if part)
        if outputs.plot:
            draw_plot(outputs.plot, result.pictures, result.variations[0], regions, title)
        if outputs.trajectory:
            draw_trajectory(outputs.trajectory, result.pictures, title)


def document(model: str, device: str, results: Sequence[Done]) -> str:
    """Write the JSON document that ``--json`` prints; times in seconds."""
    return json.dumps({"model": model, "device": device, "results": [_entry(done) for done in results]}, indent=2)


def _entry(done: Done) -> dict[str, Any]:
    bends = {bend.note: bend.points for bend in done.result.bends}
    return {
        "input": str(done.source) if done.source else None,
        "output": str(done.outputs.midi[0]) if done.outputs.midi else None,
        "seed": done.result.seed,
        "timings": asdict(done.result.timings),
        "grid": _grid(done.meter) if done.meter is not None else None,
        "variations": [[_note(note, bends.get(note, ())) for note in notes] for notes in done.result.variations],
        "pedal": [{"down": span.down, "up": span.up} for span in done.result.pedal],
    }


def _grid(meter: MeterMap) -> dict[str, Any]:
    bar = meter.bar_at(meter.tempo.beat_at(meter.first_bar(0.0)))
    return {
        "source": meter.source,
        "confidence": round(meter.confidence, 3),
        "bpm": round(meter.tempo.tempo_at(0.0), 3),
        "meter": f"{bar.numerator}/{bar.denominator}",
        "first_bar": round(meter.first_bar(0.0), 6),
    }


def _note(note: NoteEvent, bend: Sequence[tuple[float, float]]) -> dict[str, Any]:
    return {
        "onset": round(note.onset, 6),
        "offset": round(note.offset, 6),
        "pitch": note.pitch,
        "name": pitch_name(note.pitch),
        "velocity": note.velocity,
        "channel": note.channel,
        "bend": [{"after": after, "semitones": semitones} for after, semitones in bend],
    }


def _names(text: str, suffix: str, stems: Sequence[str]) -> list[Path]:
    """Name the file of each input, and make sure beforehand that it can be written."""
    if len(stems) == 1 and not (text.endswith(_SEPARATORS) or Path(text).is_dir()):
        return [_file(text)]
    folder = _folder(text)
    return [folder / (stem + suffix) for stem in stems]


def _file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or text.endswith(_SEPARATORS):
        raise FileError(f"{path} is a folder; name a file, e.g. {path / 'out.mid'}.")
    if not path.parent.is_dir():
        raise FileError(f"The folder {path.parent} does not exist; create it first.")
    return path


def _folder(text: str) -> Path:
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{path} must be a folder here, and cannot be created ({error.strerror}).") from error
    return path
