"""A whole exchange with the daemon, kept as golden/session.jsonl.

``PYTHONPATH=tests python -m support.golden_session`` records it.

Each line is one message: who sends it (``client`` or ``daemon``), its address, its type tags and its arguments; a blob
is written in base64, ``$FOLDER`` stands for a folder that the daemon may read, and ``varies`` lists the arguments that
need not be the same each time. DAW scripts are tested against the same file.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

from support.osc_client import OscClient, Reply
from support.paths import GOLDEN
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

PATH = GOLDEN / "session.jsonl"
RATE = 4000  # Hz
CHUNK = 1000  # bytes

VARYING = {
    "/diffroll/welcome": [1],
    "/diffroll/job/grid": [1, 2, 3, 4, 5, 6],  # whether a DAW has reported its tempo before
    "/diffroll/job/done": [3],
    "/diffroll/error": [2],
}

Line = dict[str, Any]


def tone() -> bytes:
    """One second of s16 samples."""
    return b"".join(struct.pack("<h", round(16_000 * math.sin(2 * math.pi * 440 * i / RATE))) for i in range(RATE))


def script() -> list[tuple[str, tuple[Any, ...], str | None]]:
    """What the client sends: address, arguments, and the reply that ends the answer (None: there is none)."""
    raw = tone()
    count = len(raw) // CHUNK
    crc = struct.unpack(">i", struct.pack(">I", zlib.crc32(raw)))[0]

    def chunk(index: int) -> tuple[str, tuple[Any, ...], None]:
        return "/diffroll/audio/chunk", ("take", index, raw[index * CHUNK : (index + 1) * CHUNK]), None

    done = "/diffroll/job/done"
    return [
        ("/diffroll/hello", ("golden",), "/diffroll/welcome"),
        ("/diffroll/ping", (1,), "/diffroll/pong"),
        ("/diffroll/audio/open", ("take", RATE, 1, RATE, "s16", CHUNK, 12.5), "/diffroll/audio/opened"),
        *(chunk(index) for index in range(count) if index not in (2, 5)),
        ("/diffroll/audio/close", ("take", count, crc), "/diffroll/audio/missing"),
        chunk(2),
        chunk(5),
        ("/diffroll/audio/close", ("take", count, crc), "/diffroll/audio/ready"),
        ("/diffroll/transcribe", ("listen", "take"), done),
        ("/diffroll/job/new", ("fill", "inpaint", "take"), None),
        ("/diffroll/job/region", ("fill", 0.25, 0.75, 48, 72, 0), None),
        ("/diffroll/job/region/set", ("fill", 0, "density", 1.0), None),
        ("/diffroll/job/note", ("fill", 60, 0.0, 0.2, 80), None),
        ("/diffroll/job/tempo", ("fill", 0.0, 140.0), None),
        ("/diffroll/job/tempo/forget", ("fill",), None),
        ("/diffroll/job/tempo", ("fill", -0.5, 96.0, 3, 4, 1.0), None),
        ("/diffroll/job/tempo", ("fill", 0.75, 90.0), None),
        ("/diffroll/job/set", ("fill", "steps", 2), None),
        ("/diffroll/job/set", ("fill", "seed", 5), None),
        ("/diffroll/job/set", ("fill", "variations", 2), None),
        ("/diffroll/job/set", ("fill", "deliver", "osc"), None),
        ("/diffroll/job/run", ("fill",), done),
        ("/diffroll/job/grid/changes", ("fill",), "/diffroll/job/grid/change"),
        ("/diffroll/job/redecode", ("fill", 0.06, 0.05), done),
        ("/diffroll/job/notes", ("fill",), done),
        ("/diffroll/job/play", ("fill", 1), None),
        ("/diffroll/job/new", ("mine", "generate", ""), None),
        ("/diffroll/job/note", ("mine", 60, 0.0, 0.5, 80), None),
        ("/diffroll/job/note", ("mine", 64, 0.5, 0.5, 70, 1), None),
        ("/diffroll/job/tempo", ("mine", 0.0, 90.0, 3, 4), None),
        ("/diffroll/job/set", ("mine", "deliver", "osc"), None),
        ("/diffroll/job/finish", ("mine",), done),
        ("/diffroll/job/save", ("mine", "$FOLDER/mine.mid"), "/diffroll/job/saved"),
        ("/diffroll/continue", ("more", "take", 2.0), done),
        ("/diffroll/generate", ("new", 1.5), done),
        ("/diffroll/job/set", ("new", "steps", 0), "/diffroll/error"),
        ("/diffroll/inpaint", ("late", "take", 5.0, 6.0), "/diffroll/error"),
        ("/diffroll/job/cancel", ("late",), "/diffroll/job/cancelled"),
        ("/diffroll/transport", (1, 14.25, 96.0), None),
        ("/diffroll/panic", (), "/diffroll/panicked"),
        ("/diffroll/audio/free", ("take",), "/diffroll/audio/freed"),
        ("/diffroll/transcribe", ("gone", "take"), "/diffroll/error"),
        ("/diffroll/audio/file", ("file", "$FOLDER/none.wav"), "/diffroll/error"),
        ("/diffroll/nonsense", (), "/diffroll/error"),
    ]


def record(client: OscClient, folder: Path) -> list[Line]:
    """Play the script; give every message of both sides in order."""
    lines: list[Line] = []
    for address, args, end in script():
        lines.append(sent(address, args))
        lines.extend(said(reply, folder) for reply in play(client, lines[-1], end, folder))
    return lines


def replay(client: OscClient, lines: list[Line], folder: Path) -> list[Line]:
    """Send the client's lines of a session; give it back with what the daemon says now."""
    now: list[Line] = []
    for number, line in enumerate(lines):
        if line["from"] == "client":
            answers = []
            for answer in lines[number + 1 :]:
                if answer["from"] == "client":
                    break
                answers.append(answer)
            now.append(line)
            end = answers[-1]["address"] if answers else None
            now.extend(said(reply, folder) for reply in play(client, line, end, folder))
    return now


