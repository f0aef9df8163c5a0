"""The options that the four tasks share, and the frozen `TaskChoices` that they become."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from diffroll_live.cli.regions import parse_region
from diffroll_live.limits import LIMITS, SAMPLER_NAMES
from diffroll_live.types import QUALITIES, Options, Region, Task

PATH = click.Path(path_type=Path)
TARGET = click.Path()  # text, since a Path forgets the separator at the end of a folder


@dataclass(frozen=True, slots=True)
class TaskChoices:
    """All that a task's command line said, checked for form."""

    inputs: tuple[Path, ...]
    output: str | None  # a file, or a folder to fill; so are plot, trajectory and sound
    options: Options
    regions: tuple[Region, ...] = ()
    known: Path | None = None
    model: str | None = None
    device: str = "auto"
    threads: int | None = None
    host: str = "127.0.0.1"
    port: int = 7770
    tempo: float = 120.0  # beats a minute, of the MIDI file
    as_json: bool = False
    plot: str | None = None
    trajectory: str | None = None
    sound: str | None = None


class Finite(click.FloatRange):
    """A range of floats that no NaN slips through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number; fail on NaN and infinities."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def limited(name: str) -> click.IntRange | Finite:
    """Make the type of an option from its row in the table of limits."""
    limit = LIMITS[name]
    return click.IntRange(int(limit.low), int(limit.high)) if limit.whole else Finite(limit.low, limit.high)


def _regions(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[Region, ...]:
    """Read every ``--region``. Raises errors.BadRegion."""
    return tuple(parse_region(text) for text in texts)


INPUTS = click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="IN...")
REGION = click.option(
    "--region",
    "regions",
    multiple=True,
    callback=_regions,
    metavar="FROM-TO[@LOW-HIGH]",
    help="Seconds, and pitches by name (C4 is 60) or number: 4.0-6.5@C3-C5. May be given several times.",
)
HEAR = click.option("--hear", is_flag=True, help="Let the model hear the audio in the regions; otherwise it is hidden.")
KNOWN = click.option(
    "--notes", "known", type=PATH, metavar="KNOWN.mid", help="Notes that you have: kept exactly outside the regions."
)
SECONDS = click.option(
    "--seconds", type=limited("seconds"), default=8.0, show_default=True, help="How long the new music is."
)
SAMPLING = (
    click.option(
        "--seed",
        type=limited("seed"),
        default=0,
        show_default=True,
        help="The same seed gives the same notes.",
    ),
    click.option(
        "--quality",
        type=click.Choice(QUALITIES),
        default="live",
        show_default=True,
        help="How many evaluations, as the model's card says.",
    ),
    click.option(
        "--steps",
        type=limited("steps"),
        help="Network evaluations per window or block; more is not better with every model, see its card.",
    ),
    click.option(
        "--sampler",
        type=click.Choice(SAMPLER_NAMES),
        help="How to walk from noise to notes; otherwise as the model says.",
    ),
    click.option(
        "--guidance", type=limited("guidance"), help="Pull towards the audio, 0 is none; otherwise as the model says."
    ),
    click.option(
        "--temperature",
        type=limited("temperature"),
        default=1.0,
        show_default=True,
        help="How freely pitches are chosen in regions.",
    ),
    click.option(
        "--density", type=limited("density"), default=1.0, show_default=True, help="More (above 1) or fewer new notes."
    ),
    click.option("--threshold", type=limited("threshold"), help="How sure the model must be of a note."),
    click.option(
        "--min-note",
        type=limited("min_note"),
        default=0.03,
        show_default=True,
        help="Drop notes shorter than this, in seconds.",
    ),
    click.option(
        "--variations", type=limited("variations"), default=1, show_default=True, help="Several versions, each a file."
    ),
)
LOCAL = (
    click.option("--model", metavar="NAME", help="One of 'diffroll-live models'; otherwise the default one."),
    click.option("--device", type=click.Choice(("auto", "cuda", "mps", "cpu")), default="auto", show_default=True),
    click.option("--threads", type=click.IntRange(1, 256), help="CPU threads; otherwise as many as there are cores."),
    click.option(
        "--plot", type=TARGET, metavar="OUT.png", help="Draw the spectrogram, the posteriorgram and the roll."
    ),
    click.option("--trajectory", type=TARGET, metavar="OUT.gif", help="Draw how the roll came out of the noise."),
)
REMOTE = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Where the daemon runs."),
    click.option("--port", type=click.IntRange(1, 65535), default=7770, show_default=True, help="Its port."),
)
OUTPUT = (
    click.option("-o", "--output", type=TARGET, metavar="OUT.mid", help="The MIDI file, or a folder to put it in."),
    click.option(
        "--tempo", type=Finite(4, 1000), default=120.0, show_default=True, help="Beats a minute of the MIDI file."
    ),
    click.option("--sonify", "sound", type=TARGET, metavar="OUT.wav", help="Write the notes as sound too."),
    click.option("--json", "as_json", is_flag=True, help="Print timings and notes on stdout as one JSON document."),
)

#: What each task takes besides SAMPLING, OUTPUT and where it runs.
BY_TASK: dict[Task, tuple[Callable[..., Any], ...]] = {
    "transcribe": (INPUTS, REGION),
    "inpaint": (INPUTS, REGION, HEAR, KNOWN),
    "continue": (INPUTS, SECONDS, KNOWN),
    "generate": (SECONDS,),
}
_SAMPLING_FIELDS = Options.__dataclass_fields__.keys()


def choices(task: Task, given: dict[str, Any]) -> TaskChoices:
    """Gather the values that click parsed for a task. Raises click.UsageError when what the task needs is missing."""
    sampling = {name: given.pop(name) for name in list(given) if name in _SAMPLING_FIELDS}
    hear = bool(given.pop("hear", task == "transcribe"))
    regions = tuple(replace(region, hear=hear) for region in given.pop("regions", ()))
    if task == "inpaint" and not regions:
        raise click.UsageError("Say where to write new notes: --region FROM-TO, in seconds.")
    if given["output"] is None and not given["as_json"]:
        raise click.UsageError("Say where the notes go: -o OUT.mid, or --json for stdout.")
    return TaskChoices(inputs=given.pop("inputs", ()), regions=regions, options=Options(**sampling), **given)
