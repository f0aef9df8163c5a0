"""``diffroll-live bench``: measure with a progress bar, print the figures with the machine's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from diffroll_live.bench.figures import Figure, Settings
from diffroll_live.bench.table import (
    BENCHMARKS,
    LIVE_BENCHMARKS,
    LOAD_BENCHMARKS,
    PANEL_BENCHMARKS,
    TRANSPORT_BENCHMARKS,
)
from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.options import DEVICE, MODEL, PATH, setting
from diffroll_live.cli.progress import ProgressBars
from diffroll_live.errors import DiffrollError
from diffroll_live.limits import LIVE
from diffroll_live.model.checkpoints.folder import find_model

WIDTH = 150  # columns, if the output is not a terminal


@click.command("bench")
@click.option(
    "--only", multiple=True, type=click.Choice(tuple(BENCHMARKS)), help="Run only this benchmark; repeatable."
)
@click.option("--repeat", type=click.IntRange(1, 1000), default=5, show_default=True, help="Measurements per figure.")
@MODEL
@DEVICE
@click.option("--live", is_flag=True, help="Measure live input instead: a piano into a JACK port, MIDI out of another.")
@click.option("--transport", is_flag=True, help="Measure notes on a DAW's timeline instead: a scripted JACK transport.")
@click.option("--beside-load", is_flag=True, help="Measure without load, and with a busy process on every core.")
@click.option("--panel", is_flag=True, help="Measure the panel instead, in a headless Chromium.")
@setting(
    LIVE["latency"],
    "--latency",
    "latencies",
    multiple=True,
    default=(),
    show_default=False,
    help="Latency to measure, in ms; repeatable.",
)
@click.option(
    "--minutes", type=click.FloatRange(0, 600), default=0.0, help="Additional minutes of live input at 250 ms."
)
@click.option("--recording", type=PATH, help="Piano recording to play live, with its notes in a CSV beside it.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures on stdout as one JSON document.")
def bench(
    only: tuple[str, ...],
    repeat: int,
    model: str | None,
    device: str,
    live: bool,
    transport: bool,
    beside_load: bool,
    panel: bool,
    latencies: tuple[float, ...],
    minutes: float,
    recording: Path | None,
    as_json: bool,
) -> int:
    """Measure speed and memory on this machine: medians after a warm-up, beside the project's targets.

    Takes some minutes; nothing else should run in the meantime. Missing a target is not a failure.
    """
    special = [
        table
        for wanted, table in (
            (live, LIVE_BENCHMARKS),
            (transport, TRANSPORT_BENCHMARKS),
            (beside_load, LOAD_BENCHMARKS),
            (panel, PANEL_BENCHMARKS),
        )
        if wanted
    ]
    if len(special) + bool(only) > 1:
        raise click.UsageError("Choose one of --only, --live, --transport, --beside-load and --panel.")
    if not live and (latencies or minutes or recording):
        raise click.UsageError("--latency, --minutes and --recording need --live.")
    if model is not None:
        find_model(model)
    settings = Settings(model, device, repeat, live_minutes=minutes, recording=recording)
    if latencies:
        settings = replace(settings, latencies_ms=latencies)
    table = special[0] if special else BENCHMARKS
    figures: list[Figure] = []
    code = exit_codes.OK
    with ProgressBars() as bars:
        for name in only or table:
            try:
                with bars.stage(name) as stage:
                    figures.extend(table[name](settings, stage.progress))
            except DiffrollError as error:
                failed = failures.report(error)
                code = code or failed
    if figures:
        _show(figures, device, as_json)
    return code


def _show(figures: list[Figure], device: str, as_json: bool) -> None:
    from diffroll_live.bench.machine import this_machine
    from diffroll_live.bench.report import document, heading, table

    machine = this_machine(device)
    if as_json:
        click.echo(document(figures, machine))
        return
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=WIDTH)
    console.print(heading(machine), soft_wrap=True)
    console.print(table(figures))
