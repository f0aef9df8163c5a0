"""Notes over a real JACK server, from the scheduler's thread to two clients that are not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.jack import Listener, MidiDump
from support.waiting import wait_until

from diffroll_live.audio.jack.client import JackWatch, jack_answers
from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.audio.jack.xruns import XRUNS
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.errors import PortError
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import MidiSink
from diffroll_live.types import NoteEvent

PORT = "diffroll-live:notes"
LAST_MESSAGE = (0xBF, 120, 0)  # of a panic: all sound off on the last channel
# A chord, a repeated note, a run: no two of a pitch overlap, and all are far enough apart to keep their order.
PHRASE = (
    *(NoteEvent(0.0, 0.6, pitch, 100, channel=1) for pitch in (48, 55, 64)),
    *(NoteEvent(0.1 + 0.1 * at, 0.15 + 0.1 * at, 72, 40 + at) for at in range(4)),
    *(NoteEvent(0.5 + 0.02 * at, 0.53 + 0.02 * at, 80 + at, 127, channel=15) for at in range(12)),
)


def open_sink() -> MidiSink:
    return MidiSink(PortChoice(api="jack"))


def messages(notes: tuple[NoteEvent, ...]) -> list[tuple[int, ...]]:
    """What a receiver should get, ends before starts."""
    ends = [(note.offset, 0, (0x80 | note.channel, note.pitch, 0)) for note in notes]
    starts = [(note.onset, 1, (0x90 | note.channel, note.pitch, note.velocity)) for note in notes]
    return [message for _, _, message in sorted(ends + starts, key=lambda event: event[:2])]


def only_notes(received: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [message for message in received if message[0] & 0xE0 == 0x80]


def played_whole(scheduler: Scheduler, owner: str) -> bool:
    """Play the phrase; tell whether the machine kept up (it may be too busy to stay within 50 ms)."""
    scheduler.play(owner, PHRASE, scheduler.now() + 0.3)
    wait_until(lambda: scheduler._queue.next_due is None, "the end of the phrase")
    return scheduler.dropped(owner) == 0


def test_two_clients_receive_the_phrase_note_by_note(
    jack: DummyJack, listen: Callable[[str], Listener], midi_dump: Callable[[str], MidiDump]
) -> None:
    scheduler = Scheduler(open_sink)
    assert scheduler.start() == PortState(True, f"Notes go to jack port {PORT}.")
    clients = (listen(PORT), midi_dump(PORT))
    attempts = 1
    while not played_whole(scheduler, f"attempt {attempts}"):
        assert attempts < 5, "five times over, notes were late by more than 50 ms"
        attempts += 1
    scheduler.close()
    expected = messages(PHRASE)
    for client in clients:
        wait_until(lambda client=client: LAST_MESSAGE in client.receive(), "what close() sends last")
        received = only_notes(client.receive())[-len(expected) :]
        assert sorted(received) == sorted(expected)
        for pitch in {note.pitch for note in PHRASE}:  # in order; other pitches may come in between on a busy machine
            assert [m for m in received if m[1] == pitch] == [m for m in expected if m[1] == pitch]


def test_cancel_and_close_are_heard(jack: DummyJack, listen: Callable[[str], Listener]) -> None:
    scheduler = Scheduler(open_sink)
    scheduler.start()
    client = listen(PORT)
    for silence in (lambda: scheduler.cancel("job"), scheduler.panic, scheduler.close):
        client.messages.clear()
        while not scheduler.sounding:
            scheduler.play("job", [NoteEvent(0.0, 600.0, 60, 90)], scheduler.now() + 0.05)
            wait_until(lambda: scheduler.sounding or scheduler._queue.next_due is None, "the note")
        wait_until(lambda: (0x90, 60, 90) in client.receive(), "the note to arrive")
        silence()
        wait_until(lambda: (0x80, 60, 0) in client.receive(), "its end to arrive")


def test_a_server_that_dies_in_the_middle_of_a_note_and_comes_back(
    jack: DummyJack, midi_dump: Callable[[str], MidiDump], capfd: pytest.CaptureFixture[str]
) -> None:
    states: list[PortState] = []
    scheduler = Scheduler(open_sink, on_state=states.append)
    scheduler.start()
    scheduler.play("job", [NoteEvent(0.0, 600.0, 60, 90)], scheduler.now() + 0.1)
    wait_until(lambda: bool(scheduler.sounding), "the note")
    jack.kill()
    wait_until(lambda: not scheduler.state.is_open, "the loss to be noticed")
    assert scheduler.sounding == frozenset()
    scheduler.play("job", [NoteEvent(0.0, 1.0, 61, 90)], scheduler.now())
    wait_until(lambda: scheduler.dropped("job") == 1, "the note to be dropped")
    jack.start()
    wait_until(lambda: scheduler.state.is_open, "the port to be open again")
    assert states[0].is_open
    assert states[-1].is_open
    assert any("JACK server" in state.text for state in states if not state.is_open)
    dump = midi_dump(PORT)
    scheduler.play("more", [NoteEvent(0.0, 600.0, 62, 90)], scheduler.now() + 0.5)
    wait_until(lambda: (0x90, 62, 90) in dump.receive(), "a note after the loss")
    scheduler.close()
    wait_until(lambda: (0x80, 62, 0) in dump.receive(), "its end")
    assert capfd.readouterr().err == ""  # libjack keeps quiet


def test_a_watch_sees_the_server_run_and_end(jack: DummyJack) -> None:
    watch = JackWatch()
    frame = watch.frame()
    wait_until(lambda: watch.frame() != frame, "the server's frames to go on")
    assert not watch.gone
    jack.kill()
    wait_until(lambda: watch.gone, "the end of the server to be noticed")
    watch.close()
    watch.close()
    assert watch.frame() == 0
    assert not jack_answers()


def test_a_dummy_server_cleans_up_and_minds_its_own(jack: DummyJack) -> None:
    name = f"diffroll-own-{os.getpid()}"
    program = f"""
