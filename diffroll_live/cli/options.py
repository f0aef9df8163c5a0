"""The options that the four tasks share, and the frozen `TaskChoices` that they become."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diffroll_live import limits
from diffroll_live.cli.regions import parse_region
from diffroll_live.errors import RequestError
from diffroll_live.limits import CONTROLS, METER, REQUEST, Choice, Limit, Option, Text
from diffroll_live.types import Options, Region, Task

if TYPE_CHECKING:
    from diffroll_live.meter.meter_map import MeterMap

Decorator = Callable[..., Any]

PATH = click.Path(path_type=Path)
TARGET = click.Path()  # text, since a Path drops the separator at the end of a folder


@dataclass(frozen=True, slots=True)
class TaskChoices:
    """The options of a task's command line, checked for form."""

    inputs: tuple[Path, ...]
    output: str | None  # a file, or a folder to fill; so are plot, trajectory and sound
    options: Options
    start: float = 0.0  # s of the recordings, and the length of the part to read; None is the rest
    duration: float | None = None
    regions: tuple[Region, ...] = ()
    known: Path | None = None
    track: str | None = None  # of a MIDI file, that new notes go to
    model: str | None = None
    device: str = limits.DEVICE.default
    threads: int | None = None
    host: str = "127.0.0.1"
    port: int = limits.PORT.default
    meter: MeterMap | None = None  # bars and beats of the music, where the command line says what they are
    local: bool = False  # load the model even where a daemon could do it
    as_json: bool = False
    plot: str | None = None
    trajectory: str | None = None
    sound: str | None = None


class Finite(click.FloatRange):
    """A range of floats that refuses NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number; fail on NaN and infinities."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Parsed(click.ParamType[Any]):
    """A text that a row of `limits` reads."""

    name = "text"

    def __init__(self, option: Option) -> None:
        self._option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text; fail with the sentence of the option."""
        try:
            return self._option.check(value)
        except RequestError as error:
            self.fail(f"It {error.text}.", param, ctx)


def setting(option: Option, flag: str, name: str | None = None, **overrides: Any) -> Decorator:
    """Make a command-line option of a row of `limits`; ``overrides`` are click's."""
    attributes = {"type": option_type(option), "default": option.default, "help": option.sentence, **overrides}
    attributes.setdefault("show_default", attributes["default"] is not None)
    return click.option(flag, *([name] if name else []), **attributes)


def option_type(option: Option) -> click.ParamType[Any] | None:
    """Make click's type of a row of `limits`; None is a text."""
    match option:
        case Choice():
            return click.Choice(option.names)
        case Limit(whole=True):
            return click.IntRange(int(option.low), int(option.high))
        case Limit():
            return Finite(option.low, option.high)
    return None


def settings(options: Mapping[str, Option], *names: str) -> tuple[Decorator, ...]:
    """Make command-line options of rows of `limits`, under their own names."""
    return tuple(setting(options[name], f"--{name.replace('_', '-')}") for name in names)


