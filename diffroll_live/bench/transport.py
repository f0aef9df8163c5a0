"""Notes on a DAW's timeline, measured: a JACK transport that plays, loops, jumps, changes its tempo and stops.

The daemon is started as a user starts it; its notes are recorded from its MIDI port at the frames of the transport.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.bench.daemon import Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Settings
from diffroll_live.bench.jack_daw import JackDaw
from diffroll_live.bench.midi_lateness import environment
from diffroll_live.bench.timeline_scores import TimelineScore, score_passes
from diffroll_live.types import NoteEvent

MIDI_PORT = "diffroll-live:notes"
PERIOD_FRAMES = 128  # notes are recorded at the start of a period: every 2.7 ms
ORIGIN = 2.0  # s; the buffer's position in the DAW
SECONDS = 30.0  # of notes
STEP = 0.1  # s between two of them
N_LOOPS = 20
LOOP = (6.0, 6.95)  # s
RAMP = (16.0, 22.0)  # s, from SLOW to FAST
SLOW, FAST = 90.0, 180.0  # BPM
RATE = 16_000
MOST_MEDIAN_MS, MOST_P99_MS = 3.0, 15.0


def transport(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Run the script as often as the settings say."""
    rounds = 1 + settings.repeat
    with ExitStack() as stack:
        server = stack.enter_context(DummyJack(f"diffroll-transport-bench-{os.getpid()}", PERIOD_FRAMES))
        stack.enter_context(environment(server.environment))
        daemon = stack.enter_context(running_daemon(settings, "--midi-api", "jack", "--transport", "jack"))
        link = stack.enter_context(Link(daemon.port))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        notes = place_notes(link, made_notes(SECONDS), folder)
        found = []
        for number in range(settings.repeat):
            progress(1 + number, rounds)
            found.append(perform(notes, whole_script))
        progress(rounds, rounds)
    yield from figures(found)


def made_notes(seconds: float) -> tuple[NoteEvent, ...]:
    """Make notes of several lengths, some longer than the time to the next jump, never two of a pitch at once."""
    lengths = (0.07, 0.15, 0.4, 1.3)
    return tuple(
        NoteEvent(n * STEP, n * STEP + lengths[n % 4], 36 + n % 40, 40 + n % 80) for n in range(round(seconds / STEP))
    )


def place_notes(link: Link, notes: Sequence[NoteEvent], folder: Path) -> tuple[NoteEvent, ...]:
    """Have a job play notes on the timeline; return all notes of its result at their positions."""
    wav = folder / "silence.wav"
    soundfile.write(wav, np.zeros(round((SECONDS + 2.0) * RATE), np.float32), RATE)
    link.ask("/diffroll/audio/file", "b", str(wav), 0.0, 0.0, ORIGIN, answer="/diffroll/audio/ready")
    link.send("/diffroll/job/new", "notes", "inpaint", "b")
    link.send("/diffroll/job/region", "notes", SECONDS + 1.0, SECONDS + 2.0)
    for note in notes:
        link.send("/diffroll/job/note", "notes", note.pitch, note.onset, note.duration, note.velocity)
    link.send("/diffroll/job/set", "notes", "when", "transport")
    link.send("/diffroll/job/run", "notes")
    placed = []
    while (reply := link.until("/diffroll/note", "/diffroll/job/done")).address == "/diffroll/note":
        _, _, pitch, onset, duration, velocity, _ = reply.arguments
        begin = ORIGIN + float(onset)  # type: ignore[arg-type]
        placed.append(NoteEvent(begin, begin + float(duration), int(pitch), int(velocity)))  # type: ignore[arg-type]
    return tuple(sorted(placed))


def perform(
    notes: Sequence[NoteEvent], script: Callable[[JackDaw], None], port: str = MIDI_PORT
) -> tuple[TimelineScore, int]:
    """Run a script; return the score of the notes on a port, and how often the server was late."""
    with JackDaw("bench-daw", tempo) as daw:
        daw.record_from(port)
        script(daw)
        return score_passes(notes, tuple(daw.passes)), daw.xruns


def whole_script(daw: JackDaw) -> None:
    """Play, loop, jump ahead into a tempo ramp, jump back, stop, and resume elsewhere."""
    daw.play_to(LOOP[1])
    for _ in range(N_LOOPS):
        daw.loop(*LOOP)
    daw.locate(RAMP[0] - 1.0)
    daw.play_to(RAMP[1] + 0.45)
    daw.loop(9.03, 10.55)  # from between two notes
    daw.stop()
    daw.locate(12.0)
    daw.play_to(13.25)
    daw.stop()


def tempo(position: float) -> tuple[float, float]:
    """The tempo at a position, and the beats before it."""
    begin, end = RAMP
    slope = (FAST - SLOW) / (end - begin)
    within = min(max(position - begin, 0.0), end - begin)
    beats = min(position, begin) * SLOW + within * (SLOW + slope * within / 2) + max(0.0, position - end) * FAST
    return SLOW + slope * within, beats / 60.0


def figures(found: Sequence[tuple[TimelineScore, int]]) -> Iterator[Figure]:
    """Yield the figures."""
    sizes = [np.abs(places.distances) * 1000.0 for places, _ in found]
    medians, p99s = (tuple(float(np.percentile(size, q)) for size in sizes) for q in (50, 99))
    worst = max(float(size.max()) for size in sizes)
    played = sum(len(size) for size in sizes)
    note = f"{played} notes on the MIDI port, in periods of {PERIOD_FRAMES} frames"
    yield Figure("transport: distance of a note from its place, median", "ms", medians, MOST_MEDIAN_MS, note)
    xruns = sum(late for _, late in found)
    yield Figure(
        "transport: distance, p99",
        "ms",
        p99s,
        MOST_P99_MS,
        f"at most {worst:.1f} ms; the server was late {xruns} times",
    )
    for name in ("missing", "twice", "hanging"):
        counts = tuple(float(getattr(places, name)) for places, _ in found)
        yield Figure(f"transport: notes {name}", "", counts, 0.0)
