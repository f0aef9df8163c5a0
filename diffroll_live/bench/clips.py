"""How fast audio becomes notes: a clip in this process, and a long file through the command line."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from diffroll_live.bench.daemon import engine_flags, last_line, program
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings
from diffroll_live.bench.material import piece, write_wav
from diffroll_live.bench.memory import peak
from diffroll_live.errors import InternalError
from diffroll_live.music.plan import plan_request
from diffroll_live.types import AudioBuffer, Options, Request

if TYPE_CHECKING:
    from diffroll_live.engine.engine import TorchEngine

STEPS = {4: 0.6, 2: None, 1: None}  # of the sampler, and the maximum time in seconds
MOST_FACTOR = 0.05  # maximum real-time factor
POLL_SECONDS = 0.1  # between polls of another process's memory


def clip(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Transcribe a clip, resampling and front end included, with several numbers of steps."""
    from diffroll_live.engine.loading import load_engine

    engine, audio = load_engine(settings.model, settings.device), piece(settings.clip_seconds)
    rounds = Repetitions(settings, progress, total=len(STEPS))
    for steps, asked in STEPS.items():
        seconds = rounds.seconds(partial(transcribe, engine, audio, steps))
        plural = "s" if steps > 1 else ""
        name = f"{settings.clip_seconds:g} s transcribed at {steps} step{plural}"
        yield Figure(name, "s", seconds, asked, f"{engine.info.name} on {engine.info.device}")


def transcribe(engine: TorchEngine, audio: AudioBuffer, steps: int | None) -> None:
    """Transcribe audio without cached features."""
    from diffroll_live.engine.progress import SilentControl

    engine.forget()
    request = Request("bench", "transcribe", audio, options=Options(steps=steps))
    engine.run(plan_request(request, engine.info.max_seconds), SilentControl())


def long_file(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Run ``diffroll-live transcribe`` on a long file, from the start of the program to the MIDI file."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "long.wav"
        write_wav(wav, settings.file_seconds)
        runs = Repetitions(settings, progress).repeat(partial(_run_command, settings, wav))
    whole, engine, peaks = zip(*runs, strict=True)
    what = f"a file of {settings.file_seconds / 60:g} min"
    factors = tuple(seconds / settings.file_seconds for seconds in whole)
    alone = tuple(seconds / settings.file_seconds for seconds in engine)
    yield Figure(f"{what}: real-time factor of the command", "", factors, MOST_FACTOR, "including start and loading")
    yield Figure(f"{what}: real-time factor of the engine", "", alone, MOST_FACTOR)
    if all(peaks):
        yield Figure(f"{what}: peak memory of the command", "MB", peaks)


def _run_command(settings: Settings, wav: Path) -> tuple[float, float, float]:
    """Transcribe a file once: total seconds, seconds in the engine, peak memory in MB."""
    midi, said = wav.with_suffix(".mid"), wav.with_suffix(".json")
    command = [*program(), "transcribe", str(wav), "-o", str(midi), "--json", *engine_flags(settings)]
    with said.open("wb") as out, tempfile.TemporaryFile() as log:
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=out, stderr=log) as process:
            highest = _watch(process)
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise InternalError(f"The command failed: {last_line(log)}")
    (result,) = json.loads(said.read_text())["results"]
    return seconds, float(result["timings"]["total"]), highest


def _watch(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process to end; return its peak memory in MB."""
    highest = 0.0
    while True:
        highest = max(highest, peak(process.pid))
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return highest
