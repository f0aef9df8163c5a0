"""Sound to MIDI, measured: a piano played in real time into a JACK port, its notes recorded from the MIDI port.

Audio and MIDI share one clock, the frames of the JACK server. The daemon is started as a user would start it and
captures the piano like any input device.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.audio.jack.server import SAMPLE_RATE, DummyJack
from diffroll_live.bench.cpu import cpu_seconds
from diffroll_live.bench.daemon import Daemon, Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Settings
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.bench.live_material import Performance, recorded, rendered
from diffroll_live.bench.live_scores import Matched, Times, match, match_shifted
from diffroll_live.bench.midi_lateness import environment
from diffroll_live.errors import InternalError
from diffroll_live.osc.codec import Message

PLAYER, BUFFER = "bench-piano", "live"
MIDI_PORT = "diffroll-live:notes"
WINDOW = 0.1  # s around the requested latency within which a note counts
TOLERANCE = 0.05  # s, of onsets offline and of revised notes
TAIL = 2.0  # s of silence after a performance, for the latency and the revision of the last note
MOST_LOST = 5.0  # points of F1 that live input may lose
MOST_BEYOND = 50.0  # ms by which the 95th percentile may exceed the requested latency
SURE_MS = 250.0  # latency from which there is a target for F1, and that of the long run
NOTE_ON, NOTE_OFF = 0x90, 0x80


@dataclass(slots=True)
class Recorded:
    """The result of a performance: notes on the MIDI port, as rows (s, pitch), and the daemon's reports."""

    sent: list[tuple[float, int]] = field(default_factory=list)
    revised: list[tuple[float, int]] = field(default_factory=list)  # over OSC, with another time origin
    open: set[int] = field(default_factory=set)  # pitches begun and not ended on the MIDI port
    hops: int = 0
    missed: int = 0
    overruns: int = 0
    begun: float = field(default_factory=time.perf_counter)
    held: list[tuple[float, float]] = field(default_factory=list)  # s from the beginning on, and the latency then

    def held_at(self, times: Times, asked: float) -> Times:
        """The latencies in s that the daemon held at times of the performance, (n,); ``asked`` where it said none."""
        if not self.held:
            return np.full(len(times), asked)
        said, latencies = np.array(self.held).T
        return np.maximum(latencies[np.clip(np.searchsorted(said, times), 0, len(said) - 1)], asked)


@dataclass(slots=True)
class LiveSetup:
    """A daemon that captures our piano, and both ends of the loop."""

    daemon: Daemon
    link: Link
    player: JackPlayer
    result: Recorded = field(default_factory=Recorded)

    def set_latency(self, milliseconds: float) -> None:
        """Set the latency and wait until it applies."""
        self.link.send("/diffroll/live/set", BUFFER, "latency", milliseconds)
        self.link.ask("/diffroll/ping", 1, answer="/diffroll/pong")

    def perform(self, performance: Performance) -> Recorded:
        """Play once, followed by silence, and collect the result."""
        self.follow()
        self.player.take_events()
        result = self.result = Recorded(hops=self.result.hops, missed=self.result.missed, overruns=self.result.overruns)
        silence = np.zeros(round(TAIL * SAMPLE_RATE), np.float32)
        begun = self.player.play(np.concatenate([performance.samples, silence]), self.follow)
        self.follow()
        for frame, (status, pitch, velocity) in self.player.take_events():
            if status & 0xF0 == NOTE_ON and velocity:
                result.sent.append(((frame - begun) / SAMPLE_RATE, pitch))
                result.open.add(pitch)
            elif status & 0xF0 == NOTE_OFF:
                result.open.discard(pitch)
        return result

    def follow(self) -> None:
        """Read the daemon's messages. Raises InternalError for its errors."""
        for message in self.link.arrived():
            _TAKERS.get(message.address, _pass)(self.result, message)


def _note(result: Recorded, message: Message) -> None:
    _, _, lane, pitch, onset, _, velocity = message.arguments
    if lane == "revise" and velocity:
        result.revised.append((float(onset), int(pitch)))  # type: ignore[arg-type]


def _status(result: Recorded, message: Message) -> None:
    result.hops, result.missed = int(message.arguments[2]), int(message.arguments[3])  # type: ignore[arg-type]
    result.held.append((time.perf_counter() - result.begun, float(message.arguments[6]) / 1000))  # type: ignore[arg-type]


def _overrun(result: Recorded, message: Message) -> None:
    result.overruns = int(message.arguments[1])  # type: ignore[arg-type]


def _error(_: Recorded, message: Message) -> None:
    raise InternalError(f"The daemon reported: {message.arguments[2]!s}")


def _pass(_: Recorded, __: Message) -> None:
    """Ignore levels and the like."""


_TAKERS = {
    "/diffroll/live/note": _note,
    "/diffroll/live/status": _status,
    "/diffroll/audio/overrun": _overrun,
    "/diffroll/error": _error,
}


@contextmanager
def running_setup(settings: Settings) -> Iterator[LiveSetup]:
    """Start a JACK server without hardware, our piano on it, and a daemon that captures the piano."""
    with ExitStack() as stack:
        server = stack.enter_context(DummyJack(f"diffroll-live-bench-{os.getpid()}"))
        stack.enter_context(environment(server.environment))
        player = stack.enter_context(JackPlayer(PLAYER))
        daemon = stack.enter_context(running_daemon(settings, "--midi-api", "jack"))
        link = stack.enter_context(Link(daemon.port))
        player.record_from(MIDI_PORT)
        link.ask("/diffroll/audio/listen", BUFFER, PLAYER, answer="/diffroll/audio/listening")
        yield LiveSetup(daemon, link, player)


