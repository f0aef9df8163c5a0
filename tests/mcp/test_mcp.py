"""The server for assistants as assistants use it: the official client, over standard input and output."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

from diffroll_live.limits import LIMITS
from diffroll_live.mcp.tools import TOOLS

pytestmark = pytest.mark.slow

Talk = Callable[[Client], Awaitable[None]]


def talk(port: int, conversation: Talk) -> None:
    """Start the server as an assistant does, and let it talk."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "diffroll_live", "mcp", "--port", str(port)], env=environment()
    )

    async def run() -> None:
        async with Client(stdio_client(command)) as client:
            await conversation(client)

    asyncio.run(run())


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool; give what it returned, or fail with what it said."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content if result.structured_content is not None else result.content[0]


async def fault(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool that fails; give what it said."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


class Studio:
    """A daemon with a fake engine, which plays nothing and remembers everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scheduler = RecordingScheduler()
        self.daemon = RunningDaemon(folder, scheduler=self.scheduler)

    def talk(self, conversation: Talk) -> None:
        talk(self.daemon.port, conversation)


@pytest.fixture
def studio(tmp_path) -> Iterator[Studio]:
    it = Studio(tmp_path)
    with it.daemon:
        yield it


@pytest.fixture
def take(studio, make_wav) -> str:
    return str(make_wav(studio.folder / "take.wav", seconds=4.0))


def test_the_tools_are_listed_with_the_ranges_of_the_table(studio):
    async def conversation(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == set(TOOLS)
        assert all(len(tool.description or "") > 20 for tool in tools.values())
        options = tools["fill"].input_schema["$defs"]["Wishes"]["properties"]
        assert {"seed", "temperature", "density", "variations"} <= set(options)
        temperature = options["temperature"]["anyOf"][0]
        assert (temperature["minimum"], temperature["maximum"]) == (
            LIMITS["temperature"].low,
            LIMITS["temperature"].high,
        )

    studio.talk(conversation)


def test_every_task_gives_notes_midi_and_pictures(studio, take):
    async def conversation(client: Client) -> None:
        heard = await call(client, "transcribe", audio={"path": take}, options={"seed": 7})
        assert heard["notes"] > 0
        assert heard["seed"] == 7
        rows = await call(client, "notes", job=heard["job"])
        assert len(rows["result"]) == heard["notes"]
        file = await call(client, "midi", job=heard["job"])
        parsed = mido.MidiFile(file=BytesIO(base64.b64decode(file.resource.blob)))
        onsets = [
            message for track in parsed.tracks for message in track if message.type == "note_on" and message.velocity
        ]
        assert len(onsets) == heard["notes"]
        shown = await call(client, "picture", job=heard["job"])
        assert Image.open(BytesIO(base64.b64decode(shown.data))).format == "PNG"
        filled = await call(client, "fill", audio={"path": take}, spans=[{"start": 1.0, "end": 2.0}])
        assert filled["job"] != heard["job"]
        assert (await call(client, "continue", audio={"path": take}, seconds=2.0))["notes"] > 0
        assert (await call(client, "generate", seconds=2.0))["notes"] > 0
        sound = await call(client, "spectrogram", audio={"path": take})
        assert Image.open(BytesIO(base64.b64decode(sound.data))).size[0] > 500

    studio.talk(conversation)


def test_the_daws_buffers_and_jobs_are_seen_and_used(studio, take):
    async def conversation(client: Client) -> None:
        seen = await call(client, "look")
        assert seen["daemon"]["state"] == "ready"
        assert [(each["buffer"], each["state"]) for each in seen["buffers"]] == [("drums", "ready")]
        assert [each["name"] for each in seen["clients"]] == ["a DAW"]
        named = {"client": seen["buffers"][0]["client"], "buffer": "drums"}
        heard = await call(client, "transcribe", audio=named)
        assert heard["notes"] > 0
        assert [each["job"] for each in (await call(client, "look"))["jobs"]] == ["mix"]

    with studio.daemon.tcp() as daw:
        daw.ask("/diffroll/hello", "a DAW", 0, 0, answer="/diffroll/welcome")
        daw.ask("/diffroll/audio/file", "drums", take, answer="/diffroll/audio/ready")
        daw.send("/diffroll/transcribe", "mix", "drums")
        daw.expect("/diffroll/job/done")
        studio.talk(conversation)


def test_notes_are_played_and_saved_only_when_asked_and_end_when_told(studio, take):
    saved = studio.folder / "take.mid"

    async def conversation(client: Client) -> None:
        quiet = await call(client, "transcribe", audio={"path": take})
        assert studio.scheduler.played == []
        loud = await call(client, "transcribe", audio={"path": take}, to={"play": True, "save": str(saved)})
        assert loud["saved"] == str(saved)
        assert len(studio.scheduler.notes_of(loud["job"])) == loud["notes"]
        await call(client, "play", job=quiet["job"])
        await call(client, "silence")

    studio.talk(conversation)
    assert saved.read_bytes().startswith(b"MThd")
    assert [call for call, _ in studio.scheduler.calls].count("panic") >= 1
    assert len(studio.scheduler.played) >= 2


def test_what_osc_refuses_is_refused_here_in_the_same_words(studio, take, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")

    async def conversation(client: Client) -> None:
        own, elsewhere = {"path": take}, {"path": "/etc/hostname"}
        said = await fault(client, "transcribe", audio=elsewhere)
        assert "file-refused: '/etc/hostname' is outside the allowed folders" in said
        assert "file-refused" in await fault(client, "transcribe", audio=own, to={"save": f"{outside}/x.mid"})
        assert "file-refused" in await fault(client, "generate", seconds=2.0, to={"save": str(studio.folder / "x.exe")})
        assert "file-not-found" in await fault(client, "transcribe", audio={"path": str(studio.folder / "no.wav")})
        assert "bad-region" in await fault(client, "fill", audio={"path": take}, spans=[{"start": 3.0, "end": 1.0}])
        assert "bad-option" in await fault(client, "generate", seconds=1e6)
        assert "less than or equal to 5" in await fault(client, "generate", seconds=1.0, options={"temperature": 9})
        assert "Extra inputs" in await fault(client, "generate", seconds=1.0, options={"colour": 1})
        assert "unknown-job" in await fault(client, "notes", job="piece-99")
        assert "Name a path" in await fault(client, "transcribe", audio={})
        assert "Name a path" in await fault(client, "transcribe", audio={"path": take, "client": "x", "buffer": "y"})
        assert "There is no client" in await fault(client, "transcribe", audio={"client": "tcp:9", "buffer": "y"})
        assert (await call(client, "generate", seconds=1.0))["notes"] > 0

    studio.talk(conversation)
    assert not list(outside.iterdir())


def test_several_things_at_once_and_one_that_is_given_up(studio, take):
    async def conversation(client: Client) -> None:
        both = await asyncio.gather(
            call(client, "transcribe", audio={"path": take}, options={"seed": 1}),
            call(client, "generate", seconds=2.0, options={"seed": 2}),
        )
        assert [each["seed"] for each in both] == [1, 2]
        long = asyncio.create_task(
            client.call_tool("generate", {"seconds": 600.0, "options": {"steps": 1000, "variations": 16}})
        )
        await asyncio.sleep(0)
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        assert (await call(client, "generate", seconds=1.0))["notes"] > 0

    studio.talk(conversation)


def test_a_daemon_that_is_not_there_is_told_and_found_when_it_is(tmp_path, make_wav):
    with RunningDaemon(tmp_path) as first:
        port = first.port

    async def conversation(client: Client) -> None:
        assert "start one with 'diffroll-live serve'" in await fault(client, "look")
        with RunningDaemon(tmp_path, port=port):
            job = (await call(client, "generate", seconds=1.0))["job"]
        assert "answers" in await fault(client, "look")
        with RunningDaemon(tmp_path, port=port):
            assert "unknown-job" in await fault(client, "play", job=job)
            assert (await call(client, "look"))["own_jobs"] == []

    talk(port, conversation)
