"""``diffroll-live prepare``, ``train`` and ``export``: from recorded notes and MIDI files to a model folder."""

from __future__ import annotations

from pathlib import Path

import click

from diffroll_live import __version__
from diffroll_live.cli.options import PATH, Finite
from diffroll_live.cli.progress import Bars

WORK = click.option("--work", type=PATH, default=Path("runs"), show_default=True, help="Where prepared material lies.")
DEVICE = click.option("--device", default="auto", show_default=True, metavar="auto|cuda|mps|cpu", help="Where to run.")
PROBABILITY = Finite(0.01, 0.99)


@click.command("prepare")
@click.argument("samples", type=PATH)
@click.argument("midi", type=PATH)
@click.option("--soundfont", type=PATH, help="Record this SoundFont into the bank too (needs FluidSynth).")
@WORK
def prepare(samples: Path, midi: Path, soundfont: Path | None, work: Path) -> None:
    """Cut a note bank from SAMPLES and read the pieces of MIDI, both folders with a manifest.csv.

    SAMPLES has a subfolder for each piano; its manifest has the columns file, midi_pitch, velocity_low, velocity_high
    and sfz_tune_cents. The manifest of MIDI has the columns file and split, which is train or valid.
    """
    from diffroll_live.training.bank import build_bank
    from diffroll_live.training.pieces import build_corpus
    from diffroll_live.training.saving import make_folder

    make_folder(work)
    with Bars() as bars:
        with bars.stage("Cutting notes") as stage:
            build_bank(samples, work / "bank", soundfont, stage.say)
        with bars.stage("Reading MIDI") as stage:
            skipped = build_corpus(midi, work / "corpus", stage.progress)
    for reason in skipped:
        click.echo(f"Skipped: {reason}", err=True)
    click.echo(f"{samples} -> {work / 'bank'}; {midi} -> {work / 'corpus'}: train on them with --work {work}")


@click.command("train")
@click.argument("run", type=PATH)
@click.option("--steps", type=click.IntRange(1, 100_000_000), default=4200, show_default=True)
@click.option("--batch", type=click.IntRange(1, 4096), default=12, show_default=True, help="Windows of 8.192 s a step.")
@click.option("--rate", type=Finite(0, 1, min_open=True), default=2e-3, show_default=True, help="The learning rate.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--without", multiple=True, metavar="NAME", help="Leave out a subfolder of the MIDI, such as pop909.")
@click.option("--unheard", default="upright_kw", show_default=True, metavar="PIANO", help="Hold back for evaluation.")
@click.option("--precision", default="bfloat16", show_default=True, metavar="bfloat16|float32", help="Of arithmetic.")
@DEVICE
@click.option("--threads", type=click.IntRange(1, 256), help="On the CPU; otherwise as many as it has.")
@click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Processes that mix audio.")
@WORK
def train(
    run: Path,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    without: tuple[str, ...],
    unheard: str,
    precision: str,
    device: str,
    threads: int | None,
    workers: int,
    work: Path,
) -> None:
    """Train the compact network in the folder RUN, or go on where it stopped; more --steps make a run longer."""
    from diffroll_live.loading import choose_device
    from diffroll_live.training import loop
    from diffroll_live.training.trainer import Schedule
    from diffroll_live.training.windows import Material

    where = str(choose_device(device))
    material = Material(work / "bank", work / "corpus", without=without, unheard=unheard)
    schedule = Schedule(steps, batch=batch, rate=rate, seed=seed, precision=precision)
    with Bars() as bars, bars.stage("Training") as stage:

        def report(step: int, parts: dict[str, float]) -> None:
            stage.progress(step, steps)
            stage.say(f"loss {parts['total']:.3f}")

        trainer = loop.train(material, schedule, run, device=where, threads=threads, workers=workers, report=report)
    click.echo(
        f"{run}: {trainer.step} steps. `diffroll-live export {run} models/NAME --card CARD.md` makes it a model."
    )


@click.command("export")
@click.argument("run", type=PATH)
@click.argument("folder", type=PATH, metavar="models/NAME")
@click.option("--card", type=PATH, required=True, metavar="CARD.md", help="What the model is, for its folder.")
@click.option("--onset-threshold", type=PROBABILITY, help="As `evaluate --tune` found it; otherwise 0.5.")
@click.option("--frame-threshold", type=PROBABILITY, help="As `evaluate --tune` found it; otherwise 0.5.")
@click.option("--density", type=Finite(0.1, 10), help="Composed by written notes, as `evaluate --fill` counts them.")
@click.option(
    "--steps", nargs=3, type=click.IntRange(1, 1000), help="Evaluations for draft, live and best; otherwise 1 2 4."
)
@click.option("--version", default=__version__, show_default=True, help="Of the model.")
@click.option("--overwrite", is_flag=True, help="Replace the folder if it is there.")
def export(
    run: Path,
    folder: Path,
    card: Path,
    onset_threshold: float | None,
    frame_threshold: float | None,
    density: float | None,
    steps: tuple[int, int, int] | None,
    version: str,
    overwrite: bool,
) -> None:
    """Turn the run in the folder RUN into a model folder; the last part of its name becomes the model's."""
    from diffroll_live.training import export as room
    from diffroll_live.training.loop import STATE

    thresholds = {"onset_threshold": onset_threshold, "frame_threshold": frame_threshold}
    decode = {name: value for name, value in thresholds.items() if value is not None}
    settings = {"density": density, "reading_steps": steps, "writing_steps": steps}
    sampling = {name: value for name, value in settings.items() if value is not None}
    text = room.read_card(card)
    made = room.export(
        run / STATE, folder, text, decode=decode, sampling=sampling, version=version, overwrite=overwrite
    )
    click.echo(f"{run} -> {made.path}: use it with --model {made.path}")