def live(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Play at each latency, then for minutes at one of them, and compare with an offline transcription."""
    music = recorded(settings.recording) if settings.recording else rendered(settings.live_seconds)
    rounds = round(settings.live_minutes * 60 * SAMPLE_RATE / len(music.samples))
    plan = [(ms, 1) for ms in settings.latencies_ms] + ([(SURE_MS, rounds)] if rounds else [])
    total, done = 1 + sum(count for _, count in plan), 1
    with running_setup(settings) as rig:
        offline = transcribe_offline(rig.link, music)
        progress(done, total)
        yield Figure(f"{music.name}: onset F1 offline", "", (offline.f1,), note=f"{offline.played} notes, within 50 ms")
        rig.perform(music)  # discarded: the first hops of a process are slow
        for milliseconds, count in plan:
            rig.set_latency(milliseconds)
            measured = Measured(rig, music, milliseconds)
            for _ in range(count):
                measured.again()
                done += 1
                progress(done, total)
            yield from measured.figures(offline)


class Measured:
    """The measurements at one latency."""

    def __init__(self, rig: LiveSetup, music: Performance, milliseconds: float) -> None:
        self._rig, self._music, self._ms = rig, music, milliseconds
        self._on_midi: list[Matched] = []
        self._revised: list[Matched] = []
        self._open: list[int] = []  # notes left sounding
        self._held: list[float] = []  # ms, the longest latency of each performance
        self._hops, self._missed, self._overruns = rig.result.hops, rig.result.missed, rig.result.overruns
        self._xruns, self._cpu, self._begun = rig.player.xruns, cpu_seconds(rig.daemon.pid), time.perf_counter()

    def again(self) -> None:
        """Play and measure once more."""
        result = self._rig.perform(self._music)
        played, latency, sent = self._music.notes[:, [0, 2]], self._ms / 1000, _rows(result.sent)
        held = result.held_at(sent[:, 0], latency)
        self._held.append(1000 * float(held.max(initial=latency)))
        self._on_midi.append(match(played, sent, -WINDOW, WINDOW, held))
        self._open.append(len(result.open))
        self._revised.append(match_shifted(played, _rows(result.revised), TOLERANCE))

    def figures(self, offline: Matched) -> Iterator[Figure]:
        """Yield the figures."""
        seconds = time.perf_counter() - self._begun
        share = (cpu_seconds(self._rig.daemon.pid) - self._cpu) / seconds
        result, midi = self._rig.result, self._on_midi
        length = f" for {seconds / 60:.1f} min" if len(midi) > 1 else ""
        name = f"live at {self._ms:g} ms{length}"
        p50, p95, p99 = (tuple(1000 * each.percentile(q) for each in midi) for q in (50, 95, 99))
        middle = f"p50 {np.median(p50):.0f} ms, p99 {np.median(p99):.0f} ms"
        longest = max(self._held)
        yield Figure(
            f"{name}: longest latency held", "ms", tuple(self._held), note="as the daemon says; notes count by it"
        )
        yield Figure(f"{name}: sound to MIDI, p95", "ms", p95, longest + MOST_BEYOND, middle)
        lost = tuple(100 * (offline.f1 - each.f1) for each in midi)
        scores = f"F1 {np.median([m.f1 for m in midi]):.3f}, revised {np.median([r.f1 for r in self._revised]):.3f}"
        asked = MOST_LOST if self._ms >= SURE_MS else None
        yield Figure(f"{name}: onset F1 below offline", "points", lost, asked, scores)
        yield Figure(f"{name}: notes left sounding", "", tuple(map(float, self._open)), 0.0)
        missed, overruns = result.missed - self._missed, result.overruns - self._overruns
        xruns = self._rig.player.xruns - self._xruns
        hops = f"of {result.hops - self._hops}"
        yield Figure(f"{name}: hops missed", "", (float(missed),), 0.0, hops)
        late = f"the JACK server was late {xruns} times"
        yield Figure(f"{name}: losses of audio", "", (float(overruns),), 0.0, late)
        yield Figure(f"{name}: CPU of the daemon", "cores", (share,), note="all its processes; 0: unknown here")


def transcribe_offline(link: Link, music: Performance) -> Matched:
    """Transcribe the same audio as a job, for comparison."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "piano.wav"
        soundfile.write(wav, music.samples, SAMPLE_RATE, subtype="FLOAT")
        link.ask("/diffroll/audio/file", "piano", str(wav), answer="/diffroll/audio/ready")
        link.send("/diffroll/job/new", "offline", "transcribe", "piano")
        link.send("/diffroll/job/set", "offline", "deliver", "osc")
        link.send("/diffroll/job/run", "offline")
        notes = []
        while (reply := link.until("/diffroll/note", "/diffroll/job/done")).address == "/diffroll/note":
            notes.append((float(reply.arguments[3]), int(reply.arguments[2])))  # type: ignore[arg-type]
    return match(music.notes[:, [0, 2]], _rows(notes), -TOLERANCE, TOLERANCE)


def _rows(pairs: list[tuple[float, int]]) -> Times:
    return np.array(pairs, np.float64).reshape(-1, 2)