from diffroll_live.audio.jack.client import jack_answers
from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.errors import PortError
with DummyJack({name!r}) as server:
    assert jack_answers({name!r})
    try:
        DummyJack({name!r}).start()
    except PortError as error:
        print(error.text)
    print(server._process.pid)
assert not jack_answers({name!r})
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    sentence, pid = ran.stdout.splitlines()
    assert "already running" in sentence
    assert not Path(f"/proc/{pid}").exists()
    assert [path.name for path in Path("/dev/shm").iterdir() if name in path.name] == []
    assert jack_answers()  # the other server was left alone


def test_a_server_that_cannot_start_says_why(jack: DummyJack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PortError, match="letters, digits and hyphens"):
        DummyJack("../evil")
    program = tmp_path / "jackd"
    program.write_text("#!/bin/sh\necho no driver today\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PortError, match="no driver today"):
        DummyJack("diffroll-broken").start()
    program.unlink()
    with pytest.raises(PortError, match="apt install jackd2"):
        DummyJack("diffroll-broken").start()


def test_a_server_that_does_not_obey_is_ended_by_force(jack: DummyJack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffroll_live.audio.jack.server.STOP_SECONDS", 3.0)
    assert jack._process is not None
    process = jack._process
    process.send_signal(signal.SIGSTOP)  # hears no SIGTERM
    jack.stop()
    assert process.poll() == -signal.SIGKILL
    assert not jack_answers()
    # It gave its place back: JACK has eight, and a killed server keeps its own.
    assert jack.name.encode() not in Path("/dev/shm/jack-shm-registry").read_bytes()


def test_nobody_comes_to_a_server_before_all_have_left_the_one_that_ended(jack):
    watch = JackWatch()
    jack.kill()
    wait_until(lambda: watch.gone, "word of the end")
    with pytest.raises(PortError, match="has ended"):
        JackWatch()
    watch.close()
    jack.start()
    JackWatch().close()


def test_nobody_comes_to_a_server_that_stands_still_as_it_may_have_been_replaced(jack):
    watch = JackWatch()
    assert watch.lives()
    os.kill(jack._process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(PortError, match="stands still"):
            JackWatch()
        assert not watch.gone  # nobody has said so
    finally:
        os.kill(jack._process.pid, signal.SIGCONT)
        watch.close()


def test_each_xrun_of_the_server_is_counted_once_however_many_watch(jack):
    with JackPlayer("counter") as other:
        first, second = JackWatch(counts=True), JackWatch(counts=True)
        be_late(jack, other)
        first.close()
        third = JackWatch(counts=True)  # it takes over
        be_late(jack, other)
        for watch in (second, third):
            watch.close()


def be_late(jack: DummyJack, other: JackPlayer) -> None:
    """Let the server oversleep; another client of it must come to the same count."""
    ours, theirs = XRUNS.count, other.xruns
    assert ours is not None
    os.kill(jack._process.pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(jack._process.pid, signal.SIGCONT)
    wait_until(lambda: 0 < other.xruns - theirs == XRUNS.count - ours, "both counts")
