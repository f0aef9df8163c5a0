"""The whole program on a piano clip: ``make demo``.

Starts a daemon (and a JACK server without hardware where there is no MIDI system), sends it the clip as a DAW would,
hides two seconds of it, and receives the transcription and the fill on a real MIDI port. Writes demo/out.mid,
demo/out.wav and demo/out.png, and stops what it started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from daw import Daw
from listener import Listener
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.errors import DiffrollError, PortError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.midi_file import write_smf
from diffroll_live.files.sonify import sonify
from diffroll_live.midi.ports import APIS, choose_api
from diffroll_live.types import AudioBuffer, NoteEvent, Region, Request

HERE = Path(__file__).resolve().parent
OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "demo"
SECONDS = 10.0  # of the clip
GAP = Region(4.0, 6.0)  # hidden from the model, which fills it
SEED = 1
console = Console(highlight=False)


def main() -> None:
    """Run every stage and report how long each took."""
    OUT.mkdir(exist_ok=True)
    clip = read_audio(HERE / "clip.flac", duration=SECONDS, name="clip.flac")
    columns = (TextColumn("{task.description:34}"), BarColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with ExitStack() as stack, bars:
        api = stack.enter_context(midi_system())
        port = free_port()
        daw = start_daemon(stack, bars, api, port)
        listener = Listener(APIS[api], "notes")
        stack.callback(listener.close)
        send_clip(bars, daw, clip)
        heard = run_job(bars, daw, listener, "transcribe")
        known = [note for note in heard if not GAP.onset <= note.onset < GAP.offset]
        notes = run_job(bars, daw, listener, "inpaint", known)
        kept = sum(note in notes for note in known)
        console.print(f"  {kept} of {len(known)} notes outside the hidden two seconds came back unchanged")
    write_files(clip, notes)


@contextmanager
def midi_system() -> Iterator[Any]:
    """Find a MIDI system, or start a JACK server with its dummy driver for as long as the demo runs."""
    try:
        api = choose_api()
    except PortError:
        with DummyJack(f"diffroll-demo-{os.getpid()}") as jack:
            os.environ.update(jack.environment)
            tell("MIDI", f"no MIDI system found: started a JACK server named {jack.name}, without hardware")
            yield "jack"
        tell("MIDI", "stopped the JACK server")
        return
    tell("MIDI", f"using {api}")
    yield api


def start_daemon(stack: ExitStack, bars: Progress, api: str, port: int) -> Daw:
    """Start ``diffroll-live serve`` as a separate process and wait for its welcome."""
    program = [sys.executable, "-m", "diffroll_live"]
    command = [*program, "serve", "--port", str(port), "--midi-api", api, "--spool", "none"]
    with stage(bars, "Starting the daemon") as clock:
        log = stack.enter_context((OUT / "daemon.log").open("wb"))
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(stop, daemon)
        daw = Daw(port)
        _, version, model, device, *_ = daw.greet(timeout=120.0)
    tell("Daemon", f"{version} with model {model} on {device}, ready after {clock()}")
    return daw


def send_clip(bars: Progress, daw: Daw, clip: AudioBuffer) -> None:
    """Send the clip in chunks of 16-bit audio over UDP."""
    pcm = (clip.samples.clip(-1, 1) * 32767).astype("<i2").tobytes()
    with stage(bars, "Sending audio over OSC/UDP", total=1.0) as clock:
        sent = daw.send_audio("clip", pcm, clip.sample_rate, lambda part: clock.show(part, 1.0))
    tell("Audio", f"{clip.seconds:.1f} s of {clip.name} in {sent} datagrams, {clock()}")


def run_job(
    bars: Progress, daw: Daw, listener: Listener, task: str, known: Sequence[NoteEvent] = ()
) -> list[NoteEvent]:
    """Run a task, record the MIDI port, and compare the notes that came over MIDI with those over OSC."""
    daw.send("/diffroll/job/new", task, task, "clip")
    daw.send("/diffroll/job/set", task, "seed", SEED)
    if task == "inpaint":
        daw.send("/diffroll/job/region", task, GAP.onset, GAP.offset)
        daw.send("/diffroll/job/set", task, "deliver", "osc")  # and play it once it is complete
    for note in known:
        daw.send("/diffroll/job/note", task, note.pitch, note.onset, note.duration, note.velocity)
    asked = time.perf_counter()
    with stage(bars, f"{task.capitalize()}: sampling") as clock:
        rows, (count, _, latency), first = daw.run(task, clock.show)
    notes = [NoteEvent(row[2], row[2] + row[3], row[1], row[4]) for row in rows]
    tell(
        task.capitalize(), f"{count} notes over OSC, the first after {first * 1000:.0f} ms, all after {latency:.0f} ms"
    )
    if task == "inpaint":
        asked = time.perf_counter()
        daw.send("/diffroll/job/play", task)
    last = max((note.offset for note in notes), default=0.0) - min((note.onset for note in notes), default=0.0)
    with stage(bars, f"{task.capitalize()}: receiving it over MIDI", total=last) as clock:
        while clock.seconds < last + 3.0 and (len(listener.notes) < len(notes) or listener.hanging):
            time.sleep(0.05)
            clock.show(clock.seconds, last)
    tell("MIDI", compare(notes, listener, asked))
    return notes


def compare(notes: list[NoteEvent], listener: Listener, asked: float) -> str:
    """Report whether the MIDI port carried the notes that came over OSC, and how exactly. Raises SystemExit if not."""
    heard = listener.take()
    sent = sorted((note.pitch, note.onset, note.velocity) for note in notes)
    got = sorted((pitch, onset, velocity) for onset, _, pitch, velocity in heard)
    if [(note[0], note[2]) for note in sent] != [(note[0], note[2]) for note in got] or listener.hanging:
        sys.exit(f"NOT the same: {len(heard)} notes over MIDI, {len(notes)} over OSC, {listener.hanging} hanging")
    if not heard:
        return "no notes over either"
    delays = sorted(struck - onset for (_, onset, _), (_, struck, _) in zip(sent, got, strict=True))
    spread = max(delays[-1] - delays[len(delays) // 2], delays[len(delays) // 2] - delays[0])
    first = min(heard)[0] - asked
    return (
        f"the same {len(heard)} notes, none hanging, the first after {first * 1000:.0f} ms, "
        f"onsets within {spread * 1000:.0f} ms of the requested ones"
    )


def write_files(clip: AudioBuffer, notes: list[NoteEvent]) -> None:
    """Write the notes as MIDI and as audio, and draw them below the model's input."""
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.engine.progress import SilentControl
    from diffroll_live.files.plot import draw_plot
    from diffroll_live.music.plan import plan_request

    write_smf(OUT / "out.mid", notes)
    synth = sonify(OUT / "out.wav", notes)
    around = (Region(0.0, GAP.onset, hear=True), Region(GAP.offset, clip.seconds, hear=True))
    request = Request("demo", "transcribe", clip, around, pictures=frozenset({"plot"}))
    engine = load_engine(warm=False)
    pictures = engine.run(plan_request(request, engine.info.max_seconds), SilentControl()).pictures
    assert pictures is not None
    draw_plot(OUT / "out.png", pictures, notes, (GAP,), f"{clip.name}, two seconds hidden and filled")
    tell("Files", f"{OUT / 'out.mid'}, out.wav (rendered by {synth}) and out.png")
    tell("Next", "see it, paint and hear it in the browser: .venv/bin/diffroll-live panel")


class Clock:
    """The clock and the progress bar of a stage."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task, self._start = bars, task, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time since the stage began."""
        return time.perf_counter() - self._start

    def __call__(self) -> str:
        """Format how long the stage has taken."""
        return f"{self.seconds * 1000:.0f} ms"

    def show(self, done: float, total: float) -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=done, total=total)


@contextmanager
def stage(bars: Progress, description: str, total: float | None = None) -> Iterator[Clock]:
    """Show a bar while the block runs."""
    task = bars.add_task(description, total=total)
    yield Clock(bars, task)
    bars.remove_task(task)


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """Stop the daemon as a user would, by force if it does not react."""
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(15)
    except subprocess.TimeoutExpired:
        daemon.kill()
    tell("Daemon", f"stopped, exit code {daemon.wait()}")


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tell(topic: str, text: str) -> None:
    """Print a line of the demo."""
    console.print(f"[bold]{topic:10}[/] {text}", soft_wrap=True)


if __name__ == "__main__":
    try:
        main()
    except (DiffrollError, RuntimeError) as error:
        sys.exit(f"The demo stopped ({error}); the daemon's log is {OUT / 'daemon.log'}.")