def play(client: OscClient, line: Line, end: str | None, folder: Path) -> list[Reply]:
    """Send one line; give the replies up to the one that ends the answer."""
    client.send(
        line["address"], *(_value(tag, arg, folder) for tag, arg in zip(line["tags"], line["args"], strict=True))
    )
    if end is None:
        return []
    last, before = client.until(end)
    return [*before, last]


def sent(address: str, args: tuple[Any, ...]) -> Line:
    tags = {int: "i", float: "f", str: "s", bytes: "b"}
    written = [base64.b64encode(arg).decode() if isinstance(arg, bytes) else arg for arg in args]
    return {"from": "client", "address": address, "tags": "".join(tags[type(a)] for a in args), "args": written}


def said(reply: Reply, folder: Path) -> Line:
    args = [arg.replace(str(folder), "$FOLDER") if isinstance(arg, str) else arg for arg in reply.args]
    line = {"from": "daemon", "address": reply.address, "tags": reply.tags, "args": args}
    return line | {"varies": VARYING[reply.address]} if reply.address in VARYING else line


def constant(lines: list[Line]) -> list[Line]:
    """Blank what varies."""
    return [
        line | {"args": [None if i in line.get("varies", []) else arg for i, arg in enumerate(line["args"])]}
        for line in lines
    ]


def load() -> list[Line]:
    return [json.loads(line) for line in PATH.read_text().splitlines()]


def _value(tag: str, arg: Any, folder: Path) -> tuple[str, Any]:
    if tag == "b":
        return tag, base64.b64decode(arg)
    return tag, arg.replace("$FOLDER", str(folder)) if tag == "s" else arg


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        RunningDaemon(Path(name), scheduler=RecordingScheduler()) as daemon,
        daemon.udp() as one,
    ):
        PATH.write_text("".join(json.dumps(line) + "\n" for line in record(one, Path(name))))


if __name__ == "__main__":
    main()