def with_options(*options: Decorator) -> Decorator:
    """Make a decorator that gives a command options, to be listed in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _regions(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[Region, ...]:
    """Read every ``--region``. Raises errors.BadRegion."""
    return tuple(parse_region(text) for text in texts)


INPUTS = click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="IN...")
PART = (
    click.option(
        "--start",
        type=Finite(0, 86_400),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="Where to begin in the recording; all times count from there.",
    ),
    click.option(
        "--duration", type=Finite(0.1, 86_400), metavar="SECONDS", help="How much to read; otherwise the rest."
    ),
)
REGION = click.option(
    "--region",
    "regions",
    multiple=True,
    callback=_regions,
    metavar="FROM-TO[@LOW-HIGH][,NAME=VALUE...]",
    help="Seconds, and pitches by name (C4 is 60) or number: 4.0-6.5@C3-C5. May be given several times. New notes of a "
    "region may have wishes of their own: 4-8,density=1.5,scale=Dmin.",
)
HEAR = click.option("--hear", is_flag=True, help="Let the model hear the audio in the regions; otherwise it is hidden.")
KNOWN = click.option(
    "--notes",
    "known",
    type=PATH,
    metavar="KNOWN.mid",
    help="Notes that you have; outside the regions they are kept exactly.",
)
TRACK = click.option(
    "--track",
    metavar="TRACK",
    help="The track of a MIDI file that new notes go to, by its number, its name or both with a channel (2, Piano, "
    "1:3); otherwise the one with most notes around.",
)
(SECONDS,) = settings(REQUEST, "seconds")
SAMPLING = settings(REQUEST, *(name for name in REQUEST if name != "seconds" and name not in CONTROLS))
#: What is wished of all new notes; a region may have its own.
WISHES = tuple(
    setting(option, f"--{name}", type=Parsed(option)) if isinstance(option, Text) else setting(option, f"--{name}")
    for name, option in ((name, REQUEST[name]) for name in CONTROLS)
)
MODEL = click.option("--model", metavar="NAME", help="One of 'diffroll-live models'; otherwise the default one.")
DEVICE = setting(limits.DEVICE, "--device")
THREADS = setting(limits.THREADS, "--threads")
#: Where the daemon's model runs; the configuration decides where an option is not given.
ENGINE = (MODEL, setting(limits.DEVICE, "--device", default=None), THREADS)
ENGINE_AT = setting(
    limits.CLUSTER, "--engine", "address", type=Parsed(limits.CLUSTER), default=None, metavar="ray://HOST:PORT"
)
LOCAL = (
    MODEL,
    DEVICE,
    THREADS,
    click.option("--local", is_flag=True, help="Load the model here, even if a daemon runs that could do the work."),
    click.option(
        "--plot", type=TARGET, metavar="OUT.png", help="Draw the spectrogram, the posteriorgram and the roll."
    ),
    click.option("--trajectory", type=TARGET, metavar="OUT.gif", help="Draw the roll emerging from the noise."),
)
DAEMON_PORT = setting(replace(limits.PORT, low=1), "--port", help="The daemon's port.")
REMOTE = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Where the daemon runs."),
    DAEMON_PORT,
)
OUTPUT = (
    click.option("-o", "--output", type=TARGET, metavar="OUT.mid", help="The MIDI file, or a folder to put it in."),
    *settings(METER, "tempo"),
    setting(METER["meter"], "--meter", type=Parsed(METER["meter"])),
    *settings(METER, "beat_at"),
    click.option("--sonify", "sound", type=TARGET, metavar="OUT.wav", help="Also render the notes as audio."),
    click.option("--json", "as_json", is_flag=True, help="Print timings and notes on stdout as one JSON document."),
)

#: What each task takes besides SAMPLING, OUTPUT and where it runs.
BY_TASK: dict[Task, tuple[Callable[..., Any], ...]] = {
    "transcribe": (INPUTS, *PART, REGION),
    "inpaint": (INPUTS, *PART, REGION, HEAR, KNOWN, TRACK, *WISHES),
    "continue": (INPUTS, *PART, SECONDS, KNOWN, TRACK, *WISHES),
    "generate": (SECONDS, *WISHES),
}
_SAMPLING_FIELDS = Options.__dataclass_fields__.keys()


def choices(task: Task, given: dict[str, Any]) -> TaskChoices:
    """Collect the values that click parsed for a task. Raises click.UsageError when a necessary one is missing."""
    sampling = {name: given.pop(name) for name in list(given) if name in _SAMPLING_FIELDS}
    hear = bool(given.pop("hear", task == "transcribe"))
    wished = next((name for name in CONTROLS if REQUEST[name].default is None and sampling.get(name) is not None), None)
    if hear and wished:
        raise click.UsageError(f"With --hear the regions are transcribed; --{wished} is for what is written.")
    regions = tuple(replace(region, hear=hear) for region in given.pop("regions", ()))
    if task == "inpaint" and not regions:
        raise click.UsageError("Choose where to write new notes: --region FROM-TO, in seconds.")
    if given["output"] is None and not given["as_json"]:
        raise click.UsageError("Choose where the notes go: -o OUT.mid, or --json for stdout.")
    given["meter"] = _meter(given.pop("tempo"), given.pop("meter"), given.pop("beat_at"))
    return TaskChoices(inputs=given.pop("inputs", ()), regions=regions, options=Options(**sampling), **given)


def _meter(tempo: float | None, signature: tuple[int, int] | None, beat_at: float | None) -> MeterMap | None:
    """The bars and beats that the options give. Raises click.UsageError where they give no tempo."""
    if tempo is None:
        if signature is not None or beat_at is not None:
            raise click.UsageError("Give the tempo as well, as --tempo; --meter and --beat-at alone make no bars.")
        return None
    from diffroll_live.meter.meter_map import steady_meter  # numpy, which few commands need

    return steady_meter(tempo, signature or (4, 4), beat_at or 0.0)
