"""``diffroll-live evaluate``: measure a model, or tune its thresholds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diffroll_live.cli.commands.training import PROBABILITY, WORK
from diffroll_live.cli.options import DEVICE, PATH, THREADS
from diffroll_live.cli.progress import ProgressBar, ProgressBars
from diffroll_live.types import Options

if TYPE_CHECKING:
    from diffroll_live.evaluation.parts import EvaluationSetup
    from diffroll_live.evaluation.store import Row

HEARD = ("splendid_steinway", "headroom_close")  # pianos used in training
UNHEARD = "upright_kw"  # and the one held back
QUICK = ("transcription", "invented")
PROOF = "proof"  # the folder for cached figures, beside the prepared data


class PartNames(click.ParamType[str]):
    """The name of a part; checked late, so that the command line needs no torch."""

    name = "part"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name."""
        from diffroll_live.evaluation.parts import PARTS

        if value not in PARTS:
            self.fail(f"There is no part {value!r}; choose one of {', '.join(PARTS)}.", param, ctx)
        return value


@click.command("evaluate")
@click.argument("model")
@click.option(
    "--part", "parts", multiple=True, type=PartNames(), help=f"What to measure; by default {' and '.join(QUICK)}."
)
@click.option("--all", "everything", is_flag=True, help="Measure every part.")
@click.option("--card", is_flag=True, help="Measure every part, and write tables and plots into the folder MODEL.")
@click.option("--clips", type=click.IntRange(1, 1000), default=24, show_default=True, help="Rendered clips per piano.")
@click.option("--gaps", type=click.IntRange(1, 1000), default=100, show_default=True, help="Gaps of each kind.")
@click.option("--piano", "pianos", multiple=True, default=HEARD, show_default=True, help="Pianos used in training.")
@click.option(
    "--unheard", default=UNHEARD, show_default=True, metavar="PIANO", help="The piano held back from training."
)
@click.option("--recordings", type=PATH, help="A folder of FLAC files, each with a CSV of its notes.")
@click.option(
    "--beside", type=PATH, metavar="PYTHON", help="The Python of an environment with Basic Pitch, for comparison."
)
@click.option("--steps", type=click.IntRange(1, 1000), help="Evaluations per window; otherwise the model's default.")
@click.option("--threshold", type=PROBABILITY, help="Onset threshold; otherwise the model's.")
@click.option("--tune", is_flag=True, help="Tune thresholds instead of measuring.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each row.")
@click.option("--fresh", is_flag=True, help="Ignore cached figures.")
@DEVICE
@THREADS
@WORK
def evaluate(
    model: str,
    parts: tuple[str, ...],
    everything: bool,
    card: bool,
    clips: int,
    gaps: int,
    pianos: tuple[str, ...],
    unheard: str,
    recordings: Path | None,
    beside: Path | None,
    steps: int | None,
    threshold: float | None,
    tune: bool,
    as_json: bool,
    fresh: bool,
    device: str,
    threads: int | None,
    work: Path,
) -> None:
    """Measure MODEL, a name or a folder, on pieces not used in training, and print tables.

    Clips are rendered from the unmodified validation split. Since the labels of recordings may be late or early, each
    recording's notes are moved by the best constant shift, up to 60 ms. Figures are cached in the folder of prepared
    data, so an interrupted measurement resumes where it stopped.
    """
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.evaluation.clips import open_evaluation_set
    from diffroll_live.evaluation.evaluation import recorded
    from diffroll_live.evaluation.parts import PARTS, EvaluationSetup
    from diffroll_live.evaluation.scores import require_mir_eval
    from diffroll_live.evaluation.store import Store
    from diffroll_live.training.examples.windows import Material

    require_mir_eval()
    stage = open_evaluation_set(Material(work / "bank", work / "corpus", unheard=""), (*pianos, unheard))
    if recordings is not None:
        next(recorded(recordings))
    engine = load_engine(model, device, threads)
    store = Store(work / PROOF / engine.info.sha256[:12], fresh=fresh)
    options = Options(steps=steps, threshold=threshold)
    names = tuple(PARTS) if everything or card else parts or QUICK
    with ProgressBars() as bars, bars.stage("Measuring") as shown:
        setup = EvaluationSetup(
            engine, stage, store, options, pianos, unheard, clips, gaps, recordings, beside, shown.say
        )
        if tune:
            click.echo(json.dumps(_tuned(setup, shown)))
            return
        found = {}
        for name in names:
            found[name] = PARTS[name].rows(setup)
            _print(name, found[name], as_json)
    if card:
        from diffroll_live.evaluation.card import write_figures

        click.echo(write_figures(Path(model), engine.info.name, _command(model, recordings, beside), found))


def _command(model: str, recordings: Path | None, beside: Path | None) -> str:
    """The command that makes the page again, independent of where the data is."""
    given = [" --recordings RECORDINGS" if recordings else "", " --beside PYTHON" if beside else ""]
    return f"diffroll-live evaluate {model} --card{''.join(given)}"


def _print(name: str, rows: list[Row], as_json: bool) -> None:
    from diffroll_live.evaluation.parts import PARTS
    from diffroll_live.evaluation.tables import table

    if as_json:
        for row in rows:
            click.echo(json.dumps({"part": name, **row}))
    elif rows:
        click.echo(f"\n{PARTS[name].title}\n\n{table(rows, PARTS[name].columns)}")


def _tuned(setup: EvaluationSetup, shown: ProgressBar) -> dict[str, object]:
    """Thresholds tuned on other clips than those measured, plain and noisy, on all pianos."""
    from diffroll_live.evaluation.clips import TUNING_SEED, clips
    from diffroll_live.evaluation.evaluation import heard, tune

    decoders, truths = [], []
    for piano in (*setup.heard, setup.unheard):
        for noisy in (False, True):
            for clip in clips(setup.stage, piano, setup.clips // 2 or 1, noisy=noisy, seed=TUNING_SEED):
                decoders.append(heard(setup.engine, clip.audio, setup.options))
                truths.append(clip.notes)
                shown.say(f"{len(truths)} clips")
    tuned = tune(decoders, truths)
    thresholds = {
        "onset_threshold": tuned.onset_threshold,
        "frame_threshold": tuned.frame_threshold,
    }
    return {**thresholds, "clips": len(truths), **asdict(tuned.score)}
