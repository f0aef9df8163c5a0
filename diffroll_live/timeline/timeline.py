"""The one place that knows where the DAW is: takes the reports of its source and tells the player of a new course."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.music.smf_tempo import is_metre
from diffroll_live.music.tempo_map import TempoTrack
from diffroll_live.timeline.clock_model import ClockModel
from diffroll_live.timeline.report import Report, check_report

TOLERANCE_SECONDS = 0.0003  # a course that moves by less is no news
_AHEAD_SECONDS = 2.0  # a course is compared now and so long from now
_REGULAR = 4  # reports in a run, after which silence means that the source is gone
_REGULAR_SECONDS = 1.0  # the longest pause between two of them
_ON_BEAT = 1e-6  # beats; what rounding does to one


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """How a source speaks: the usual error of its positions, how long it may be silent while it plays, its rate."""

    jitter: float  # s
    timeout: float  # s
    varispeed: bool = False  # whether its playhead may move at another rate than 1


class Timeline:
    """Follows a DAW. Safe to use from any thread; ``on_course`` is called on the thread that brings the news."""

    def __init__(self, traits: SourceTraits, on_course: Callable[[PlayheadModel], None] = lambda _: None) -> None:
        self._traits = traits
        self._on_course = on_course
        self._lock = threading.Lock()  # guards everything below
        self._model = ClockModel(traits.jitter, varispeed=traits.varispeed)
        self._told = self._model.course
        self._track = TempoTrack()
        self._knows_tempo = False
        self._metre: tuple[int, int] | None = None
        self._loop = (0.0, 0.0)
        self._looping = False
        self._heard = 0.0  # when a position came last
        self._here = 0.0  # s; that position
        self._regular = 0  # positions in a row, without a long pause

    @property
    def course(self) -> PlayheadModel:
        """Where the playhead is going."""
        with self._lock:
            return self._model.course

    @property
    def track(self) -> TempoTrack:
        """The tempo as far as it was heard."""
        with self._lock:
            return self._track

    @property
    def metre(self) -> tuple[int, int]:
        """Numerator and denominator of a bar, as a file can hold them; 4/4 while none was told."""
        with self._lock:
            return self._metre or (4, 4)

    def bar(self, now: float, tempo: float, beats: float) -> float:
        """Tell how many seconds a bar takes, by ``tempo`` and ``beats`` (quarter notes) as far as the DAW told none."""
        with self._lock:
            course = self._model.course
            if self._knows_tempo:
                tempo = self._track.tempo_at(course.position_at(now)) * (course.rate if course.playing else 1.0)
            if self._metre is not None:
                beats = 4.0 * self._metre[0] / self._metre[1]
        return beats * 60.0 / tempo

    def next_beat(self, time: float) -> float:
        """Tell when the first beat at or after a time is; the time itself where the playhead stands.

        A loop is taken to begin on a beat.
        """
        with self._lock:
            course, track = self._model.course, self._track
        if not course.playing:
            return time
        way = course.travelled_at(time)
        here = course.fold(way)
        beat = track.position_at(math.ceil(track.beat_at(here) - _ON_BEAT))
        return course.time_of(way + (beat if course.loop is None else min(beat, course.loop.end)) - here)

    def hear(self, report: Report) -> None:
        """Take a report. Raises errors.ProtocolError, and changes nothing, for a tempo or a position that cannot be."""
        check_report(report)
        with self._lock:
            since = self._follow_position(report)
            self._follow_tempo(report, since)
            self._tell(report.at)

    def check(self, now: float) -> None:
        """See whether the source still speaks: where regular reports stop coming, the playhead is taken to stand."""
        with self._lock:
            silent = now - self._heard > self._traits.timeout
            if self._model.course.playing and self._regular >= _REGULAR and silent:
                self._model.stop(now)
                self._regular = 0
                self._tell(now)

    def _follow_position(self, report: Report) -> float | None:
        """Move the clock model; give the position where a playhead that plays on was last heard."""
        before = self._model.course
        since = self._here
        self._follow_loop(report)
        playing = before.playing if report.playing is None else report.playing
        if playing:
            self._model.play(report.at, report.position, report.grain)
        else:
            self._model.stop(report.at, report.position)
        if report.position is not None:
            pause = report.at - self._heard
            self._regular = self._regular + 1 if playing and pause <= _REGULAR_SECONDS else 0
            self._heard, self._here = report.at, report.position
        after = self._model.course
        plays_on = playing and before.playing and after.run == before.run and since <= self._here
        return since if plays_on else None

    def _follow_loop(self, report: Report) -> None:
        start, end = self._loop
        start = start if report.loop_start is None else report.loop_start
        end = end if report.loop_end is None else report.loop_end
        self._loop = (start, end)
        self._looping = self._looping if report.looping is None else report.looping
        self._model.loop(report.at, self._loop if start < end else None, self._looping)

    def _follow_tempo(self, report: Report, since: float | None) -> None:
        here = self._model.course.position_at(report.at) if report.position is None else report.position
        here = here if since is None else max(here, since)
        if report.tempo is not None:
            self._track = self._track.hear(here, report.tempo, since)
            self._knows_tempo = True
        if report.beat is not None:
            self._track = self._track.with_beat(here, report.beat)
        if report.metre is not None:
            self._metre = report.metre if is_metre(*report.metre) else (4, 4)

    def _tell(self, now: float) -> None:
        course, told = self._model.course, self._told
        news = replace(course, at=0, travelled=0, rate=0) != replace(told, at=0, travelled=0, rate=0) or any(
            abs(course.travelled_at(at) - told.travelled_at(at)) > TOLERANCE_SECONDS
            for at in (now, now + _AHEAD_SECONDS)
        )
        if news:
            self._told = course
            self._on_course(course)
