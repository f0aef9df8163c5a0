"""Every option that can be set: its range or its choices, its default, its unit, a sentence about it. No torch.

These tables feed the command line, ``/diffroll/job/set``, ``/diffroll/live/set``, ``/diffroll/jam/set`` and the
configuration; the settings that they change are frozen dataclasses with the tables' defaults.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

from diffroll_live.errors import RequestError
from diffroll_live.notation.addresses import parse_cluster
from diffroll_live.notation.lengths import length_text, parse_length
from diffroll_live.notation.pitches import PitchRange, parse_range, range_text
from diffroll_live.notation.scales import Scale, parse_scale

MAX_REGIONS = 256
MAX_KNOWN = 50_000  # notes that the user has
MAX_METER_CHANGES = 4096  # of tempo or signature in one job
SIGNATURES = "choose 1 to 64 whole notes, halves, quarters and so on down to 64ths, such as 3/4 or 6/8"
WIRE = 1e-7  # of a value: what float32 on the wire does to a bound

Value = str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(ABC):
    """Something that can be set."""

    default: Any = None  # None where something else decides, such as the model
    unit: str = ""
    sentence: str = ""  # for --help
    field: str = ""  # of the settings, where it has another name than the option

    @abstractmethod
    def check(self, value: Value) -> Any:
        """Return the value as the settings keep it. Raises RequestError, whose sentence lacks the option's name."""

    def write(self, value: Any) -> Value:
        """Write what the settings keep so that ``check`` returns it again."""
        kept: Value = value
        return kept


