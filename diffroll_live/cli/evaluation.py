"""``diffroll-live evaluate``: what a model is worth, and which thresholds suit it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diffroll_live.cli.options import PATH
from diffroll_live.cli.progress import Bars, Stage
from diffroll_live.cli.training import DEVICE, PROBABILITY, WORK
from diffroll_live.types import Options

if TYPE_CHECKING:
    from diffroll_live.engine import TorchEngine
    from diffroll_live.training.evaluation import Clip
    from diffroll_live.training.filling import Counts
    from diffroll_live.training.scores import Score
    from diffroll_live.training.windows import Material

PIANOS = ("splendid_steinway", "headroom_close", "upright_kw")  # two that training hears, and the one it does not
RECORDINGS = "recordings"


@click.command("evaluate")
@click.argument("model")
@click.option("--clips", type=click.IntRange(1, 1000), default=24, show_default=True, help="Rendered clips a piano.")
@click.option("--piano", "pianos", multiple=True, default=PIANOS, show_default=True, help="Pianos of the bank.")
@click.option("--recordings", type=PATH, help="A folder of FLAC files, each with a CSV of its notes.")
@click.option("--steps", type=click.IntRange(1, 1000), help="Evaluations a window; otherwise as the model says.")
@click.option("--threshold", type=PROBABILITY, help="Of onsets; otherwise the model's.")
@click.option("--tune", is_flag=True, help="Choose thresholds on the clips with room and noise, in place of scoring.")
@click.option("--fill", is_flag=True, help="Count what it writes into holes of the plain clips, in place of scoring.")
@DEVICE
@click.option("--threads", type=click.IntRange(1, 256), help="On the CPU; otherwise as many as it has.")
@WORK
def evaluate(
    model: str,
    clips: int,
    pianos: tuple[str, ...],
    recordings: Path | None,
    steps: int | None,
    threshold: float | None,
    tune: bool,
    fill: bool,
    device: str,
    threads: int | None,
    work: Path,
) -> None:
    """Score MODEL, a name or a folder, on rendered pieces that no training saw, plain and with room and noise.

    Prints a line of JSON for each piano and for the recordings. Labels of recordings may be late or early: each clip
    is moved by the one shift, up to 60 ms, that suits it best.
    """
    from diffroll_live.loading import load_engine
    from diffroll_live.training.evaluation import check_material, recorded
    from diffroll_live.training.scores import require_mir_eval
    from diffroll_live.training.windows import Material

    require_mir_eval()
    material = Material(work / "bank", work / "corpus", unheard="")
    check_material(material, pianos)
    takes = tuple(recorded(recordings)) if recordings is not None else ()
    engine = load_engine(model, device, threads)
    options = Options(steps=steps, threshold=threshold)
    with Bars() as bars:
        if tune:
            with bars.stage("Tuning") as stage:
                click.echo(json.dumps(_tuned(engine, material, pianos, clips, options, stage)))
            return
        if fill:
            with bars.stage("Filling") as stage:
                for line in _filled(engine, material, pianos, clips, options, stage):
                    click.echo(json.dumps(line))
            return
        for name, members in _sets(material, pianos, clips, takes).items():
            with bars.stage(name) as stage:
                click.echo(json.dumps(_scored(engine, name, members(), options, stage)))


def _sets(
    material: Material, pianos: tuple[str, ...], clips: int, takes: tuple[Clip, ...]
) -> dict[str, Callable[[], Iterable[Clip]]]:
    """What to score on: names, and what makes the clips of each."""
    from diffroll_live.training.evaluation import rendered

    sets: dict[str, Callable[[], Iterable[Clip]]] = {}
    for piano in pianos:
        sets[piano] = partial(rendered, material, piano, clips, augmentation=0.0)
        sets[f"{piano}, room and noise"] = partial(rendered, material, piano, clips, augmentation=1.0)
    if takes:
        sets[RECORDINGS] = lambda: takes
    return sets


def _scored(engine: TorchEngine, name: str, clips: Iterable[Clip], options: Options, stage: Stage) -> dict[str, object]:
    from diffroll_live.training.evaluation import transcribed
    from diffroll_live.training.scores import score

    estimates, truths = [], []
    for clip in clips:
        estimates.append(transcribed(engine, clip.audio, options))
        truths.append(clip.notes)
        stage.say(f"{len(truths)} clips")
    return {"set": name, "clips": len(truths), **_rounded(score(estimates, truths, shift=name == RECORDINGS))}


def _tuned(
    engine: TorchEngine, material: Material, pianos: tuple[str, ...], n_clips: int, options: Options, stage: Stage
) -> dict[str, object]:
    from diffroll_live.training.evaluation import TUNING_SEED, heard, rendered, tune

    decoders, truths = [], []
    for piano in pianos:
        for clip in rendered(material, piano, n_clips, augmentation=1.0, seed=TUNING_SEED):
            decoders.append(heard(engine, clip.audio, options))
            truths.append(clip.notes)
            stage.say(f"{len(truths)} clips")
    tuned = tune(decoders, truths)
    return {
        "onset_threshold": tuned.onset_threshold,
        "frame_threshold": tuned.frame_threshold,
        "clips": len(truths),
        **_rounded(tuned.score),
    }


def _filled(
    engine: TorchEngine, material: Material, pianos: tuple[str, ...], n_clips: int, options: Options, stage: Stage
) -> Iterator[dict[str, object]]:
    """Two lines for each piano: what was composed in the holes, and what the model writes."""
    from diffroll_live.training.evaluation import rendered
    from diffroll_live.training.filling import counts, holes

    for piano in pianos:
        composed, written = [], []
        for ours, theirs in holes(engine, rendered(material, piano, n_clips, augmentation=0.0), options):
            composed.append(ours)
            written.append(theirs)
            stage.say(f"{len(written)} holes")
        for name, members in (("composed", composed), ("written", written)):
            yield {"set": f"{piano}, {name}", "holes": len(members), **_rounded(counts(members))}


def _rounded(figures: Score | Counts) -> dict[str, float | None]:
    return {name: value if value is None else round(value, 4) for name, value in asdict(figures).items()}
