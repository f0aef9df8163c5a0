"""Pictures for the eye: spectrograms of buffers, posteriorgrams and trajectories of jobs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.audio.spectrogram import FRAME_RATE, REACH, levels, n_frames
from diffroll_live.errors import Incomplete, RequestError, UnknownJob
from diffroll_live.osc import watch_messages as w
from diffroll_live.osc.codec import MAX_STRING
from diffroll_live.osc.watch_replies import Picture
from diffroll_live.picture_types import Estimate, Levels, Pictures
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.clients import Client
from diffroll_live.types import AudioBuffer

_TILE = 256  # frames that are computed at once
_AROUND = 200  # bytes of a message without its levels
_LIVE_SECONDS = 0.1  # between two looks at a live input


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the messages of one picture have in common."""

    about: str
    kind: str
    rate: float
    frames: int
    steps: int = 1


class PictureHandlers:
    """Handles ``/diffroll/audio/picture`` and ``/diffroll/job/picture``."""

    def __init__(self, audio: AudioHandlers) -> None:
        self._audio = audio
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}  # by client and buffer or job
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            w.AudioPicture: self._of_audio,
            w.JobPicture: self._of_job,
        }

    def close(self) -> None:
        """Send no more of any picture."""
        for task in self._sending.values():
            task.cancel()

    def _of_audio(self, client: Client, message: w.AudioPicture) -> None:
        live = self._audio.live(client, message.buffer)
        if live is not None:
            self._begin(client, message.buffer, _send_as_it_comes(client, live))
            return
        audio = self._audio.get(client, message.buffer)
        if audio is None:
            raise Incomplete(f"The buffer {message.buffer!r} is still being read; ask when it is ready.")
        frame = _Frame(message.buffer, "spectrogram", FRAME_RATE, n_frames(audio))
        self._begin(client, message.buffer, _send_spectrogram(client, frame, audio))

    def _of_job(self, client: Client, message: w.JobPicture) -> None:
        job = client.jobs[message.job]
        if message.kind not in _KINDS:
            raise RequestError(f"There is no picture {message.kind!r}; choose {' or '.join(_KINDS)}.")
        if job.result is None or job.result.pictures is None:
            raise UnknownJob(f"The job {message.job!r} kept no picture; set pictures, run it, and wait for its end.")
        self._begin(client, message.job, _KINDS[message.kind](client, message.job, job.result.pictures))

    def _begin(self, client: Client, about: str, sending: Coroutine[Any, Any, None]) -> None:
        key = (client.key, about)
        if key in self._sending:
            self._sending[key].cancel()
        task = self._sending[key] = asyncio.get_running_loop().create_task(sending)
        task.add_done_callback(lambda done: self._sending.pop(key) if self._sending.get(key) is done else None)


def send_estimate(client: Client, job: str, estimate: Estimate, step: int, steps: int) -> None:
    """Send one step of a job's trajectory."""
    frame = _Frame(job, "trajectory", estimate.frame_rate, estimate.n_frames, steps)
    for message in _messages(client, frame, step, estimate.first, estimate.levels):
        client.send(message)


async def _send_spectrogram(client: Client, frame: _Frame, audio: AudioBuffer) -> None:
    loop = asyncio.get_running_loop()
    for first in range(0, frame.frames, _TILE):
        count = min(_TILE, frame.frames - first)
        tile = await loop.run_in_executor(None, partial(levels, audio, first, count))
        await _send(client, frame, 0, first, tile)


async def _send_as_it_comes(client: Client, live: LiveBuffer) -> None:
    """Send the spectrogram of a live input until it ends, each frame when all the sound that it depends on is there."""
    loop = asyncio.get_running_loop()
    first = 0
    while not live.closed:
        ready = int((live.seconds - REACH) * FRAME_RATE)
        if ready < first:  # the input has started over
            first = 0
        if ready > first:
            audio = live.since(first / FRAME_RATE - REACH)
            first = max(first, int(np.ceil(audio.origin * FRAME_RATE)))
            count = min(_TILE, ready - first)
            tile = await loop.run_in_executor(None, levels, audio, first, count, audio.origin)
            frame = _Frame(live.name, "spectrogram", FRAME_RATE, first + count)
            await _send(client, frame, 0, first, tile)
            first += count
        if ready - first < _TILE:
            await asyncio.sleep(_LIVE_SECONDS)


async def _send_posterior(client: Client, job: str, pictures: Pictures) -> None:
    frame = _Frame(job, "posterior", pictures.frame_rate, len(pictures.posterior))
    await _send(client, frame, 0, 0, np.asarray(np.clip(pictures.posterior, 0, 1) * 255).astype(np.uint8))


async def _send_trajectory(client: Client, job: str, pictures: Pictures) -> None:
    steps = len(pictures.trajectory)
    for step, estimate in enumerate(pictures.trajectory):
        frame = _Frame(job, "trajectory", estimate.frame_rate, estimate.n_frames, steps)
        await _send(client, frame, step, estimate.first, estimate.levels)


_KINDS: dict[str, Callable[[Client, str, Pictures], Coroutine[Any, Any, None]]] = {
    "posterior": _send_posterior,
    "trajectory": _send_trajectory,
}


async def _send(client: Client, frame: _Frame, step: int, first: int, tile: Levels) -> None:
    """Send a tile, (n_frames, n_rows), and let others have their turn between its messages."""
    for message in _messages(client, frame, step, first, tile):
        client.send(message)
        await asyncio.sleep(0)


def _messages(client: Client, frame: _Frame, step: int, first: int, tile: Levels) -> Iterator[Picture]:
    """Cut a tile into messages that the client can take."""
    rows = tile.shape[1]
    room = min(MAX_STRING, client.max_datagram - _AROUND - len(frame.about.encode()))
    columns = max(1, room * 3 // 4 // rows)
    for at in range(0, len(tile), columns):
        part = base64.b64encode(tile[at : at + columns].tobytes()).decode()
        yield Picture(frame.about, frame.kind, step, frame.steps, rows, frame.rate, frame.frames, first + at, part)
