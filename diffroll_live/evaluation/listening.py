"""A page with ten examples of every task to hear and see: fixed seeds, none picked."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation.clips import EvaluationSet, clips
from diffroll_live.evaluation.evaluation import answer
from diffroll_live.evaluation.gaps import Gap, gaps
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.files.plot import FAINT, INK, PAPER, REGION_COLOUR, draw_plot
from diffroll_live.model.roll_targets import NoteArray, to_array, to_notes
from diffroll_live.music import regions as tasks
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.training.synthesis.mixer import PlayedTouch, mix
from diffroll_live.types import Floats, Options, Region, Request, Result

COUNT = 10  # examples per task
SEED = 31
RING = 1.5  # s after the last note
PAGE = "index.html"
STYLE = f"""body {{ background: {PAPER}; color: {INK}; font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
max-width: 70rem; padding: 0 1rem }} h1, h2 {{ font-weight: 500 }} section {{ border-top: 1px solid {FAINT} }}
img {{ max-width: 100% }} figure {{ margin: 1rem 0 2rem }} audio {{ vertical-align: middle; height: 2rem }}
label {{ margin-right: 1.5rem }} a {{ color: {REGION_COLOUR} }}"""


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its name, its sounds by name, and the resulting notes with their regions."""

    name: str
    sounds: dict[str, Floats]
    result: Result
    regions: tuple[Region, ...]


def make_page(engine: TorchEngine, stage: EvaluationSet, piano: str, folder: Path, say: Callable[[str], None]) -> Path:
    """Make the page with its sounds and plots in a folder, and return its path. Raises FileError."""
    make_folder(folder)
    parts = []
    for title, about, examples in _chapters(engine, stage, piano):
        parts.append(f"<section><h2>{html.escape(title)}</h2><p>{html.escape(about)}</p>")
        for number, example in enumerate(examples):
            say(f"{title}: {number + 1}")
            parts.append(_figure(folder, f"{title.lower()}-{number}", example))
        parts.append("</section>")
    heading = f"{html.escape(engine.info.name)}: {COUNT} examples of each task, none picked"
    text = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{heading}</title><style>{STYLE}</style>
<h1>{heading}</h1>{"".join(parts)}</html>"""
    write_atomic(folder / PAGE, text.encode())
    return folder / PAGE


def _chapters(engine: TorchEngine, stage: EvaluationSet, piano: str) -> Iterator[tuple[str, str, Iterator[Example]]]:
    """Title, explanation and examples of each task."""
    yield "Transcription", "A piano never used in training, in a room with noise.", _heard(engine, stage, piano)
    for title, kind, about in (
        ("Filling", "gap, audio around", "Five seconds of music on both sides of a gap; only the gap was written."),
        ("Continuation", "continuation", "Ten seconds that were given, and ten that were written."),
        ("Generation", "generation", "Ten seconds written from nothing, beside ten composed ones."),
    ):
        drawn = (_written(engine, stage, piano, gap) for gap in gaps(stage, piano, kind, COUNT))
        yield title, about, drawn


def _heard(engine: TorchEngine, stage: EvaluationSet, piano: str) -> Iterator[Example]:
    for clip in clips(stage, piano, COUNT, noisy=True, seed=SEED):
        request = Request("listen", "transcribe", clip.audio, pictures=frozenset({"plot"}))
        result = answer(engine, request)
        sounds = {"recording": clip.audio.samples, "transcript": _sound(stage, piano, to_array(result.variations[0]))}
        yield Example(clip.name, sounds, result, ())


def _written(engine: TorchEngine, stage: EvaluationSet, piano: str, gap: Gap) -> Example:
    options = Options(seed=gap.request.options.seed, seconds=gap.request.options.seconds)
    request = replace(gap.request, options=options, pictures=frozenset({"plot"}))
    result = answer(engine, request)
    written = to_array(note for note in result.variations[0] if tasks.holds(gap.region, note))
    begin = min(gap.region.onset, *(gap.around[:, 0].tolist() or [gap.region.onset]))
    sounds = {
        name: _sound(stage, piano, np.concatenate([gap.around, inside]) - [begin, begin, 0, 0])
        for name, inside in (("written", written), ("composed", gap.inside))
    }
    shown = replace(result, variations=(to_notes(np.concatenate([gap.around, written])),))
    return Example(f"{gap.region.onset:.1f} to {gap.region.offset:.1f} s", sounds, shown, (gap.region,))


def _sound(stage: EvaluationSet, piano: str, notes: NoteArray) -> Floats:
    """Play notes on a piano of the bank."""
    seconds = float(notes[:, 1].max(initial=0.0)) + RING
    played = mix(stage.bank, notes, seconds, PlayedTouch(piano, 33.0, 0.0, 0.12), np.random.default_rng(SEED))
    return np.clip(played, -1, 1).astype(np.float32)


def _figure(folder: Path, name: str, example: Example) -> str:
    players = []
    for kind, samples in example.sounds.items():
        sound = io.BytesIO()
        soundfile.write(sound, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        file = f"{name}-{kind}.flac"
        write_atomic(folder / file, sound.getvalue())
        players.append(f'<label>{kind} <audio controls preload="none" src="{file}"></audio></label>')
    picture = ""
    if example.result.pictures is not None:
        draw_plot(folder / f"{name}.png", example.result.pictures, example.result.variations[0], example.regions)
        picture = f'<img loading="lazy" src="{name}.png" alt="{html.escape(name)}">'
    caption = html.escape(example.name)
    return f"<figure><figcaption>{caption}: {''.join(players)}</figcaption>{picture}</figure>"
