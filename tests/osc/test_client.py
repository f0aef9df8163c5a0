"""`diffroll-live send` and its client against a real server on real sockets, with a fake engine behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from support.asking import Listener, planned, rounded
from support.fake_engine import INFO, make_engine, notes_of

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.config import load_config
from diffroll_live.errors import AudioError, BadChecksum, DeviceMemory, RequestError, TimedOut, UnknownBuffer
from diffroll_live.files.midi_file import read_score, read_smf, write_smf
from diffroll_live.osc import messages, replies
from diffroll_live.osc.client import Client
from diffroll_live.server.daemon import serve
from diffroll_live.types import AudioBuffer, Bend, NoteEvent, Options, PedalSpan, Region, Request
from diffroll_live.worker.queue import Worker


class Daemon:
    """The server on a thread of its own, from ready to stopped."""

    def __init__(self) -> None:
        self.port = 0
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._up.wait(60)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        config = load_config(flags={"server.port": 0})
        await serve(config, Worker(make_engine), None, ready=self._ready, stop=self._stop)

    def _ready(self, port: int) -> None:
        self.port = port
        self._up.set()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    running = Daemon()
    yield running
    running.stop()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    connected = Client("127.0.0.1", daemon.port, "test")
    yield connected
    connected.close()


@pytest.fixture
def audio() -> AudioBuffer:
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * 44_100).astype(np.float32)
    return AudioBuffer("noise", samples, 44_100)


def test_the_welcome_names_the_model(client):
    assert (client.welcome.model, client.welcome.device) == (INFO.name, INFO.device)


def test_a_request_is_answered_as_by_the_engine_itself(client, audio):
    known = (NoteEvent(0.25, 0.75, 60, 80),)
    request = Request(
        "any", "inpaint", audio, (Region(1.0, 2.0, 48, 72),), known, Options(seed=5, variations=2, steps=6)
    )
    control = Listener()
    result = client.run(request, control)
    assert result.seed == 5
    assert [rounded(notes) for notes in result.variations] == [rounded(notes_of(planned(request), v)) for v in (0, 1)]
    assert (6, 6) in control.reports
    assert len(control.streamed) == sum(map(len, result.variations))
    assert result.timings.total > 0


def test_known_notes_come_back_as_they_are(client, audio):
    known = (
        NoteEvent(0.1, 0.6, 36, 90, channel=9),  # a drum
        NoteEvent(0.1, 0.6, 36, 90, channel=3),  # the same key on another channel
        NoteEvent(0.2, 0.3, 12, 100),  # a key switch below the piano
        NoteEvent(1 / 3, 2 / 3, 127, 1, channel=15),
        NoteEvent(1.2, 1.4, 60, 70, channel=5),  # in the region, and replaced
        NoteEvent(2.1, 2.2, 64, 80, channel=5),
    )
    request = Request("x", "inpaint", audio, (Region(1.0, 2.0),), known, Options(seed=5, variations=2))
    result = client.run(request, Listener())
    for variation, notes in enumerate(result.variations):
        assert set(known) & set(notes) == {note for note in known if note.pitch != 60}
        assert rounded(notes) == rounded(notes_of(planned(request), variation))
        assert sorted(note.channel for note in notes if note.channel) == [3, 5, 9, 15]


def test_one_connection_serves_many_requests(client, audio):
    for seed in (1, 2):
        result = client.run(Request("x", "transcribe", audio, options=Options(seed=seed)), Listener())
        assert rounded(result.variations[0]) == rounded(
            notes_of(planned(Request("x", "transcribe", audio, options=Options(seed=seed))), 0)
        )


def test_the_daemons_error_is_raised_as_what_it_is(client):
    with pytest.raises(AudioError, match="needs audio or notes"):
        client.run(Request("x", "inpaint", None), Listener())


def test_interruption_cancels_the_job(daemon, audio):
    class Impatient(Listener):
        def progress(self, step: int, steps: int) -> None:
            if steps == 200:
                raise KeyboardInterrupt

    client = Client("127.0.0.1", daemon.port)
    with pytest.raises(KeyboardInterrupt):
        client.run(Request("x", "transcribe", audio, options=Options(steps=200)), Impatient())
    client.close()
    other = Client("127.0.0.1", daemon.port)
    other.run(Request("x", "transcribe", audio, options=Options(steps=2)), Listener())  # the queue is free again
    other.close()


def test_no_daemon_is_a_sentence_that_says_how_to_start_one():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(TimedOut, match="diffroll-live serve"):
        Client("127.0.0.1", port)


def test_what_hangs_up_is_told():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        answer = threading.Thread(target=lambda: listener.accept()[0].close())
        answer.start()
        with pytest.raises(TimedOut, match="hung up"):
            Client("127.0.0.1", listener.getsockname()[1])
        answer.join()


def test_send_writes_the_file_that_transcribe_would(daemon, audio, tmp_path, capsys):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, audio.samples, audio.sample_rate, subtype="FLOAT")
    write_smf(tmp_path / "known.mid", [NoteEvent(0.5, 1.0, 60, 80)])
    words = ["send", "inpaint", str(clip), "--port", str(daemon.port), "--region", "1-2", "--seed", "4"]
    words += ["--notes", str(tmp_path / "known.mid"), "-o", str(tmp_path / "out.mid")]
    assert run(words) == exit_codes.OK
    pitches = sorted(note.pitch for note in read_smf(tmp_path / "out.mid"))
    known = (NoteEvent(0.5, 1.0, 60, 80),)
    request = Request("x", "inpaint", audio, (Region(1.0, 2.0),), known, Options(seed=4))
    assert pitches == sorted(note.pitch for note in notes_of(planned(request), 0))
    capsys.readouterr()


def test_send_brings_back_the_bends_and_the_pedal(daemon, audio, tmp_path, capsys):
    clip, known, out = tmp_path / "clip.wav", tmp_path / "known.mid", tmp_path / "out.mid"
    soundfile.write(clip, audio.samples, audio.sample_rate, subtype="FLOAT")
    note = NoteEvent(0.5, 1.0, 60, 80)
    write_smf(known, [note], pedal=[PedalSpan(0.25, 0.75)], bends=[Bend(note, ((0.0, 0.0), (0.25, 1.0)))])
    words = ["send", "inpaint", str(clip), "--port", str(daemon.port), "--region", "1-2"]
    assert run([*words, "--notes", str(known), "-o", str(out), "--bend", "on"]) == exit_codes.OK
    before, after = read_score(known), read_score(out)
    assert after.pedal == before.pedal
    assert [bend for bend in after.bends if bend.note.onset < 1.0] == list(before.bends)
    capsys.readouterr()


def test_an_upload_that_arrives_damaged_is_a_file_error(daemon, audio, tmp_path, capsys, monkeypatch):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, audio.samples, audio.sample_rate, subtype="FLOAT")
    monkeypatch.setattr("diffroll_live.osc.client.zlib", SimpleNamespace(crc32=lambda data: 1))  # not the daemon's
    words = ["send", "transcribe", str(clip), "--port", str(daemon.port), "-o", str(tmp_path / "out.mid")]
    assert run(words) == exit_codes.FILE
    assert "checksum" in capsys.readouterr().err


def test_send_prints_json(daemon, capsys):
    assert run(["send", "generate", "--seconds", "2", "--port", str(daemon.port), "--json"]) == exit_codes.OK
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == INFO.name
    assert len(document["results"][0]["variations"][0]) == 4


@pytest.mark.slow
def test_serve_on_a_taken_port_names_the_option(daemon, capsys):
    assert run(["serve", "--port", str(daemon.port), "--midi-api", "none"]) == exit_codes.PORT
    assert "--port" in capsys.readouterr().err


def test_serve_with_a_wrong_configuration_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("[server]\nprot = 1\n")
    assert run(["serve", "--config", str(tmp_path / "c.toml")]) == exit_codes.USAGE
    assert "port" in capsys.readouterr().err


def test_the_doctor_finds_the_daemon(daemon):
    from diffroll_live.cli.diagnostics import check_port

    (finding,) = check_port(daemon.port)
    assert finding.state == "good"
    assert INFO.name in finding.text


def test_a_fault_in_the_engine_keeps_its_class(daemon, audio):
    client = Client("127.0.0.1", daemon.port)
    client._names = iter(("memory",))  # what the job's name asks the fake engine for
    with pytest.raises(DeviceMemory):
        client.run(Request("x", "transcribe", audio), Listener())
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["memory", "bad option", "bad close", "interrupt", "none"])
def test_no_buffer_is_left_behind(client, audio, monkeypatch, failure):
    def interrupt(step: int, steps: int) -> None:
        if steps == 200:
            raise KeyboardInterrupt

    control, options = Listener(), Options(steps=2)
    expected: type[BaseException] | None = None
    if failure == "memory":
        client._names, expected = iter(("memory", "next")), DeviceMemory
    elif failure == "bad option":
        options, expected = Options(threshold=7.0), RequestError
    elif failure == "bad close":
        monkeypatch.setattr("diffroll_live.osc.client.zlib", SimpleNamespace(crc32=lambda data: 1))  # not the daemon's
        expected = BadChecksum
    elif failure == "interrupt":
        control.progress, options, expected = interrupt, Options(steps=200), KeyboardInterrupt
    with pytest.raises(expected) if expected else contextlib.nullcontext():
        client.run(Request("x", "transcribe", audio, options=options), control)
    monkeypatch.undo()
    name = "memory-audio" if failure == "memory" else "test-1-audio"
    with pytest.raises(UnknownBuffer, match=name):
        client._ask(messages.AudioFree(name), replies.AudioFreed)
    assert client.run(Request("x", "transcribe", audio, options=Options(steps=2)), Listener()).variations[0]
