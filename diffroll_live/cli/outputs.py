"""Where a result goes: MIDI files, sound, pictures, and the JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from diffroll_live.cli.options import Choices
from diffroll_live.cli.regions import format_region
from diffroll_live.errors import FileError
from diffroll_live.roll import pitch_name
from diffroll_live.smf import write_smf
from diffroll_live.tasks import written_regions
from diffroll_live.types import NoteEvent, Picture, Request, Result


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one input; None where one is not wanted."""

    midi: Path | None
    sound: Path | None
    plot: Path | None
    trajectory: Path | None

    @property
    def pictures(self) -> frozenset[Picture]:
        """The pictures to ask the engine for."""
        wanted: dict[Picture, Path | None] = {"plot": self.plot, "trajectory": self.trajectory}
        return frozenset(name for name, path in wanted.items() if path is not None)


@dataclass(frozen=True, slots=True)
class Done:
    """An input that was answered; ``source`` is None for a generation."""

    source: Path | None
    outputs: Outputs
    result: Result


def plan_outputs(wanted: Choices) -> tuple[Outputs, ...]:
    """Name the files of each input: the given paths, or folders to fill when there are several inputs.

    Raises click.UsageError when two inputs would write one file, FileError when a folder is missing or in the way.
    """
    paths = (wanted.output, wanted.sound, wanted.plot, wanted.trajectory)
    if len(wanted.inputs) <= 1:
        for path in paths:
            _check_file(path)
        return (Outputs(*paths),)
    stems = [source.stem for source in wanted.inputs]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise click.UsageError(f"Two inputs are named {twice}; run them one at a time, or rename one.")
    for path in paths:
        _make_folder(path)
    suffixes = (".mid", ".wav", ".png", ".gif")
    return tuple(
        Outputs(*(path and path / (stem + suffix) for path, suffix in zip(paths, suffixes, strict=True)))
        for stem in stems
    )


def write_outputs(result: Result, request: Request, outputs: Outputs, tempo: float) -> None:
    """Write every wanted file. Variations after the first get a number: OUT.mid, OUT.2.mid, OUT.3.mid.

    Raises FileError when one cannot be written.
    """
    for number, notes in enumerate(result.variations, start=1):
        if outputs.midi:
            write_smf(numbered(outputs.midi, number), notes, tempo=tempo)
        if outputs.sound:
            from diffroll_live.sonify import sonify

            sonify(numbered(outputs.sound, number), notes)
    if result.pictures and (outputs.plot or outputs.trajectory):
        from diffroll_live.plot import draw_plot, draw_trajectory

        regions = request.regions if request.task == "transcribe" else written_regions(request)
        where = ", ".join(format_region(region) for region in request.regions)
        title = " ".join(part for part in (request.task, request.id, where) if part)
        if outputs.plot:
            draw_plot(outputs.plot, result.pictures, result.variations[0], regions, title)
        if outputs.trajectory:
            draw_trajectory(outputs.trajectory, result.pictures, title)


def numbered(path: Path, number: int) -> Path:
    """Name the file of a variation, counted from 1."""
    return path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")


def document(model: str, device: str, results: Sequence[Done]) -> str:
    """Write the JSON document that ``--json`` prints; times in seconds."""
    return json.dumps({"model": model, "device": device, "results": [_entry(done) for done in results]}, indent=2)


def _entry(done: Done) -> dict[str, Any]:
    return {
        "input": str(done.source) if done.source else None,
        "output": str(done.outputs.midi) if done.outputs.midi else None,
        "seed": done.result.seed,
        "timings": asdict(done.result.timings),
        "variations": [[_note(note) for note in notes] for notes in done.result.variations],
    }


def _note(note: NoteEvent) -> dict[str, Any]:
    return {
        "onset": round(note.onset, 6),
        "offset": round(note.offset, 6),
        "pitch": note.pitch,
        "name": pitch_name(note.pitch),
        "velocity": note.velocity,
        "channel": note.channel,
    }


def _check_file(path: Path | None) -> None:
    """Make sure before any work that the file can be written."""
    if path is None:
        return
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file, e.g. {path / 'out.mid'}.")
    if not path.parent.is_dir():
        raise FileError(f"The folder {path.parent} does not exist; make it first.")


def _make_folder(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"With several inputs {path} must be a folder, and it cannot be made ({error.strerror})."
        ) from error
