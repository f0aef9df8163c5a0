"""Live inputs of a daemon: devices of a real JACK server, chunks without an end, and what their clients learn."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import numpy as np
import pytest
from support.jack import DummyJack
from support.osc_client import OscClient, TcpClient, UdpClient
from support.running import DaemonProcess, RunningDaemon, alive
from support.tone import Tone
from support.waiting import wait_until

RATE = 16_000
BEEP = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE // 10) / RATE)).astype(np.float32).tobytes()  # 0.1 s
SILENCE = bytes(len(BEEP))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with RunningDaemon(tmp_path_factory.mktemp("listening"), max_live=2, live_seconds=10.0) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[TcpClient]:
    """A client whose live inputs end with its connection."""
    with daemon.tcp() as one:
        yield one
    wait_until(lambda: not captures(), "the devices of a client that hung up to be closed")


@pytest.fixture
def tone(jack: DummyJack) -> Iterator[Tone]:
    with Tone() as running:
        yield running


def capture(client: OscClient, device: str, buffer: str = "live") -> None:
    reply = client.ask("/diffroll/audio/listen", buffer, device, answer="/diffroll/audio/listening")
    assert reply.args == (buffer, 48_000)


def captures(parent: int | None = None) -> list[int]:
    """The capture processes of a process, this one by default."""
    command = ["pgrep", "-P", str(parent or os.getpid()), "-f", "capture.process capture"]
    return [int(pid) for pid in subprocess.run(command, capture_output=True, check=False).stdout.split()]


def open_live(client: OscClient, buffer: str = "live", *, chunk: int = len(BEEP)) -> None:
    client.ask("/diffroll/audio/open", buffer, RATE, 1, 0, "f32", chunk, answer="/diffroll/audio/opened")


def send_chunks(client: OscClient, chunks: list[bytes], first: int = 0) -> None:
    """Send chunks in real time."""
    for index, chunk in enumerate(chunks, start=first):
        client.send("/diffroll/audio/chunk", "live", index, chunk)
        time.sleep(0.1)


# The DAW's bars


def grid_of(client: OscClient, buffer: str) -> tuple:
    """The grid of a continuation: source, confidence, tempo, signature, first bar line."""
    client.send("/diffroll/continue", "more", buffer, 2.0)
    _, before = client.until("/diffroll/job/done")
    (grid,) = [reply for reply in before if reply.address == "/diffroll/job/grid"]
    return grid.args[1:]


@pytest.mark.realtime
def test_what_was_heard_live_lies_in_the_bars_that_the_daw_played_then(client):
    open_live(client)
    first = time.perf_counter()
    send_chunks(client, [BEEP])
    assert grid_of(client, "live")[0] == "none", "nothing moves to a beat"
    client.send("/diffroll/transport", 0, 40.0, 60.0, 40.0, 4, 4)
    assert grid_of(client, "live")[0] == "none", "the DAW stands, whatever its tempo"
    client.send("/diffroll/transport", 1, 40.0, 60.0, 40.0, 4, 4)  # now, and on a bar line
    began = time.perf_counter()
    send_chunks(client, [BEEP] * 12, first=1)
    source, confidence, tempo, *signature, first_bar = grid_of(client, "live")
    assert (source, confidence, tempo, signature) == ("transport", 1.0, 60.0, [4, 4])
    off = (first_bar - (began - first) + 2.0) % 4.0 - 2.0
    assert abs(off) < 0.2, "a bar began when the DAW said so, and every four seconds before and after"
    client.send("/diffroll/transport", 0, 42.0, 60.0, 42.0, 4, 4)


# Devices


def test_inputs_are_listed(daemon, client, tone):
    count = client.ask("/diffroll/audio/inputs", answer="/diffroll/audio/inputs").args[0]
    rows = {client.expect("/diffroll/audio/input").args for _ in range(count)}
    assert ("system", "JACK Audio Connection Kit", 2, 48_000, 1) in rows
    assert (tone.client, "JACK Audio Connection Kit", 1, 48_000, 0) in rows


def test_what_a_jack_client_plays_has_its_level_and_can_be_transcribed(client, tone):
    capture(client, tone.client)
    levels = [client.expect("/diffroll/audio/level").args for _ in range(10)]
    assert max(peak for _, _, peak in levels) == pytest.approx(-6.0, abs=1.0)
    client.send("/diffroll/transcribe", "job", "live")
    assert client.collect("job").end.address == "/diffroll/job/done"
    client.send("/diffroll/audio/close", "live")
    name, seconds, rate = client.expect("/diffroll/audio/ready").args
    assert (name, rate) == ("live", 48_000)
    assert 0.9 < seconds <= 10.0
    client.send("/diffroll/transcribe", "again", "live")
    assert client.collect("again").end.address == "/diffroll/job/done"


def test_silence_is_reported_once(client, jack):
    capture(client, "jack")
    assert client.expect("/diffroll/audio/level").args == ("live", -120.0, -120.0)
    assert client.next(timeout=0.5) is None


def test_an_unknown_device_is_answered_with_those_there_are(client, jack):
    error = client.ask_wrongly("/diffroll/audio/listen", "live", "theremin")
    assert error.args[:2] == ("live", "no-such-device")
    assert "system, JACK" in error.args[2]
    assert client.ask_wrongly("/diffroll/audio/free", "live").args[1] == "unknown-buffer"


@pytest.mark.slow
def test_a_machine_without_inputs_says_so(client, no_jack):
    assert client.ask_wrongly("/diffroll/audio/listen", "live", "jack").args[:2] == ("live", "no-such-device")
    assert client.ask("/diffroll/audio/inputs", answer="/diffroll/audio/inputs").args == (0,)


def test_two_buffers_share_one_device_and_it_is_closed_after_the_last(daemon, client, tone):
    with daemon.tcp() as other:
        capture(client, tone.client)
        capture(other, tone.client.upper(), "other")
        assert len(captures()) == 1
        client.expect("/diffroll/audio/level")
        assert other.expect("/diffroll/audio/level").args[0] == "other"
        assert client.ask_wrongly("/diffroll/audio/listen", "third", "jack").args[:2] == ("third", "busy")
        client.ask("/diffroll/audio/free", "live", answer="/diffroll/audio/freed")
        assert other.expect("/diffroll/audio/level").args[0] == "other"
    wait_until(lambda: not captures(), "the device of a client that hung up to be closed")


def test_a_captured_buffer_is_replaced_by_its_name(client, tone):
    capture(client, tone.client)
    capture(client, "jack")
    client.ask("/diffroll/audio/open", "live", RATE, 1, RATE, "f32", 4096, answer="/diffroll/audio/opened")
    wait_until(lambda: not captures(), "the devices of a buffer that was replaced to be closed")


def test_an_impossible_latency_frees_the_buffer(client, jack):
    error = client.ask_wrongly("/diffroll/audio/listen", "live", "jack", 5000.0)
    assert error.args[:2] == ("live", "bad-option")
    error = client.ask_wrongly("/diffroll/audio/open", "live", RATE, 1, 0, "f32", 64, 0.0, 5000.0)
    assert error.args[:2] == ("live", "bad-option")
    assert client.ask_wrongly("/diffroll/audio/free", "live").args[1] == "unknown-buffer"


def test_a_flood_of_questions_and_requests_starts_few_processes(client, tone):
    most = 0
    for _ in range(50):
        client.send("/diffroll/audio/inputs")
        client.send("/diffroll/audio/listen", "live", tone.client)
        most = max(most, len(captures()))
    assert client.expect("/diffroll/audio/listening").args[0] == "live"
    assert most <= 1
    assert len(captures()) == 1


def test_chunks_do_not_go_where_a_device_is_captured(client, jack):
    capture(client, "jack")
    assert client.ask_wrongly("/diffroll/audio/chunk", "live", 0, BEEP).args[:2] == ("live", "bad-message")


@pytest.mark.parametrize("ending", ["killed", "stopped", "frozen"])
def test_a_server_that_goes_is_reported_and_captured_again_when_it_is_back(client, jack, ending):
    capture(client, "jack")
    if ending == "frozen":
        jack._process.send_signal(signal.SIGSTOP)
    else:
        {"killed": jack.kill, "stopped": jack.stop}[ending]()
    name, text = client.expect("/diffroll/audio/vanished", timeout=30.0).args
    assert name == "live"
    assert "system, JACK" in text
    client.ping()
    if ending == "frozen":
        jack.kill()
    jack.start()
    assert client.expect("/diffroll/audio/reconnected", timeout=30.0).args == ("live", 48_000)
    client.ask("/diffroll/audio/close", "live", answer="/diffroll/audio/ready")


def test_a_jack_client_that_goes_is_reported_and_captured_again_when_it_is_back(client, tone):
    capture(client, tone.client)
    with Tone():  # another one does not stand for it
        tone.__exit__()
        assert tone.client in client.expect("/diffroll/audio/vanished").args[1]
        tone.__enter__()
        client.expect("/diffroll/audio/reconnected")
    while client.expect("/diffroll/audio/level").args[2] < -10.0:
        pass


def test_a_capture_process_that_dies_is_started_again(client, jack):
    capture(client, "jack")
    (process_id,) = captures()
    os.kill(process_id, signal.SIGKILL)
    client.expect("/diffroll/audio/vanished")
    client.expect("/diffroll/audio/reconnected", timeout=30.0)


def test_nothing_is_left_behind_when_the_daemon_ends_while_it_captures(tmp_path, jack):
    with RunningDaemon(tmp_path) as running, running.udp() as client:
        capture(client, "jack")
        client.send("/diffroll/audio/listen", "another", "jack")
    assert not captures()


def test_nothing_is_left_behind_when_the_daemon_is_killed_while_it_captures(tmp_path, jack):
    with DaemonProcess(tmp_path) as process, UdpClient(process.port) as client:
        capture(client, "jack")
        (process_id,) = captures(process.process.pid)
    wait_until(lambda: not alive(process_id), "the capture process to end by itself")


# Chunks


@pytest.mark.realtime
def test_chunks_without_an_end_fill_a_live_buffer(client):
    open_live(client)
    send_chunks(client, [BEEP] * 3 + [SILENCE] * 2)
    levels = [client.expect("/diffroll/audio/level").args for _ in range(4)]
    assert [round(peak) for _, _, peak in levels] == [-6, -6, -6, -120]
    assert client.ask("/diffroll/audio/close", "live", answer="/diffroll/audio/ready").args == ("live", 0.5, RATE)


@pytest.mark.realtime
def test_a_pause_of_the_stream_is_silence_and_it_goes_on(client):
    open_live(client)
    send_chunks(client, [BEEP] * 2)
    time.sleep(1.5)
    send_chunks(client, [BEEP] * 2, first=2)
    peaks = [round(client.expect("/diffroll/audio/level").args[2]) for _ in range(5)]
    assert peaks[:3] == [-6, -6, -120]
    assert peaks[-1] == -6
    seconds = client.ask("/diffroll/audio/close", "live", answer="/diffroll/audio/ready").args[1]
    assert seconds == pytest.approx(1.9, abs=0.3)


def test_lost_chunks_are_reported(client):
    open_live(client)
    send_chunks(client, [BEEP])
    client.send("/diffroll/audio/chunk", "live", 5, BEEP)
    name, count, seconds = client.expect("/diffroll/audio/overrun").args
    assert (name, count, seconds) == ("live", 1, pytest.approx(0.4))


def test_acks_come_by_the_window(client):
    window = client.ask("/diffroll/audio/open", "live", RATE, 1, 0, "f32", 64, answer="/diffroll/audio/opened").args[1]
    for index in range(window):
        client.send("/diffroll/audio/chunk", "live", index, bytes(64))
    assert client.expect("/diffroll/audio/ack").args == ("live", window)


def test_a_live_buffer_without_sound(client):
    open_live(client)
    assert client.ask_wrongly("/diffroll/transcribe", "job", "live").args[:2] == ("job", "incomplete")
    assert client.ask("/diffroll/audio/close", "live", answer="/diffroll/audio/freed").args == ("live",)


def test_there_are_no_more_live_buffers_than_are_allowed(client):
    open_live(client, "one")
    open_live(client, "two")
    assert client.ask_wrongly("/diffroll/audio/open", "three", RATE, 1, 0, "f32", 64).args[1] == "busy"
    open_live(client, "one")  # in the place of the older one


@pytest.mark.parametrize("layout", [(100, 1, 0, "f32", 64), (RATE, 1, 0, "u8", 64), (RATE, 1, -1, "f32", 64)])
def test_layouts_that_cannot_be_are_refused(client, layout):
    assert client.ask_wrongly("/diffroll/audio/open", "live", *layout).args[:2] == ("live", "bad-audio")


def test_numbers_that_are_none_are_refused(client):
    open_live(client)
    error = client.ask_wrongly("/diffroll/audio/chunk", "live", 0, np.array([np.inf], "<f4").tobytes())
    assert error.args[:2] == ("live", "bad-audio")
    send_chunks(client, [BEEP], first=1)
    client.expect("/diffroll/audio/level")
