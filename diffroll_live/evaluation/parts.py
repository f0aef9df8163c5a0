"""The parts of a model's evaluation: each is a row of PARTS that yields a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import RequestError
from diffroll_live.evaluation import basic_pitch, non_piano, pedal, steps, tables, weaknesses
from diffroll_live.evaluation.clips import TUNING_SEED, EvaluationSet, clips, open_evaluation_set
from diffroll_live.evaluation.composing import columns
from diffroll_live.evaluation.composing.comparing import compared, ways
from diffroll_live.evaluation.composing.composers import fingerprint
from diffroll_live.evaluation.composing.holes import KINDS
from diffroll_live.evaluation.composing.session import Session
from diffroll_live.evaluation.evaluation import transcribed
from diffroll_live.evaluation.listening.pieces import shipped_scores
from diffroll_live.evaluation.store import Row, Store
from diffroll_live.evaluation.tables import SCORES, Columns, percent, plain
from diffroll_live.evaluation.transcribing import TestSet, test_sets, transcription
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.composing.scores import Score, read_scores
from diffroll_live.training.examples.windows import Material
from diffroll_live.types import AudioBuffer, Options

FEW = 6  # clips for slow measurements: 200 evaluations per window
BESIDE = 8  # clips per piano for another program

Needs = Literal["pianos", "scores"]
"""The material of a part: recorded pianos and pieces for them, or scores with bars and beats."""


@dataclass(frozen=True)
class EvaluationSetup:
    """A model and its test material, which is opened when it is first needed.

    work: the folder of prepared data. python: the Python of another environment with Basic Pitch. scores: the folder of
    scores with bars and beats.
    """

    engine: TorchEngine
    work: Path
    store: Store
    options: Options
    heard: tuple[str, ...]
    unheard: str
    clips: int
    gaps: int  # of each kind
    kinds: tuple[str, ...]  # of gaps in scores; all where none is named
    recordings: Path | None
    python: Path | None
    scores: Path | None
    say: Callable[[str], None]

    @cached_property
    def stage(self) -> EvaluationSet:
        """Pianos and pieces. Raises FileMissing or FileError, RequestError without a piano or the split."""
        return open_evaluation_set(
            Material(self.work / "bank", self.work / "corpus", unheard=""), (*self.heard, self.unheard)
        )

    @cached_property
    def session(self) -> Session:
        """What is written into held-out scores. Raises RequestError without a composer, FileMissing or FileError."""
        composer = self.engine.composer
        if composer is None or self.scores is None:
            raise RequestError(
                "Writing is measured on a folder of scores, --scores FOLDER, by a model with a composer."
            )
        return Session(self.engine, fingerprint(composer), read_scores(self.scores), self._kept_alone, self.say)

    @cached_property
    def blind_scores(self) -> list[Score]:
        """What a blind test plays: the scores that were given, or those that ship. Raises RequestError, FileError."""
        if self.engine.composer is None:
            raise RequestError("This model has no composer, so there is nothing to listen to blindly; name another.")
        return shipped_scores() if self.scores is None else read_scores(self.scores)

    def hear(self, audio: AudioBuffer) -> NoteArray:
        """Transcribe as any request would."""
        return transcribed(self.engine, audio, self.options)

    def sets(self, count: int) -> list[TestSet]:
        """The sets of the transcription table, with ``count`` clips per piano."""
        return test_sets(self.stage, self.heard, self.unheard, count, self.recordings)

    def kept(self, name: str, make: Callable[[], list[Row]], **settings: object) -> list[Row]:
        """Rows from the store, keyed by the settings that they depend on."""
        pianos = (*self.heard, self.unheard)
        return self.store.rows(name, {"options": asdict(self.options), "pianos": pianos, **settings}, make)

    def _kept_alone(self, name: str, make: Callable[[], list[Row]], **settings: object) -> list[Row]:
        """The same for what depends on no pianos, and names its options itself."""
        return self.store.rows(name, settings, make)


@dataclass(frozen=True, slots=True)
class Part:
    """A table: its description, how its rows are made, and its columns."""

    title: str
    about: str  # how it was measured
    rows: Callable[[EvaluationSetup], list[Row]]
    columns: Columns
    by: str = ""  # the figure that heads a table of its own
    needs: Needs = "pianos"

    def table(self, rows: list[Row]) -> str:
        """The rows in Markdown."""
        return tables.by_group(rows, self.columns, self.by) if self.by else tables.table(rows, self.columns)


def _transcription(setup: EvaluationSetup) -> list[Row]:
    rows = []
    for chosen in setup.sets(setup.clips):
        make = partial(lambda one: [transcription(setup.hear, one, setup.say)], chosen)
        rows += setup.kept("transcription", make, set=chosen.name, clips=setup.clips)
    return rows


def _weaknesses(setup: EvaluationSetup) -> list[Row]:
    rows = []
    for chosen in setup.sets(setup.clips):
        make = partial(lambda one: [weaknesses.weaknesses(setup.hear, one, setup.say)], chosen)
        rows += setup.kept("weaknesses", make, set=chosen.name, clips=setup.clips)
    return rows


def _pedal(setup: EvaluationSetup) -> list[Row]:
    """None of a model that does not hear the pedal."""
    if not setup.engine.adapter.hears_pedal:
        return []
    make = partial(pedal.rows, setup.engine, setup.stage, (*setup.heard[:1], setup.unheard), setup.clips, setup.options)
    return setup.kept("pedal", lambda: make(setup.say), clips=setup.clips)


def _invented(setup: EvaluationSetup) -> list[Row]:
    return setup.kept("invented", lambda: non_piano.invented(setup.hear, setup.say))


def _instruments(setup: EvaluationSetup) -> list[Row]:
    return setup.kept("instruments", lambda: non_piano.instruments(setup.hear, setup.stage, setup.say))


def _steps(setup: EvaluationSetup) -> list[Row]:
    rows = []
    members: list[object] = []
    for way in steps.WAYS:

        def make(way: steps.SamplerChoice = way) -> list[Row]:
            if not members:
                members.extend(clips(setup.stage, setup.unheard, FEW, noisy=True))
            return [steps.speed_and_accuracy(setup.engine, members, setup.options, way, setup.say)]  # type: ignore[arg-type]

        rows += setup.kept("steps", make, way=asdict(way), clips=FEW)
    return rows


def _beside(setup: EvaluationSetup) -> list[Row]:
    """Rows of both programs, one set at a time; none without a Python that has Basic Pitch."""
    if setup.python is None:
        return []
    python, rows = setup.python, []
    tuning = setup.kept("beside-tuning", lambda: [{"threshold": _other_threshold(setup, python)}], clips=BESIDE)
    for chosen in setup.sets(BESIDE):
        rows += setup.kept("beside-ours", partial(_ours, setup, chosen), set=chosen.name, clips=BESIDE)
        theirs = partial(basic_pitch.compared, python, chosen, float(tuning[0]["threshold"]), setup.say)
        rows += setup.kept("beside-theirs", theirs, set=chosen.name, clips=BESIDE)
    return rows


def _other_threshold(setup: EvaluationSetup, python: Path) -> float:
    setup.say("tuning Basic Pitch")
    members = [
        clip
        for piano in (*setup.heard, setup.unheard)
        for noisy in (False, True)
        for clip in clips(setup.stage, piano, BESIDE // 2, noisy=noisy, seed=TUNING_SEED)
    ]
    return basic_pitch.tuned_threshold(*basic_pitch.transcribe(python, members))


def _ours(setup: EvaluationSetup, chosen: TestSet) -> list[Row]:
    return [{**basic_pitch.timed(setup.hear, chosen), "program": setup.engine.info.name}]


def _composing(setup: EvaluationSetup) -> list[Row]:
    """Rows of all writers; none without scores."""
    return compared(setup.session, setup.kinds or tuple(KINDS), setup.gaps, setup.options) if setup.scores else []


def _ways(setup: EvaluationSetup) -> list[Row]:
    return ways(setup.session, setup.gaps, setup.options) if setup.scores else []


#: In the order of printing.
PARTS: dict[str, Part] = {
    "transcription": Part(
        "Transcription",
        "Clips of 20.48 s of the validation split, which is split by composition. F1 is mir_eval's, with onsets within"
        " 50 ms and offsets (key releases) within 50 ms or 20 %. Errors are those of matched notes. The velocity error"
        " is given as it is and after mir_eval's linear fit per clip; constant: the error of one velocity for all.",
        _transcription,
        {
            "set": ("clips", plain),
            "clips": ("number", plain),
            **SCORES,
            "velocity_constant": ("constant", tables.tenth),
        },
    ),
    "weaknesses": Part(
        "Where notes are missed and invented",
        "The same clips. Recall: of notes below C3, of notes struck again within 250 ms of the last on their pitch, and"
        " of notes of a velocity below 50. Of the notes invented, the shares that lie an octave or a twelfth from a"
        " sounding note, and that strike a sounding one again.",
        _weaknesses,
        {
            "set": ("clips", plain),
            "low": ("recall below C3", tables.share),
            "again": ("struck again", tables.share),
            "soft": ("soft", tables.share),
            "invented": ("invented a minute", tables.tenth),
            "octaves": ("octaves and twelfths", percent),
            "restrikes": ("restrikes", percent),
            "octaves_a_minute": ("octaves and twelfths a minute", tables.tenth),
        },
    ),
    "pedal": Part(
        "The sustain pedal",
        "Clips rendered with pedal. F1 of its going down within 200 ms, and the share of the time in which it is told"
        " rightly whether it is down.",
        _pedal,
        {
            "set": ("clips", plain),
            "onset": ("onset F1", tables.share),
            "precision": ("precision", tables.share),
            "recall": ("recall", tables.share),
            "right": ("time told rightly", percent),
        },
    ),
    "invented": Part(
        "Notes invented per minute of audio without notes",
        "Speech: six languages and five voice types of eSpeak NG; drums: a General MIDI kit.",
        _invented,
        {"signal": ("signal", plain), "minutes": ("minutes", tables.whole), "notes_a_minute": ("notes", tables.tenth)},
    ),
    "instruments": Part(
        "Other instruments",
        "The same pieces on presets of FluidR3_GM, on which a tenth of the windows of training are played, with other"
        " pieces.",
        _instruments,
        {"set": ("instrument", plain), **SCORES},
    ),
    "steps": Part(
        "Steps, accuracy and time",
        "The unheard piano in a room with noise at 20 dB, with the thresholds tuned for one evaluation.",
        _steps,
        {
            "sampler": ("sampler", plain),
            "steps": ("evaluations", plain),
            "onset": SCORES["onset"],
            "onset_offset": SCORES["onset_offset"],
            "milliseconds": ("ms for 10 s of audio", tables.whole),
        },
    ),
    "beside": Part(
        "Beside Basic Pitch",
        "The same audio; the threshold was tuned on other clips of the validation split.",
        _beside,
        {
            "set": ("clips", plain),
            "program": ("program", plain),
            **{name: SCORES[name] for name in ("onset", "onset_offset", "onset_error")},
            "real_time_factor": ("computing seconds per second", tables.share),
        },
    ),
    "composing": Part(
        "Filling, continuing, generating", columns.ABOUT, _composing, columns.WRITERS, by="kind", needs="scores"
    ),
    "ways": Part("Ways of writing, how good and how soon", columns.ABOUT_WAYS, _ways, columns.WAYS, needs="scores"),
}
