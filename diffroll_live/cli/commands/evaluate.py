"""``diffroll-live evaluate``: measure a model, or tune its thresholds and velocities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diffroll_live.cli.commands.training import PROBABILITY, WORK
from diffroll_live.cli.options import DEVICE, PATH, THREADS
from diffroll_live.cli.progress import ProgressBar, ProgressBars
from diffroll_live.types import Options

if TYPE_CHECKING:
    from diffroll_live.engine.engine import TorchEngine
    from diffroll_live.evaluation.parts import EvaluationSetup, Needs
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


class KindNames(click.ParamType[str]):
    """A kind of hole, checked as late."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name."""
        from diffroll_live.evaluation.composing.holes import KINDS

        if value not in KINDS:
            self.fail(f"There is no kind of gap {value!r}; choose one of {', '.join(KINDS)}.", param, ctx)
        return value


@click.command("evaluate")
@click.argument("model")
@click.option(
    "--part", "parts", multiple=True, type=PartNames(), help=f"What to measure; by default {' and '.join(QUICK)}."
)
@click.option("--all", "everything", is_flag=True, help="Measure every part.")
@click.option("--card", is_flag=True, help="Measure every part, and write tables and plots into the folder MODEL.")
@click.option("--clips", type=click.IntRange(1, 1000), default=24, show_default=True, help="Rendered clips per piano.")
@click.option("--gaps", type=click.IntRange(1, 1000), default=64, show_default=True, help="Gaps of each kind.")
@click.option(
    "--kind", "kinds", multiple=True, type=KindNames(), help='Only this kind of gap of "composing", such as "two bars".'
)
@click.option("--piano", "pianos", multiple=True, default=HEARD, show_default=True, help="Pianos used in training.")
@click.option(
    "--unheard", default=UNHEARD, show_default=True, metavar="PIANO", help="The piano held back from training."
)
@click.option("--recordings", type=PATH, help="A folder of FLAC files, each with a CSV of its notes.")
@click.option(
    "--scores", type=PATH, help="A folder of scores with bars and beats, to measure writing on: DATA/score-grid."
)
@click.option(
    "--composer",
    type=PATH,
    metavar="MODEL|RUN",
    help="Another model's composer, or one in training, in place of MODEL's.",
)
@click.option(
    "--beside", type=PATH, metavar="PYTHON", help="The Python of an environment with Basic Pitch, for comparison."
)
@click.option("--steps", type=click.IntRange(1, 1000), help="Evaluations per window; otherwise the model's default.")
@click.option("--threshold", type=PROBABILITY, help="Onset threshold; otherwise the model's.")
@click.option("--pictures", type=PATH, metavar="FOLDER", help="Draw twelve fills instead of measuring.")
@click.option(
    "--blind", type=PATH, metavar="FOLDER", help="Make a page for a blind listening test instead of measuring."
)
@click.option(
    "--answers", type=PATH, multiple=True, metavar="FILE", help="Score the answers to the page of --blind instead."
)
@click.option("--tune", is_flag=True, help="Tune thresholds and velocities instead of measuring.")
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
    composer: Path | None,
    pictures: Path | None,
    blind: Path | None,
    answers: tuple[Path, ...],
    tune: bool,
    as_json: bool,
    fresh: bool,
    device: str,
    threads: int | None,
    work: Path,
    **given: Any,
) -> None:
    """Measure MODEL, a name or a folder, on pieces not used in training, and print tables.

    Clips are rendered from the unmodified validation split. Since the labels of recordings may be late or early, each
    recording's notes are moved by the best constant shift, up to 60 ms. Figures are cached in the folder of prepared
    data, so an interrupted measurement resumes where it stopped.
    """
    if answers:
        _print_answers(blind, answers, as_json)
        return
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.evaluation.parts import PARTS

    names = tuple(PARTS) if everything or card else parts or QUICK
    otherwise = tune or pictures is not None or blind is not None  # than to measure parts
    needs: set[Needs] = set() if otherwise else {PARTS[name].needs for name in names}
    if tune:
        needs.add("pianos")
    if pictures is not None:
        needs.add("scores")
    if "pianos" in needs:
        from diffroll_live.evaluation.scores import require_mir_eval

        require_mir_eval()
    engine = load_engine(model, device, threads)
    if composer is not None:
        from diffroll_live.evaluation.composing.composers import read_composer_from

        engine.composer = read_composer_from(composer, engine.adapter.device)
    with ProgressBars() as bars, bars.stage("Measuring") as shown:
        setup = _setup(engine, work, shown, fresh, **given)
        _check(setup, needs, explicit=otherwise or (bool(parts) and not (everything or card)))
        if otherwise:
            _do_otherwise(setup, shown, tune=tune, pictures=pictures, blind=blind)
            return
        found = {}
        for name in names:
            found[name] = PARTS[name].rows(setup)
            _print(name, found[name], as_json)
    if card:
        from diffroll_live.evaluation.card import write_figures

        click.echo(write_figures(Path(model), engine.info.name, _command(model, setup), found))


