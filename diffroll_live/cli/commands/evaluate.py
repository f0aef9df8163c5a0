"""``diffroll-live evaluate``: what a model can do, and which thresholds suit it."""

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
    from diffroll_live.evaluation.parts import Bench
    from diffroll_live.evaluation.store import Row

HEARD = ("splendid_steinway", "headroom_close")  # pianos that training hears
UNHEARD = "upright_kw"  # and the one that it does not
QUICK = ("transcription", "invented")
PROOF = "proof"  # the folder beside the prepared material where figures are kept


class PartNames(click.ParamType[str]):
    """A part of the figures; looked up late, so that the command line needs no torch."""

    name = "part"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name."""
        from diffroll_live.evaluation.parts import PARTS

        if value not in PARTS:
            self.fail(f"{value!r} is not measured; there are {', '.join(PARTS)}.", param, ctx)
        return value


@click.command("evaluate")
@click.argument("model")
@click.option(
    "--part", "parts", multiple=True, type=PartNames(), help=f"What to measure; {' and '.join(QUICK)} if not said."
)
@click.option("--all", "everything", is_flag=True, help="Measure every part.")
@click.option("--card", is_flag=True, help="Measure every part, and write tables and pictures into the folder MODEL.")
@click.option("--clips", type=click.IntRange(1, 1000), default=24, show_default=True, help="Rendered clips a piano.")
@click.option("--gaps", type=click.IntRange(1, 1000), default=100, show_default=True, help="Holes of each kind.")
@click.option("--piano", "pianos", multiple=True, default=HEARD, show_default=True, help="Pianos that training heard.")
@click.option("--unheard", default=UNHEARD, show_default=True, metavar="PIANO", help="The one that it did not.")
@click.option("--recordings", type=PATH, help="A folder of FLAC files, each with a CSV of its notes.")
@click.option("--beside", type=PATH, metavar="PYTHON", help="Of an environment with Basic Pitch, to be compared with.")
@click.option("--steps", type=click.IntRange(1, 1000), help="Evaluations a window; otherwise as the model says.")
@click.option("--threshold", type=PROBABILITY, help="Of onsets; otherwise the model's.")
@click.option("--tune", is_flag=True, help="Choose thresholds and density, in place of measuring.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each row.")
@click.option("--fresh", is_flag=True, help="Work out anew what is kept from before.")
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
    """Measure MODEL, a name or a folder, on pieces that no training saw, and print tables.

    Clips are rendered from the validation split, as written. Labels of recordings may be late or early: each is moved
    by the one shift, up to 60 ms, that suits it best. Figures are kept in the folder of prepared material, for each
    model: what was cut off goes on where it stopped.
    """
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.evaluation.clips import open_evaluation_set
    from diffroll_live.evaluation.evaluation import recorded
    from diffroll_live.evaluation.parts import PARTS, Bench
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
        bench = Bench(engine, stage, store, options, pianos, unheard, clips, gaps, recordings, beside, shown.say)
        if tune:
            click.echo(json.dumps(_tuned(bench, shown)))
            return
        found = {}
        for name in names:
            found[name] = PARTS[name].rows(bench)
            _print(name, found[name], as_json)
    if card:
        from diffroll_live.evaluation.card import write_figures

        click.echo(write_figures(Path(model), engine.info.name, _command(model, recordings, beside), found))


def _command(model: str, recordings: Path | None, beside: Path | None) -> str:
    """What makes the same page again, wherever the material lies."""
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


def _tuned(bench: Bench, shown: ProgressBar) -> dict[str, object]:
    """Thresholds and a density that suit other clips and holes than are measured, plain and noisy, on all pianos."""
    from diffroll_live.evaluation.clips import TUNING_SEED, clips
    from diffroll_live.evaluation.composing import density
    from diffroll_live.evaluation.evaluation import heard, tune
    from diffroll_live.evaluation.parts import session_of

    decoders, truths = [], []
    for piano in (*bench.heard, bench.unheard):
        for noisy in (False, True):
            for clip in clips(bench.stage, piano, bench.clips // 2 or 1, noisy=noisy, seed=TUNING_SEED):
                decoders.append(heard(bench.engine, clip.audio, bench.options))
                truths.append(clip.notes)
                shown.say(f"{len(truths)} clips")
    tuned = tune(decoders, truths)
    shown.say("holes")
    written = density(session_of(bench), bench.clips)
    thresholds = {
        "onset_threshold": tuned.onset_threshold,
        "frame_threshold": tuned.frame_threshold,
        "density": round(written, 2),
    }
    return {**thresholds, "clips": len(truths), **asdict(tuned.score)}
