"""The tools of the server. Their docstrings are what an assistant reads about them."""

from __future__ import annotations

import base64
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import BlobResourceContents, EmbeddedResource
from pydantic import BaseModel

from diffroll_live import __version__
from diffroll_live.errors import DiffrollError, RequestError
from diffroll_live.files.midi_file import smf_bytes
from diffroll_live.mcp.forms import ANSWER_ONLY, MAX_NOTES, NO_WISHES, Audio, Delivery, NoteRow, Span, Wishes, Written
from diffroll_live.mcp.studio import Piece, Studio
from diffroll_live.osc import messages as m
from diffroll_live.osc import watch_messages as w
from diffroll_live.types import Region, Task

INSTRUCTIONS = """diffroll-live transcribes piano recordings and writes new piano notes, in a daemon that also serves
the user's DAW. Begin with 'look': it lists the buffers and jobs of the DAW. Times are seconds from the beginning of the
audio, pitches MIDI numbers from 21 to 108. Files are read and written in the daemon's allowed folders alone."""

P = ParamSpec("P")
R = TypeVar("R")


def make_server(host: str, port: int) -> MCPServer[Studio]:
    """Make the server of a daemon, which need not run yet."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[Studio]) -> AsyncIterator[Studio]:
        studio = Studio(host, port)
        try:
            yield studio
        finally:
            await studio.close()

    server: MCPServer[Studio] = MCPServer(
        "diffroll-live", instructions=INSTRUCTIONS, version=__version__, lifespan=lifespan, log_level="WARNING"
    )
    for name, tool in TOOLS.items():
        server.add_tool(tool, name=name)
    return server


def _told(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Let the assistant read what is wrong: errors of ours are sentences that say how to fix it."""

    @functools.wraps(tool)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except DiffrollError as error:
            raise ToolError(f"{error.code}: {error.text}") from error

    return run


@_told
async def look(ctx: Context[Studio]) -> dict[str, Any]:
    """Show the daemon, the DAW's transport, and every other client's buffers and jobs."""
    return await _studio(ctx).look()


@_told
async def transcribe(
    audio: Audio, ctx: Context[Studio], options: Wishes = NO_WISHES, to: Delivery = ANSWER_ONLY
) -> Written:
    """Write the notes that are played in a recording."""
    return await _heard(ctx, "transcribe", audio, [], _settings(options, to))


@_told
async def fill(
    audio: Audio,
    spans: list[Span],
    ctx: Context[Studio],
    options: Wishes = NO_WISHES,
    to: Delivery = ANSWER_ONLY,
) -> Written:
    """Write new notes into stretches of a recording, from what surrounds them; the answer has these alone."""
    return await _heard(ctx, "inpaint", audio, spans, _settings(options, to))


@_told
async def continue_(
    audio: Audio,
    seconds: float,
    ctx: Context[Studio],
    options: Wishes = NO_WISHES,
    to: Delivery = ANSWER_ONLY,
) -> Written:
    """Write what could come after a recording; the new notes start at its end."""
    return await _heard(ctx, "continue", audio, [], _settings(options, to) | {"seconds": seconds})


@_told
async def generate(
    seconds: float,
    ctx: Context[Studio],
    options: Wishes = NO_WISHES,
    to: Delivery = ANSWER_ONLY,
) -> Written:
    """Write something new from nothing."""
    studio = _studio(ctx)
    settings = _settings(options, to) | {"seconds": seconds}
    return _written(await studio.run("generate", "", (), settings, ctx.report_progress))


@_told
async def notes(job: str, ctx: Context[Studio], variation: int = 0, first: int = 0) -> list[NoteRow]:
    """List notes of a job, from the one numbered 'first' on."""
    rows = _rows(_studio(ctx).piece(job), variation)
    return rows[max(0, first) :][:MAX_NOTES]


@_told
async def midi(job: str, ctx: Context[Studio], variation: int = 0) -> EmbeddedResource:
    """Get a variation of a job as a Standard MIDI File."""
    piece = _studio(ctx).piece(job)
    data = base64.b64encode(smf_bytes(piece.variation(variation), piece.meter, piece.pedal)).decode()
    uri = f"diffroll-live://{job}/{variation}.mid"
    return EmbeddedResource(resource=BlobResourceContents(uri=uri, mime_type="audio/midi", blob=data))


