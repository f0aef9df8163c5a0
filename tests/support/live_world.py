"""A fake Live with our Remote Script in it, installed as a user would: the folder copied, a settings.json beside it.

Runs under Python 3.7 and without any package, as scenarios do that are played inside and outside pytest.
"""

from __future__ import annotations

import importlib
import json
import math
import shutil
import socket
import struct
import sys
import time
import wave
from pathlib import Path

from support import fake_live, fake_live_host
from support.paths import BRIDGE

SCRIPT = BRIDGE / "ableton" / "DiffRollLive"
TIMEOUT = 30.0  # s; only a failing test waits for it
LOCAL = "127.0.0.1"
WELCOME = ("/diffroll/welcome", 1, "0.1.0", "fake", "cpu", 16000, 600.0)


class World:
    """Live, the script, and a folder for samples. ``port`` is where a daemon listens, or does not."""

    def __init__(self, folder, port, **settings):
        self.folder = Path(str(folder))
        self.command_port = free_port()
        fake_live_host.install()
        self.song = fake_live.Song()
        self.host = fake_live_host.Host(self.song)
        given = {"daemon_port": port, "command_port": self.command_port, "options": {"steps": 1}}  # one is quick
        given.update(settings)
        self.package = install_script(self.folder / "Remote Scripts", given)
        self.surface = self.package.create_instance(self.host)
        self.asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asker.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.asker.close()
        self.surface.disconnect()

    def module(self, name):
        return sys.modules["DiffRollLive." + name]

    def wav(self, seconds, name="take.wav"):
        return write_wav(self.folder / name, seconds)

    def tick(self):
        self.surface.update_display()

    def until(self, condition):
        """Tick until something is true."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end, f"nothing came of it; Live was told: {self.host.messages}"
            self.tick()
            time.sleep(0.002)

    def press(self, verb):
        """Press the verb's button on the default controller."""
        number = {"transcribe": 102, "fill": 103, "continue": 104, "generate": 105, "cancel": 106}[verb]
        self.surface.receive_midi((0xBF, number, 127))
        self.surface.receive_midi((0xBF, number, 0))

    def command(self, verb, *args):
        """Send a command as another program does."""
        self.asker.sendto(self.module("osc").encode("/diffroll/ableton/" + verb, *args), (LOCAL, self.command_port))

    def answers(self):
        """Give what that program has been told since it last looked."""
        told = []
        while True:
            try:
                message = self.module("osc").decode(self.asker.recv(65536))
            except BlockingIOError:
                return told
            told.append((message.address.rpartition("/")[2], *message.args))

    def run(self, verb, *args):
        """Give a command and tick until it has ended; give its last answer."""
        told = []
        self.command(verb, *args)

        def ended():
            told.extend(self.answers())
            return told and told[-1][0] in ("done", "failed", "welcome")

        self.until(ended)
        return told[-1]

    def done(self, verb, *args):
        answer = self.run(verb, *args)
        assert answer[0] == "done", answer
        return answer

    def failed(self, verb, *args):
        answer = self.run(verb, *args)
        assert answer[0] == "failed", answer
        return answer

    def session_clip(self, track, scene=0):
        return track.clip_slots[scene].clip


def install_script(folder, settings):
    """Copy the script's folder and import it from there, anew."""
    target = folder / "DiffRollLive"
    if target.exists():
        shutil.rmtree(str(target))
    shutil.copytree(str(SCRIPT), str(target), ignore=shutil.ignore_patterns("__pycache__"))
    (target / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    for name in [name for name in sys.modules if name.split(".")[0] == "DiffRollLive"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        package = importlib.import_module("DiffRollLive")
        importlib.import_module("DiffRollLive.surface")
    finally:
        sys.path.remove(str(folder))
    return package


def notes_of(clip):
    """(pitch, start, duration, velocity) of a clip's notes, in order."""
    notes = clip.get_notes_extended(0, 128, -8192.0, 16384.0)
    return sorted((n.pitch, round(n.start_time, 4), round(n.duration, 4), int(n.velocity)) for n in notes)


def write_wav(path, seconds, rate=8000):
    frames = [round(8000 * math.sin(2 * math.pi * 440 * i / rate)) for i in range(int(seconds * rate))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(frames)}h", *frames))
    return path


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOCAL, 0))
        return probe.getsockname()[1]


class ScriptedDaemon:
    """A daemon that says what the test wants, where the real one would not: ``answer(message)`` gives replies."""

    def __init__(self, answer):
        self.answer = answer
        self.heard = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOCAL, 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.client = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self, osc):
        """Answer what has come. Gives False, for use in a condition."""
        while True:
            try:
                packet, self.client = self.socket.recvfrom(65536)
            except BlockingIOError:
                return False
            for element in unbundled(packet):
                message = osc.decode(element)
                self.heard.append(message)
                for reply in self.answer(message):
                    self.say(osc, *reply)

    def say(self, osc, address, *args):
        self.socket.sendto(osc.encode(address, *args), self.client)

    def addresses(self):
        return [message.address for message in self.heard]


def unbundled(packet):
    if not packet.startswith(b"#bundle\0"):
        return [packet]
    elements, at = [], 16
    while at < len(packet):
        length = struct.unpack_from(">i", packet, at)[0]
        elements.append(packet[at + 4 : at + 4 + length])
        at += 4 + length
    return elements
