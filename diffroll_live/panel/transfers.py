"""Recordings and MIDI files to and from a page, over HTTP: bounded, and only within the panel's own folder."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from diffroll_live.errors import DiffrollError, FileError, TooLarge, UnknownBuffer
from diffroll_live.files.midi_file import MAX_FILE_BYTES, read_score
from diffroll_live.panel.connections import Connections
from diffroll_live.panel.folder import PanelFolder, audio_suffix
from diffroll_live.types import AudioBuffer

MAX_AUDIO_BYTES = 256 << 20
_MAX_UPLOADS = 2  # at once

Endpoint = Callable[[Request], Awaitable[Response]]


class Transfers:
    """The endpoints."""

    def __init__(self, folder: PanelFolder, connections: Connections) -> None:
        self._folder = folder
        self._connections = connections
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)

    async def upload(self, request: Request) -> Response:
        """Keep a recording; answer with the path for ``/diffroll/audio/file``."""
        path = self._folder.new("audio", audio_suffix(request.query_params.get("name", "")))
        async with self._uploads:
            with path.open("wb") as file:
                async for part in _bounded(request, MAX_AUDIO_BYTES):
                    file.write(part)
        return JSONResponse({"path": str(path)})

    async def clip(self, _: Request) -> Response:
        """Give the path of the shipped clip."""
        return JSONResponse({"path": str(self._folder.clip())})

    async def download(self, request: Request) -> Response:
        """Send a buffer of the page's session as a WAV file, to be heard."""
        client = self._connections.client(request.query_params.get("session", ""))
        name = request.query_params.get("buffer", "")
        if client is None or name not in client.buffers:
            raise UnknownBuffer(f"There is no buffer {name!r}; open the recording again.")
        audio = client.buffers[name].snapshot(name)
        if audio is None:
            raise UnknownBuffer(f"The buffer {name!r} is still being read; try again.")
        data = await asyncio.get_running_loop().run_in_executor(None, _wav, audio)
        return Response(data, media_type="audio/wav")

    async def read_midi(self, request: Request) -> Response:
        """Answer with what a MIDI file says.

        notes: [pitch, t, duration, velocity] each. changes: [t, bpm, numerator, denominator, beat] each, none where
        the file has no bars that music has. left_out: what else it holds, in words.
        """
        data = b"".join([part async for part in _bounded(request, MAX_FILE_BYTES)])
        path = self._folder.new("midi", ".mid")
        path.write_bytes(data)
        try:
            score = await asyncio.get_running_loop().run_in_executor(None, read_score, path)
        except FileError as error:
            raise type(error)(error.text.replace(str(path), "The file")) from error
        finally:
            path.unlink(missing_ok=True)
        changes = score.meter.changes() if score.meter is not None else ()
        return JSONResponse(
            {
                "notes": [[note.pitch, note.onset, note.duration, note.velocity] for note in score.notes],
                "changes": [[row.t, row.bpm, row.numerator, row.denominator, row.beat] for row in changes],
                "left_out": [name for name, held in (("the pedal", score.pedal), ("the bends", score.bends)) if held],
            }
        )

    async def new_midi(self, _: Request) -> Response:
        """Name a MIDI file for ``/diffroll/job/save``, and the key under which it is fetched without the token."""
        path = self._folder.new("midi", ".mid")
        return JSONResponse({"path": str(path), "key": path.stem})

    async def fetch_midi(self, request: Request) -> Response:
        """Send a MIDI file by its key, as a program that a note was dragged to asks for it."""
        return FileResponse(self._folder.midi(request.path_params["key"]), media_type="audio/midi")


def spoken(endpoint: Endpoint) -> Endpoint:
    """Answer a failure with its code and its sentence."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except DiffrollError as error:
            status = 413 if isinstance(error, TooLarge) else 400
            return JSONResponse({"code": error.code, "text": error.text}, status_code=status)

    return answer


async def _bounded(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Give the body part by part. Raises errors.TooLarge as soon as it is longer than ``limit`` bytes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        yield part


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A file of more than {limit / 1e6:.0f} MB is too large; choose a shorter part of it.")


def _wav(audio: AudioBuffer) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate)
        file.writeframes((np.clip(audio.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return data.getvalue()
