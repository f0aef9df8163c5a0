"""What is measured of a model, part by part: each a row of PARTS that gives a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.evaluation import beside, composing, foreign, steps, tables
from diffroll_live.evaluation.clips import TUNING_SEED, EvaluationSet, clips
from diffroll_live.evaluation.evaluation import transcribed
from diffroll_live.evaluation.store import Row, Store
from diffroll_live.evaluation.tables import SCORES, Columns, percent, plain
from diffroll_live.evaluation.transcribing import TestSet, test_sets, transcription
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.types import AudioBuffer, Options

FEW = 6  # clips for what takes long: 200 evaluations a window
DIALLED = 20  # holes for each value of an option
BESIDE = 8  # clips a piano for another program


@dataclass(frozen=True, slots=True)
class Bench:
    """A model, and what it is measured on. ``python``: of another environment, with Basic Pitch."""

    engine: TorchEngine
    stage: EvaluationSet
    store: Store
    options: Options
    heard: tuple[str, ...]
    unheard: str
    clips: int
    gaps: int  # of each kind
    recordings: Path | None
    python: Path | None
    say: Callable[[str], None]

    def hear(self, audio: AudioBuffer) -> NoteArray:
        """Transcribe as any request would."""
        return transcribed(self.engine, audio, self.options)

    def sets(self, count: int) -> list[TestSet]:
        """The sets of the table of transcription, of ``count`` clips a piano."""
        return test_sets(self.stage, self.heard, self.unheard, count, self.recordings)

    def kept(self, name: str, make: Callable[[], list[Row]], **settings: object) -> list[Row]:
        """Rows from the store, under the settings that they depend on."""
        pianos = (*self.heard, self.unheard)
        return self.store.rows(name, {"options": asdict(self.options), "pianos": pianos, **settings}, make)


@dataclass(frozen=True, slots=True)
class Part:
    """A table: what it shows, how its rows are made, and which of their figures it has."""

    title: str
    about: str  # how it was measured
    rows: Callable[[Bench], list[Row]]
    columns: Columns


def _transcription(bench: Bench) -> list[Row]:
    rows = []
    for chosen in bench.sets(bench.clips):
        make = partial(lambda one: [transcription(bench.hear, one, bench.say)], chosen)
        rows += bench.kept("transcription", make, set=chosen.name, clips=bench.clips)
    return rows


def _invented(bench: Bench) -> list[Row]:
    return bench.kept("invented", lambda: foreign.invented(bench.hear, bench.say))


def _instruments(bench: Bench) -> list[Row]:
    return bench.kept("instruments", lambda: foreign.instruments(bench.hear, bench.stage, bench.say))


def _steps(bench: Bench) -> list[Row]:
    rows = []
    members: list[object] = []
    for way in steps.WAYS:

        def make(way: steps.SamplerChoice = way) -> list[Row]:
            if not members:
                members.extend(clips(bench.stage, bench.unheard, FEW, noisy=True))
            return [steps.speed_and_accuracy(bench.engine, members, bench.options, way, bench.say)]  # type: ignore[arg-type]

        rows += bench.kept("steps", make, way=asdict(way), clips=FEW)
    return rows


def _beside(bench: Bench) -> list[Row]:
    """Rows of both programs, a set at a time; none without a Python that has the other."""
    if bench.python is None:
        return []
    python, rows = bench.python, []
    tuning = bench.kept("beside-tuning", lambda: [{"threshold": _other_threshold(bench, python)}], clips=BESIDE)
    for chosen in bench.sets(BESIDE):
        rows += bench.kept("beside-ours", partial(_ours, bench, chosen), set=chosen.name, clips=BESIDE)
        theirs = partial(beside.compared, python, chosen, float(tuning[0]["threshold"]), bench.say)
        rows += bench.kept("beside-theirs", theirs, set=chosen.name, clips=BESIDE)
    return rows


def _other_threshold(bench: Bench, python: Path) -> float:
    bench.say("tuning Basic Pitch")
    members = [
        clip
        for piano in (*bench.heard, bench.unheard)
        for noisy in (False, True)
        for clip in clips(bench.stage, piano, BESIDE // 2, noisy=noisy, seed=TUNING_SEED)
    ]
    return beside.tuned_threshold(*beside.basic_pitch(python, members))


def _ours(bench: Bench, chosen: TestSet) -> list[Row]:
    return [{**beside.timed(bench.hear, chosen), "program": bench.engine.info.name}]


def session_of(bench: Bench) -> composing.Session:
    """The writing that a bench measures."""
    writers = composing.Writers(bench.engine, bench.stage)
    return composing.Session(writers, bench.heard[0], bench.options, bench.kept, bench.say)


def _composing(bench: Bench) -> list[Row]:
    return composing.table_of(session_of(bench), bench.gaps, bench.say)


def _dials(bench: Bench) -> list[Row]:
    return bench.kept("dials", lambda: composing.dials(session_of(bench), DIALLED), count=DIALLED)


#: In the order in which they are printed.
PARTS: dict[str, Part] = {
    "transcription": Part(
        "Transcription",
        "Clips of 20.48 s of the validation split, which is by composition, as written; F1 as mir_eval has it, onsets"
        " within 50 ms, offsets (where the key rises) within 50 ms or 20 %. Errors of notes that were found, velocities"
        " as they are and after the line that suits each clip best, as mir_eval has it; constant: of one for all.",
        _transcription,
        {
            "set": ("clips", plain),
            "clips": ("number", plain),
            **SCORES,
            "velocity_constant": ("constant", tables.tenth),
        },
    ),
    "invented": Part(
        "Notes invented in a minute without any",
        "Speech: six languages and five kinds of voices of eSpeak NG; drums: a General MIDI kit.",
        _invented,
        {"signal": ("signal", plain), "minutes": ("minutes", tables.whole), "notes_a_minute": ("notes", tables.tenth)},
    ),
    "instruments": Part(
        "Other instruments",
        "The same pieces on presets of FluidR3_GM: what it was not made for.",
        _instruments,
        {"set": ("instrument", plain), **SCORES},
    ),
    "steps": Part(
        "Steps, accuracy and time",
        "The unheard piano in a room with noise at 20 dB, the thresholds those of one evaluation.",
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
        "The same audio; the tuned threshold is the one that suits other clips of the validation split best.",
        _beside,
        {
            "set": ("clips", plain),
            "program": ("program", plain),
            **{name: SCORES[name] for name in ("onset", "onset_offset", "onset_error")},
            "real_time_factor": ("seconds of work a second", tables.share),
        },
    ),
    "composing": Part(
        "Filling, continuing, generating",
        "Holes of 0.5 to 4 s in pieces of the validation split, continuations and generations of 10 s, beside what was"
        " composed there and beside three baselines. Overlap: of the histograms of all notes with composed ones, 1 if"
        " they are the same; composers in one half of the holes beside those in the other show how much can be had. In"
        " scale and key: by the music around. Cut and doubled: in 100 notes, at the borders."
        " Match: the longest run of notes that stands in the training rolls, in any key.",
        _composing,
        {
            "kind": ("task", plain),
            "writer": ("written by", plain),
            "empty": ("empty", percent),
            "notes_a_second": ("notes a second", tables.hundredth),
            "pitch": ("pitch overlap", tables.hundredth),
            "pitch_class": ("pitch class", tables.hundredth),
            "duration": ("duration", tables.hundredth),
            "interval": ("onset interval", tables.hundredth),
            "velocity": ("velocity", tables.hundredth),
            "in_scale": ("in scale", tables.hundredth),
            "key": ("key", tables.hundredth),
            "polyphony": ("polyphony", tables.hundredth),
            "polyphony_in_range": ("in range", percent),
            "cut": ("cut", tables.tenth),
            "doubled": ("doubled", tables.tenth),
            "longest_match": ("match", plain),
        },
    ),
    "dials": Part(
        "What temperature and density do",
        "Holes with the audio around them.",
        _dials,
        {
            "option": ("option", plain),
            "value": ("value", plain),
            "notes_a_second": ("notes a second", tables.hundredth),
            "pitch": ("pitch overlap", tables.hundredth),
            "in_scale": ("in scale", tables.hundredth),
            "spread": ("spread of pitch classes", tables.hundredth),
        },
    ),
}
