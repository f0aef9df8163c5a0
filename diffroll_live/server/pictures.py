"""Pictures for the eye: spectrograms of buffers, posteriorgrams and trajectories of jobs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from diffroll_live.audio.spectrogram import FRAME_RATE, Levels, levels, n_frames
from diffroll_live.errors import Incomplete, RequestError, UnknownJob
from diffroll_live.osc import watch_messages as w
from diffroll_live.osc.codec import MAX_STRING
from diffroll_live.osc.watch_replies import Picture
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.clients import Client
from diffroll_live.types import AudioBuffer, Floats, Pictures

_TILE = 256  # frames that are computed at once
_AROUND = 200  # bytes of a message without its levels

_KINDS: dict[str, Callable[[Pictures], Floats]] = {
    "posterior": lambda pictures: pictures.posterior[np.newaxis],
    "trajectory": lambda pictures: pictures.trajectory,
}


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
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}  # by client and buffer
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            w.AudioPicture: self._of_audio,
            w.JobPicture: self._of_job,
        }

    def close(self) -> None:
        """Send no more of any picture."""
        for task in self._sending.values():
            task.cancel()

    def _of_audio(self, client: Client, message: w.AudioPicture) -> None:
        audio = self._audio.get(client, message.buffer)
        if audio is None:
            raise Incomplete(f"The buffer {message.buffer!r} is still being read; ask when it is ready.")
        frame = _Frame(message.buffer, "spectrogram", FRAME_RATE, n_frames(audio))
        self._begin(client, message.buffer, self._spectrogram(client, frame, audio))

    def _of_job(self, client: Client, message: w.JobPicture) -> None:
        job = client.jobs[message.job]
        if message.kind not in _KINDS:
            raise RequestError(f"There is no picture {message.kind!r}; choose {' or '.join(_KINDS)}.")
        if job.result is None or job.result.pictures is None:
            raise UnknownJob(f"The job {message.job!r} kept no picture; set pictures, run it, and wait for its end.")
        pictures = job.result.pictures
        shown = _KINDS[message.kind](pictures)
        frame = _Frame(message.job, message.kind, pictures.frame_rate, shown.shape[1], len(shown))
        self._begin(client, message.job, self._roll(client, frame, shown))

    def _begin(self, client: Client, about: str, sending: Coroutine[Any, Any, None]) -> None:
        key = (client.key, about)
        if key in self._sending:
            self._sending[key].cancel()
        task = self._sending[key] = asyncio.get_running_loop().create_task(sending)
        task.add_done_callback(lambda done: self._sending.pop(key) if self._sending.get(key) is done else None)

    async def _spectrogram(self, client: Client, frame: _Frame, audio: AudioBuffer) -> None:
        loop = asyncio.get_running_loop()
        for first in range(0, frame.frames, _TILE):
            count = min(_TILE, frame.frames - first)
            tile = await loop.run_in_executor(None, partial(levels, audio, first, count))
            await _send(client, frame, 0, first, tile)

    async def _roll(self, client: Client, frame: _Frame, shown: Floats) -> None:
        for step, roll in enumerate(shown):
            await _send(client, frame, step, 0, np.asarray(np.clip(roll, 0, 1) * 255).astype(np.uint8))


async def _send(client: Client, frame: _Frame, step: int, first: int, tile: Levels) -> None:
    """Send a tile, (n_frames, n_rows), in messages that the client can take, and let others have their turn."""
    rows = tile.shape[1]
    room = min(MAX_STRING, client.max_datagram - _AROUND - len(frame.about.encode()))
    columns = max(1, room * 3 // 4 // rows)
    for at in range(0, len(tile), columns):
        part = base64.b64encode(tile[at : at + columns].tobytes()).decode()
        client.send(
            Picture(frame.about, frame.kind, step, frame.steps, rows, frame.rate, frame.frames, first + at, part)
        )
        await asyncio.sleep(0)