def _do_otherwise(
    setup: EvaluationSetup, shown: ProgressBar, *, tune: bool, pictures: Path | None, blind: Path | None
) -> None:
    """Tune, draw fills, or make a page for a blind test."""
    if tune:
        from diffroll_live.evaluation.tuning import tuned

        click.echo(json.dumps(tuned(setup, shown.say)))
    if pictures is not None:
        from diffroll_live.evaluation.composing.showing import show_fills

        for path in show_fills(setup.session, pictures, setup.options):
            click.echo(path)
    if blind is not None:
        from diffroll_live.evaluation.listening.blind import key_file, make_blind

        click.echo(make_blind(setup.engine, setup.blind_scores, blind, shown.say))
        click.echo(f"The key is {key_file(blind)}; do not look before you have answered.", err=True)


def _print_answers(blind: Path | None, answers: tuple[Path, ...], as_json: bool) -> None:
    from diffroll_live.evaluation.listening.blind_scores import COLUMNS, blind_scores
    from diffroll_live.evaluation.tables import table

    if blind is None:
        raise click.UsageError("Say which page was answered: --blind FOLDER.")
    rows = blind_scores(blind, answers)
    for line in [json.dumps(row) for row in rows] if as_json else [table(rows, COLUMNS)]:
        click.echo(line)


def _setup(
    engine: TorchEngine,
    work: Path,
    shown: ProgressBar,
    fresh: bool,
    *,
    steps: int | None,
    threshold: float | None,
    pianos: tuple[str, ...],
    beside: Path | None,
    **given: Any,
) -> EvaluationSetup:
    from diffroll_live.evaluation.parts import EvaluationSetup
    from diffroll_live.evaluation.store import Store

    return EvaluationSetup(
        engine,
        work,
        Store(work / PROOF / engine.info.sha256[:12], fresh=fresh),
        Options(steps=steps, threshold=threshold),
        heard=pianos,
        python=beside,
        say=shown.say,
        **given,
    )


def _check(setup: EvaluationSetup, needs: set[Needs], *, explicit: bool) -> None:
    """Open the material before anything is measured; parts that were not asked for by name may lack their scores."""
    from diffroll_live.evaluation.evaluation import recorded

    if "pianos" in needs and setup.stage and setup.recordings is not None:
        next(recorded(setup.recordings))
    if "scores" in needs and (explicit or setup.scores is not None):
        setup.session.holes("two bars", 1)


def _command(model: str, setup: EvaluationSetup) -> str:
    """The command that makes the page again, independent of where the data is."""
    given = {"--scores DATA/score-grid": setup.scores, "--recordings RECORDINGS": setup.recordings}
    given["--beside PYTHON"] = setup.python
    return " ".join([f"diffroll-live evaluate {model} --card", *(text for text, path in given.items() if path)])


def _print(name: str, rows: list[Row], as_json: bool) -> None:
    from diffroll_live.evaluation.parts import PARTS

    if as_json:
        for row in rows:
            click.echo(json.dumps({"part": name, **row}))
    elif rows:
        click.echo(f"\n{PARTS[name].title}\n\n{PARTS[name].table(rows)}")