@_told
async def picture(job: str, ctx: Context[Studio]) -> Image:
    """Get a picture of a job: how likely the model held each pitch at each moment, and the notes it wrote."""
    from diffroll_live.files.plot import roll_png  # loads matplotlib

    studio = _studio(ctx)
    piece = studio.piece(job)
    posterior, rate = await studio.picture(w.JobPicture(job, "posterior"), job)
    title = f"{piece.task}, {len(piece.variation(0))} notes"
    return Image(data=roll_png(posterior, rate, piece.variation(0), piece.regions, title), format="png")


@_told
async def spectrogram(audio: Audio, ctx: Context[Studio]) -> Image:
    """Get the spectrogram of a recording, low pitches at the bottom."""
    from diffroll_live.files.plot import spectrogram_png

    studio = _studio(ctx)
    async with studio.buffer(_opening(audio)) as (name, _):
        levels, rate = await studio.picture(w.AudioPicture(name), name)
    return Image(data=spectrogram_png(levels, rate, PurePath(audio.path).name or audio.buffer), format="png")


@_told
async def play(job: str, ctx: Context[Studio], variation: int = 0) -> str:
    """Play a variation of a job on the daemon's MIDI port."""
    await _studio(ctx).play(job, variation)
    return "It plays."


@_told
async def silence(ctx: Context[Studio]) -> str:
    """End every note on every MIDI port of the daemon."""
    await _studio(ctx).panic()
    return "All notes are off."


#: Every tool, by its name.
TOOLS: dict[str, Callable[..., Awaitable[Any]]] = {
    "look": look,
    "transcribe": transcribe,
    "fill": fill,
    "continue": continue_,
    "generate": generate,
    "notes": notes,
    "midi": midi,
    "picture": picture,
    "spectrogram": spectrogram,
    "play": play,
    "silence": silence,
}


async def _heard(
    ctx: Context[Studio], task: Task, audio: Audio, spans: list[Span], settings: dict[str, Any]
) -> Written:
    """Run a task on a recording."""
    studio = _studio(ctx)
    regions = [Region(each.start, each.end, each.low, each.high, each.hear) for each in spans]
    async with studio.buffer(_opening(audio)) as (buffer, _):
        return _written(await studio.run(task, buffer, regions, settings, ctx.report_progress))


def _opening(audio: Audio) -> Callable[[str], Any]:
    """The message that makes a buffer of a recording, by the buffer's name. Raises errors.RequestError."""
    if bool(audio.path) == bool(audio.client or audio.buffer):
        raise RequestError("Name a path, or the client and the buffer that 'look' lists.")
    if audio.path:
        return lambda name: m.AudioFile(name, audio.path, audio.start, audio.duration)
    return lambda name: w.AudioCopy(name, audio.client, audio.buffer)


def _settings(options: BaseModel, to: Delivery) -> dict[str, Any]:
    """The options of a job as OSC has them; pictures are kept for later."""
    wanted = {name: value for name, value in options.model_dump().items() if value is not None}
    saved = {"save": to.save} if to.save else {}
    return wanted | saved | {"deliver": "both" if to.play else "osc", "pictures": "posterior"}


def _written(piece: Piece) -> Written:
    known = piece.meter.source != "none"
    bar = piece.meter.bar_at(0.0)
    return Written(
        job=piece.job,
        notes=len(piece.notes),
        seed=piece.seed,
        tempo=piece.meter.tempo.tempo_at(0.0) if known else None,
        meter=f"{bar.numerator}/{bar.denominator}" if known else None,
        saved=piece.saved,
        first=[row for number in sorted({v for v, _ in piece.notes}) for row in _rows(piece, number)][:MAX_NOTES],
    )


def _rows(piece: Piece, variation: int) -> list[NoteRow]:
    return [
        NoteRow(
            pitch=note.pitch,
            onset=round(note.onset, 4),
            duration=round(note.duration, 4),
            velocity=note.velocity,
            variation=variation,
        )
        for note in piece.variation(variation)
    ]


def _studio(ctx: Context[Studio]) -> Studio:
    studio: Studio = ctx.request_context.lifespan_context
    return studio