@dataclass(frozen=True, slots=True)
class Limit(Option):
    """A number from ``low`` to ``high``, both allowed."""

    low: float
    high: float
    whole: bool = False

    def check(self, value: Value) -> float | int:
        """Return an int or a float."""
        kind = "whole number" if self.whole else "number"
        slack = 0.0 if self.whole else WIRE
        fits = (
            not isinstance(value, str)
            and math.isfinite(value)
            and self.low - slack * abs(self.low) <= value <= self.high + slack * abs(self.high)
            and not (self.whole and value != int(value))
        )
        if not fits:
            raise RequestError(f"must be a {kind} from {self.low:.10g} to {self.high:.10g}, not {value!r}")
        return int(value) if self.whole else min(max(float(value), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Choice(Option):
    """One of a few words."""

    names: tuple[str, ...]

    def check(self, value: Value) -> str:
        """Return the word."""
        if value not in self.names:
            raise RequestError(f"must be {', '.join(self.names[:-1])} or {self.names[-1]}, not {value!r}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Text(Option):
    """A text that ``parse`` reads and ``form`` writes; the first raises RequestError as ``check`` does."""

    parse: Callable[[Value], Any]
    form: Callable[[Any], Value] = str

    def check(self, value: Value) -> Any:
        """Return what the text means."""
        return self.parse(value)

    def write(self, value: Any) -> Value:
        """Write it as a text."""
        return self.form(value)


class Settings(Protocol):
    """A frozen dataclass whose options are its fields, or those of dataclasses in its fields."""

    OPTIONS: ClassVar[Mapping[str, Option]]


S = TypeVar("S", bound=Settings)


def set_option(settings: S, key: str, value: Value) -> S:
    """Return ``settings`` with one option set. Raises errors.RequestError that names the option and what it may be."""
    option = settings.OPTIONS.get(key)
    if option is None:
        near = difflib.get_close_matches(key, settings.OPTIONS, n=1, cutoff=0.0)[0]
        known = ", ".join(settings.OPTIONS)
        raise RequestError(f"There is no option {key!r}; did you mean {near!r}? The options are {known}.")
    try:
        checked = option.check(value)
    except RequestError as error:
        raise RequestError(f"The option {key} {error.text}.") from error
    changed: S = _replaced(settings, option.field or key, checked)
    return changed


def _replaced(settings: Any, name: str, value: Any) -> Any:
    parts = {item.name: getattr(settings, item.name) for item in fields(settings)}
    if name in parts:
        return replace(settings, **{name: value})
    holder = next(key for key, part in parts.items() if is_dataclass(part) and hasattr(part, name))
    return replace(settings, **{holder: replace(parts[holder], **{name: value})})


def is_signature(numerator: int, denominator: int) -> bool:
    """Whether bars can be ``numerator``/``denominator``, also in a MIDI file."""
    return 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32, 64)


def _signature(value: Value) -> tuple[int, int]:
    numerator, _, denominator = str(value).partition("/")
    if not (numerator.isdecimal() and denominator.isdecimal() and is_signature(int(numerator), int(denominator))):
        raise RequestError(f"must be a time signature, not {value!r}; {SIGNATURES}")
    return int(numerator), int(denominator)


CHANNEL = Limit(1, 16, whole=True, default=1, sentence="The MIDI channel.")
DELIVER = Choice(("osc", "midi", "both"), default="both", sentence="Where notes go.")
DEVICE = Choice(("auto", "cuda", "mps", "cpu"), default="auto", sentence="Where the model runs.")
PRECISION = Choice(("auto", "fp32", "bf16"), default="auto", sentence="Of arithmetic; a seed gives its notes at one.")
THREADS = Limit(
    1, 1024, whole=True, sentence="CPU threads; otherwise one a core, or in a daemon fewer while that is sooner."
)
PROCESSES = Limit(1, 1024, whole=True, sentence="Processes with a model each; otherwise one a core, or one for a GPU.")
PORT = Limit(0, 65_535, whole=True, default=7770, sentence="UDP and TCP port.")
CLUSTER = Text(parse_cluster, default="", sentence="Compute on the cluster at ray://HOST:PORT; otherwise here.")
TEMPO = Limit(4, 1000, unit="quarter notes a minute", sentence="Tempo of the music, in quarter notes a minute.")
#: Bars and beats, where the command line says what they are.
METER: dict[str, Option] = {
    "tempo": TEMPO,
    "meter": Text(_signature, sentence="Time signature of the music, such as 3/4 or 6/8; otherwise 4/4."),
    "beat_at": Limit(0, 86_400, unit="s", sentence="Where a bar begins, in seconds; otherwise at 0."),
}
PANEL_PORT = Limit(0, 65_535, whole=True, default=7771, sentence="TCP port of the panel.")
METRICS_PORT = Limit(0, 65_535, whole=True, default=7773, sentence="TCP port of the metrics.")

#: What a request may choose: the fields of types.Options. These are the ones that are numbers ...
LIMITS: dict[str, Limit] = {
    "steps": Limit(
        1,
        1000,
        whole=True,
        sentence="Network evaluations per window or block; more is not always better, see the model's card.",
    ),
    "guidance": Limit(0, 20, sentence="Guidance scale towards the audio, 0 is none; otherwise the model's own."),
    "seed": Limit(0, 2**31 - 1, whole=True, default=0, sentence="The same seed gives the same notes."),  # an int32
    "temperature": Limit(0, 5, default=1.0, sentence="How freely pitches are chosen in the regions."),
    "density": Limit(0, 4, default=1.0, sentence="More (above 1) or fewer new notes than around."),
    "polyphony": Limit(1, 10, whole=True, sentence="New notes that may sound at once; otherwise as around."),
    "threshold": Limit(0.01, 0.99, sentence="Onset probability that makes a note; otherwise the model's own."),
    "min_note": Limit(0, 10, unit="s", default=0.03, sentence="Drop notes shorter than this, in seconds."),
    "variations": Limit(1, 16, whole=True, default=1, sentence="Number of versions, each in a file of its own."),
    "seconds": Limit(0.1, 600, unit="s", default=8.0, sentence="Length of the new music, in seconds."),
}
#: ... and these are words.
CHOICES: dict[str, Choice] = {
    "quality": Choice(
        ("draft", "live", "best"),
        default="live",
        sentence="Draft is fastest, best is slowest; the model's card has the numbers of evaluations.",
    ),
    "pedal": Choice(("on", "off"), default="on", sentence="Also write the sustain pedal, where the model hears it."),
    "bend": Choice(
        ("on", "off"),
        default="off",
        sentence="Also write how the pitch of each note glides, as MPE: for voices, strings and guitars.",
    ),
    "sampler": Choice(  # the rows of model.samplers.SAMPLERS and composer.samplers.WRITERS, which need torch
        ("ddim", "ddpm", "dpmpp-2m", "note-by-note", "thinning"),
        sentence="How notes are drawn: the first three where audio is heard, the last two where notes are written; "
        "otherwise the model's own.",
    ),
}
#: ... and these are written as music is.
NOTATED: dict[str, Text] = {
    "shortest": Text(parse_length, length_text, sentence="The shortest new note, such as 1/16; otherwise as around."),
    "longest": Text(parse_length, length_text, sentence="The longest new note, such as 1/2; otherwise as around."),
    "range": Text(parse_range, range_text, sentence="The lowest and the highest new note, such as C3-C5."),
    "scale": Text(parse_scale, sentence="The scale of new notes, such as 'D minor' or Dmin; otherwise as around."),
}
REQUEST: dict[str, Option] = {**CHOICES, **LIMITS, **NOTATED}

#: What each region may choose for itself, of what is written there: the fields of types.Controls.
CONTROLS: dict[str, Option] = {
    name: replace(REQUEST[name], default=None)
    for name in ("temperature", "density", "polyphony", "shortest", "longest", "range", "scale")
}


@dataclass(frozen=True, slots=True)
class Controls:
    """How new notes are to be: None is as the request says, or as around. Lengths are in quarter notes."""

    OPTIONS: ClassVar[Mapping[str, Option]] = CONTROLS

    temperature: float | None = None
    density: float | None = None
    polyphony: int | None = None
    shortest: float | None = None
    longest: float | None = None
    range: PitchRange | None = None
    scale: Scale | None = None


#: Nothing is wished for.
AS_AROUND = Controls()

#: What a live input may choose.
LIVE: dict[str, Option] = {
    "latency": Limit(
        50, 700, unit="ms", default=200.0, field="latency_ms", sentence="From sound to MIDI, in milliseconds."
    ),
    "lane": Choice(
        ("commit", "preview"), default="commit", sentence="Play notes on time, or as soon as they are likely."
    ),
    "deliver": DELIVER,
    "channel": CHANNEL,
    "pedal": CHOICES["pedal"],
}

#: What a jam may choose, besides its cue.
JAM: dict[str, Option] = {
    "rest_bars": Limit(0, 64, default=2.0, sentence="Bars of rest that give the model its turn; 0: none do."),
    "tempo": Limit(20, 400, unit="beats a minute", default=120.0, sentence="Tempo, where the DAW reports none."),
    "beats": Limit(1, 32, default=4.0, sentence="Quarter notes in a bar, where the DAW reports no metre."),
    "memory": Limit(1, 60, unit="s", default=24.0, sentence="Seconds of the past that the model continues."),
    "ahead": Limit(0.5, 30, unit="s", default=4.0, sentence="Seconds written at a time."),
    "lead": Limit(0.05, 5, unit="s", default=0.12, sentence="Seconds from the turn to the answer, at least."),
    **{name: REQUEST[name] for name in ("quality", "seed", *CONTROLS)},
    "channel": CHANNEL,
}

#: What a configuration may set, by section and key; the defaults are those of the classes in config.py.
CONFIG: dict[str, Option] = {
    "server.port": PORT,
    "server.max_datagram": Limit(256, 65_507, whole=True, unit="bytes"),
    "server.receive_buffer_bytes": Limit(1 << 16, 1 << 30, whole=True, unit="bytes"),
    "server.max_packet_bytes": Limit(1 << 12, 1 << 26, whole=True, unit="bytes"),
    "server.max_clients": Limit(1, 65_536, whole=True),
    "server.max_buffers": Limit(1, 65_536, whole=True),
    "server.max_buffer_seconds": Limit(1, 86_400, unit="s"),
    "server.max_total_bytes": Limit(1 << 20, 1 << 40, whole=True, unit="bytes"),
    "server.max_live": Limit(0, 64, whole=True),
    "server.live_seconds": Limit(1, 3600, unit="s"),
    "server.max_jobs_kept": Limit(1, 65_536, whole=True),
    "server.queue_size": Limit(1, 1024, whole=True),
    "server.buffer_timeout_s": Limit(0.05, 86_400, unit="s"),
    "server.client_timeout_s": Limit(0.05, 864_000, unit="s"),
    "engine.device": DEVICE,
    "engine.threads": replace(THREADS, low=0),
    "engine.precision": PRECISION,
    "engine.address": CLUSTER,
    "midi.api": Choice(("auto", "coremidi", "windows", "alsa", "jack", "none"), sentence="Which MIDI system to use."),
    "transport.source": Choice(
        ("osc", "midi-clock", "mtc", "jack", "link"), sentence="Where the DAW's time comes from."
    ),
    "panel.port": PANEL_PORT,
    "panel.serve": Choice(("on", "off")),
    "discovery.reach": Choice(
        ("auto", "off", "machine", "network"),
        sentence="Who finds the daemon by OSCQuery and mDNS; auto: this machine, with the extra discovery.",
    ),
    "discovery.port": Limit(0, 65_535, whole=True),
    "metrics.port": METRICS_PORT,
    "metrics.serve": Choice(("on", "off")),
}
