"""The one place that knows where the DAW is: it takes the reports of a source and passes on changes of the playhead."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from diffroll_live.limits import TEMPO, is_signature
from diffroll_live.meter.meter_map import MeterMap, Signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.timeline.clock_model import ClockModel
from diffroll_live.timeline.report import Report, check_report
from diffroll_live.timeline.unrolled import unrolled

TOLERANCE_SECONDS = 0.0003  # a smaller change of the playhead is not passed on
_AHEAD_SECONDS = 2.0  # playheads are compared now and this much later
_REGULAR = 4  # regular reports after which silence means that the source is gone
_REGULAR_SECONDS = 1.0  # the longest pause between two of them
_METRE_UNKNOWN = 0.5  # confidence in bars of 4/4 where only the tempo is reported


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """A source's reports: their usual error, the silence allowed while playing, whether the rate varies."""

    jitter: float  # s
    timeout: float  # s
    varispeed: bool = False  # whether its playhead may move at a rate other than 1


class Timeline:
    """Follows a DAW. Safe to use from any thread; ``on_change`` is called on the thread of the report."""

    def __init__(self, traits: SourceTraits, on_change: Callable[[PlayheadModel], None] = lambda _: None) -> None:
        self._traits = traits
        self._on_change = on_change
        self._lock = threading.Lock()  # guards everything below
        self._model = ClockModel(traits.jitter, varispeed=traits.varispeed)
        self._announced = self._model.playhead
        self._tempo_map = TempoMap()
        self._knows_tempo = False
        self._metre: tuple[int, int] | None = None
        self._pulse: TempoMap | None = None
        self._loop = (0.0, 0.0)
        self._looping = False
        self._is_told = False
        self._last_at = 0.0  # when the last position came
        self._last_position = 0.0  # s; that position
        self._regular = 0  # positions in a row without a long pause

    @property
    def playhead(self) -> PlayheadModel:
        """The current model of the playhead."""
        with self._lock:
            return self._model.playhead

    @property
    def is_told(self) -> bool:
        """Whether a source has said anything yet but that nothing plays, which is said when it is lost, too."""
        with self._lock:
            return self._is_told

    @property
    def tempo_map(self) -> TempoMap:
        """The tempo as far as it is known."""
        with self._lock:
            return self._tempo_map

    @property
    def metre(self) -> tuple[int, int]:
        """The time signature, as a MIDI file can store it; 4/4 until the DAW reports one."""
        with self._lock:
            return self._metre or (4, 4)

    def meter(self, origin: float) -> MeterMap | None:
        """Musical time on an axis whose second 0 is at ``origin``; None where the DAW reports no tempo of music.

        A DAW's bars are counted from its beat 0.
        """
        with self._lock:
            tempo_map, metre = self._tempo_map, self._metre
        tempo = TempoMap(tempo_map.between(origin, math.inf), tempo_map.beat_at(origin))
        return self._meter(tempo, (Signature(0.0, *(metre or (4, 4))),))

    def bar(self, now: float, tempo: float, beats: float) -> float:
        """The length of a bar in seconds, with ``tempo`` and ``beats`` (quarter notes) where the DAW reports none."""
        with self._lock:
            playhead = self._model.playhead
            if self._knows_tempo:
                tempo = self._tempo_map.tempo_at(playhead.position_at(now)) * (
                    playhead.rate if playhead.playing else 1.0
                )
            if self._metre is not None:
                beats = 4.0 * self._metre[0] / self._metre[1]
        return beats * 60.0 / tempo

    def meter_on_clock(self, now: float) -> MeterMap | None:
        """Musical time on the clock of the reports, as it goes on from ``now``; None where nothing moves to a beat.

        A loop comes round in it. A pulse counts for as long as nothing plays.
        """
        with self._lock:
            playhead, tempo_map, metre, pulse = self._model.playhead, self._tempo_map, self._metre, self._pulse
        if playhead.playing:
            tempo, signatures = unrolled(playhead, tempo_map, metre or (4, 4), now)
        elif pulse is not None:
            tempo, signatures = pulse, (Signature(0.0, *(metre or (4, 4))),)
        else:
            return None
        return self._meter(tempo, signatures)

    def position_at(self, time: float) -> float | None:
        """Where the playhead is or was at a time; None while it stands."""
        playhead = self.playhead
        return playhead.position_at(time) if playhead.playing else None

    def _meter(self, tempo: TempoMap, signatures: tuple[Signature, ...]) -> MeterMap | None:
        with self._lock:
            known, confidence = self._knows_tempo, _METRE_UNKNOWN if self._metre is None else 1.0
        if not known or not all(TEMPO.low <= change.tempo <= TEMPO.high for change in tempo.changes):
            return None
        return MeterMap(tempo, signatures, "transport", confidence)

    def update(self, report: Report) -> None:
        """Take a report. Raises errors.ProtocolError, changing nothing, for an impossible tempo or position."""
        check_report(report)
        with self._lock:
            self._is_told = self._is_told or report != Report(report.at, playing=False)
            since = self._follow_position(report)
            self._follow_tempo(report, since)
            self._notify(report.at)

    def check(self, now: float) -> None:
        """Check for silence: when regular reports stop coming, the playhead is considered stopped."""
        with self._lock:
            silent = now - self._last_at > self._traits.timeout
            if self._model.playhead.playing and self._regular >= _REGULAR and silent:
                self._model.stop(now)
                self._regular = 0
                self._notify(now)

    def _follow_position(self, report: Report) -> float | None:
        """Update the clock model; return the previous position if the playhead kept playing from there."""
        before = self._model.playhead
        since = self._last_position
        self._follow_loop(report)
        playing = before.playing if report.playing is None else report.playing
        if playing:
            self._model.play(report.at, report.position, report.resolution)
        else:
            self._model.stop(report.at, report.position)
        if report.position is not None:
            pause = report.at - self._last_at
            self._regular = self._regular + 1 if playing and pause <= _REGULAR_SECONDS else 0
            self._last_at, self._last_position = report.at, report.position
        after = self._model.playhead
        kept_playing = playing and before.playing and after.run == before.run and since <= self._last_position
        return since if kept_playing else None

    def _follow_loop(self, report: Report) -> None:
        start, end = self._loop
        start = start if report.loop_start is None else report.loop_start
        end = end if report.loop_end is None else report.loop_end
        self._loop = (start, end)
        self._looping = self._looping if report.looping is None else report.looping
        self._model.loop(report.at, self._loop if start < end else None, self._looping)

    def _follow_tempo(self, report: Report, since: float | None) -> None:
        here = self._model.playhead.position_at(report.at) if report.position is None else report.position
        here = here if since is None else max(here, since)
        if report.tempo is not None:
            self._tempo_map = self._tempo_map.observe(here, report.tempo, since)
            self._knows_tempo = True
        if report.playing is not None:
            self._pulse = None
        if report.pulse is not None and self._knows_tempo:
            self._pulse = TempoMap((TempoChange(report.at, self._tempo_map.tempo_at(here)),), report.pulse)
        if report.beat is not None:
            self._tempo_map = self._tempo_map.with_beat(here, report.beat)
        if report.metre is not None:
            self._metre = report.metre if is_signature(*report.metre) else (4, 4)

    def _notify(self, now: float) -> None:
        playhead, announced = self._model.playhead, self._announced
        changed = replace(playhead, at=0, unwrapped=0, rate=0) != replace(announced, at=0, unwrapped=0, rate=0) or any(
            abs(playhead.unwrapped_at(at) - announced.unwrapped_at(at)) > TOLERANCE_SECONDS
            for at in (now, now + _AHEAD_SECONDS)
        )
        if changed:
            self._announced = playhead
            self._on_change(playhead)
