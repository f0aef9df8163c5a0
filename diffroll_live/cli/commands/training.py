"""``diffroll-live prepare``, ``train`` and ``export``: from recorded notes and MIDI files to a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diffroll_live import __version__
from diffroll_live.cli.options import DEVICE, PATH, THREADS, Finite
from diffroll_live.cli.progress import ProgressBars

if TYPE_CHECKING:
    from diffroll_live.training.examples.windows import Material

STAGES = ("tasks", "rolls", "paired", "mixed")
STAGES_HELP = "How much audio is shown: the network's own tasks; none; p = 0.1; or half of the windows."
BANK, CORPUS, RECORDINGS = "bank", "corpus", "recordings"  # files of the working folder

WORK = click.option("--work", type=PATH, default=Path("runs"), show_default=True, help="The folder of prepared data.")
PROBABILITY = Finite(0.01, 0.99)


@click.command("prepare")
@click.option("--midi", type=PATH, help="A folder of MIDI files, optionally with a manifest.csv (file, split).")
@click.option(
    "--samples", type=PATH, multiple=True, help="A folder with a subfolder per recorded piano, and their manifest.csv."
)
@click.option("--leave-out", multiple=True, metavar="PIANO", help="A piano of --samples to leave out.")
@click.option("--soundfont", type=PATH, help="Also record this SoundFont into the bank (needs FluidSynth).")
@click.option("--instruments", is_flag=True, help="Also record its other pitched instruments.")
@click.option("--pairs", type=PATH, help="A folder of recordings with their MIDI files.")
@click.option(
    "--layout", default="plain", show_default=True, metavar="maestro|maps|labelled|plain", help="The layout of --pairs."
)
@click.option("--pack", type=PATH, metavar="FOLDER", help="Pack everything and the program for a bare machine.")
@WORK
def prepare(
    midi: Path | None,
    samples: tuple[Path, ...],
    leave_out: tuple[str, ...],
    soundfont: Path | None,
    instruments: bool,
    pairs: Path | None,
    layout: str,
    pack: Path | None,
    work: Path,
) -> None:
    """Prepare data for training: MIDI files, a bank of notes to render them with, recordings with their notes.

    MIDI alone is enough for `train --stage rolls`. The manifest of SAMPLES has the columns file, midi_pitch,
    velocity_low, velocity_high and sfz_tune_cents. Without a manifest, one MIDI file in ten is for validation.
    """
    from diffroll_live.files.atomic import make_folder

    if not any((midi, samples, soundfont, pairs, pack)):
        raise click.UsageError(
            "Choose what to prepare: --midi, --samples, --soundfont, --pairs; or where to --pack it."
        )
    make_folder(work)
    skipped: list[str] = []
    with ProgressBars() as bars:
        if samples or soundfont is not None:
            from diffroll_live.training.synthesis.bank_cutting import build_bank

            with bars.stage("Cutting notes") as stage:
                build_bank(samples, work / BANK, soundfont, stage.say, instruments=instruments, without=leave_out)
        if midi is not None:
            from diffroll_live.training.corpus.midi_reading import build_corpus

            with bars.stage("Reading MIDI") as stage:
                skipped += build_corpus(midi, work / CORPUS, stage.progress)
        if pairs is not None:
            from diffroll_live.training.corpus.layouts import takes
            from diffroll_live.training.corpus.pairs import build_pairs

            with bars.stage("Reading recordings") as stage:
                skipped += build_pairs(takes(layout, pairs), work / RECORDINGS, stage.say)
        if pack is not None:
            from diffroll_live.training.corpus.packing import pack_folder

            with bars.stage("Packing") as stage:
                size = pack_folder(work / BANK, work / CORPUS, pack, stage.say)
            click.echo(f"{pack}: {size / 2**20:.1f} MiB; in it, run `python -m diffroll_live.training RUN`.")
    for reason in skipped:
        click.echo(f"Skipped: {reason}", err=True)
    click.echo(f"{work} is ready; train with --work {work}")


@click.command("train")
@click.argument("run", type=PATH)
@click.option("--network", default="compact", show_default=True, metavar="compact|diffroll", help="What to train.")
@click.option("--stage", default="tasks", show_default=True, metavar="|".join(STAGES), help=STAGES_HELP)
@click.option("--from", "begun_from", metavar="RUN|MODEL", help="Start with the weights of another run or of a model.")
@click.option("--steps", type=click.IntRange(1, 100_000_000), default=4200, show_default=True)
@click.option("--batch", type=click.IntRange(1, 4096), default=12, show_default=True, help="Windows per step.")
@click.option("--seconds", type=Finite(0.25, 120), help="Length of a window; otherwise 8.192, for diffroll 20.48.")
@click.option("--rate", type=Finite(0, 1, min_open=True), help="Learning rate; otherwise 2e-3, for diffroll 1e-5.")
@click.option(
    "--weighting", default="x0", show_default=True, metavar="x0|noise|min-snr|max-snr", help="Loss weighting over t."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--without", multiple=True, metavar="NAME", help="Leave out a subfolder of the MIDI.")
@click.option("--no-pop909", is_flag=True, help="Train without POP909, whose songs are commercial.")
@click.option(
    "--unheard", default="upright_kw", show_default=True, metavar="PIANO", help="Piano to hold back for evaluation."
)
@click.option("--recorded", type=Finite(0, 1), default=1.0, show_default=True, help="Share of recordings in the audio.")
@click.option(
    "--precision", default="bfloat16", show_default=True, metavar="bfloat16|float32", help="Arithmetic precision."
)
@click.option("--tensorboard", is_flag=True, help="Also log to TensorBoard, in RUN/tensorboard.")
@DEVICE
@THREADS
@click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Processes that mix audio.")
@WORK
def train(
    run: Path,
    network: str,
    begun_from: str | None,
    steps: int,
    batch: int,
    rate: float | None,
    weighting: str,
    seed: int,
    precision: str,
    tensorboard: bool,
    device: str,
    threads: int | None,
    workers: int,
    work: Path,
    **wanted: Any,
) -> None:
    """Train a network in the folder RUN, or resume it; more --steps extend a run.

    Under `torchrun --nproc-per-node N -m diffroll_live train ...` the GPUs share every batch. The stages of the
    paper: rolls alone, then paired or mixed, each --from the previous one.
    """
    from diffroll_live.engine.loading import choose_device
    from diffroll_live.training.runs import loop
    from diffroll_live.training.runs.subjects import subject_of
    from diffroll_live.training.runs.trainer import Schedule

    subject = subject_of(network)
    settings = dict(subject.schedule) | ({"rate": rate} if rate is not None else {})
    schedule = Schedule(steps, batch=batch, seed=seed, precision=precision, weighting=weighting, **settings)
    where = str(choose_device(device))
    with ProgressBars() as bars, bars.stage("Training") as stage:

        def report(step: int, parts: dict[str, float]) -> None:
            stage.progress(step, steps)
            stage.say(f"loss {parts['total']:.3f}")

        trainer = loop.train(
            _material(work, subject.material, **wanted),
            schedule,
            run,
            begun_from=begun_from,
            device=where,
            threads=threads,
            workers=workers,
            board=tensorboard,
            report=report,
            **({"subject": subject} if network != "compact" else {}),
        )
    if not trainer.share.leads:
        return
    click.echo(
        f"{run}: {trainer.step} steps. `diffroll-live export {run} models/NAME --card CARD.md` makes it a model."
    )


def _material(
    work: Path,
    suited: Mapping[str, Any],
    *,
    stage: str,
    seconds: float | None,
    without: tuple[str, ...],
    no_pop909: bool,
    unheard: str,
    recorded: float,
) -> Material:
    """The prepared data that exists."""
    from diffroll_live.training.examples.windows import Material

    pairs = work / RECORDINGS
    there = pairs.with_suffix(".pcm").exists() and recorded > 0
    bank = work / BANK if (work / BANK).with_suffix(".npy").exists() or not there else None
    corpus = work / CORPUS if (work / CORPUS).with_suffix(".npz").exists() or not there else None
    if stage == "rolls":
        bank = None
    chosen = {"seconds": seconds} if seconds is not None else {}
    left_out = (*without, "pop909") if no_pop909 and "pop909" not in without else without
    return Material(
        bank,
        corpus,
        recordings=pairs if there else None,
        stage=stage,
        without=left_out,
        unheard=unheard,
        recorded_share=recorded,
        **{**suited, **chosen},
    )


@click.command("export")
@click.argument("run", type=PATH)
@click.argument("folder", type=PATH, metavar="models/NAME")
@click.option(
    "--card", type=PATH, required=True, metavar="CARD.md", help="A description of the model, copied to its folder."
)
@click.option("--onset-threshold", type=PROBABILITY, help="As found by `evaluate --tune`; otherwise 0.5.")
@click.option("--frame-threshold", type=PROBABILITY, help="As found by `evaluate --tune`; otherwise 0.5.")
@click.option(
    "--velocity-scale",
    type=Finite(-999, 999),
    nargs=3,
    metavar="HEIGHT SLOPE PER_DB",
    help="As found by `evaluate --tune`; otherwise as the network says.",
)
@click.option(
    "--steps", nargs=3, type=click.IntRange(1, 1000), help="Evaluations for draft, live and best; otherwise 1 2 4."
)
@click.option(
    "--blend",
    type=(str, Finite(0, 1)),
    metavar="MODEL SHARE",
    help="Blend the weights with a share of another model's, such as the one that the run began from.",
)
@click.option("--version", default=__version__, show_default=True, help="Of the model.")
@click.option("--overwrite", is_flag=True, help="Replace the folder if it exists.")
def export(
    run: Path,
    folder: Path,
    card: Path,
    onset_threshold: float | None,
    frame_threshold: float | None,
    velocity_scale: tuple[float, float, float] | None,
    steps: tuple[int, int, int] | None,
    blend: tuple[str, float] | None,
    version: str,
    overwrite: bool,
) -> None:
    """Turn the run in the folder RUN into a model folder; the last part of its name becomes the model's."""
    from diffroll_live.training.runs import export as exporting
    from diffroll_live.training.runs.states import STATE

    given = {
        "onset_threshold": onset_threshold,
        "frame_threshold": frame_threshold,
        "velocity_scale": velocity_scale,
    }
    decode = {name: value for name, value in given.items() if value is not None}
    sampling = {} if steps is None else {"reading_steps": steps}
    text = exporting.read_card(card)
    made = exporting.export(
        run / STATE,
        folder,
        text,
        decode=decode,
        sampling=sampling,
        version=version,
        blend=blend,
        overwrite=overwrite,
    )
    click.echo(f"{run} -> {made.path}: use it with --model {made.path}")
