"""Playing in turns with the daemon: real sockets, a real inference process, a fake engine in it."""

from __future__ import annotations

import itertools
import time

import pytest
from support.jams import send_to
from support.musician import Musician
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.server.jam.handlers import MAX_JAMS

PEDAL = 64
NAMES = (f"jam-{number}" for number in itertools.count())


@pytest.fixture
def jam(client):
    """A jam that hears notes over OSC, and never takes a rest for a cue."""
    name = next(NAMES)
    client.send("/diffroll/jam/start", name, "osc")
    assert client.expect("/diffroll/jam/state").args == (name, "listening")
    client.send("/diffroll/jam/set", name, "rest_bars", 0)
    yield name
    client.send("/diffroll/jam/stop", name)


def strike(client, jam: str, *pitches: int) -> None:
    for pitch in pitches:
        client.send("/diffroll/jam/note", jam, pitch, 80)
        time.sleep(0.02)
        client.send("/diffroll/jam/note", jam, pitch, 0)


@pytest.mark.realtime
def test_the_model_answers_a_cue_and_stays_ahead(daemon, client, jam):
    client.send("/diffroll/jam/set", jam, "quality", "draft")
    strike(client, jam, 60, 64, 67)
    client.send("/diffroll/jam/cue", jam)
    assert client.expect("/diffroll/jam/state").args == (jam, "answering")
    notes = [client.expect("/diffroll/note").args for _ in range(12)]
    assert [note[0] for note in notes] == [jam] * 12
    assert [note[1] for note in notes] == list(range(12)), "more than one stretch, without a gap in the count"
    onsets = [note[3] for note in notes]
    assert onsets == sorted(onsets)
    _, ms, dropped = client.expect("/diffroll/jam/ahead").args
    assert ms > 0
    assert dropped == 0


@pytest.mark.realtime
def test_playing_on_ends_the_answer(daemon, client, jam):
    strike(client, jam, 60)
    client.send("/diffroll/jam/cue", jam)
    client.expect("/diffroll/note")
    client.send("/diffroll/jam/note", jam, 72, 80)
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == (jam, "listening")
    client.send("/diffroll/panic")
    client.until("/diffroll/panicked")
    owner = next(owner for owner, _, _ in daemon.scheduler.played if owner.endswith(f"/jam/{jam}"))
    calls = [call for call, who in daemon.scheduler.calls if who == owner]
    assert calls[-1] == "cancel"


@pytest.mark.realtime
def test_a_rest_gives_the_turn(client, jam):
    client.send("/diffroll/jam/set", jam, "tempo", 400)
    client.send("/diffroll/jam/set", jam, "beats", 1)
    client.send("/diffroll/jam/set", jam, "rest_bars", 2)  # 0.3 s
    strike(client, jam, 60, 62)
    assert client.expect("/diffroll/jam/state").args == (jam, "answering")


def test_a_note_may_be_the_cue(client, jam):
    client.send("/diffroll/jam/set", jam, "cue", "note 21")
    strike(client, jam, 60)
    client.send("/diffroll/jam/note", jam, 21, 1)
    assert client.expect("/diffroll/jam/state").args == (jam, "answering")
    client.send("/diffroll/jam/listen", jam)
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == (jam, "listening")


def test_panic_gives_the_turn_back(client, jam):
    strike(client, jam, 60)
    client.send("/diffroll/jam/cue", jam)
    client.expect("/diffroll/note")
    client.send("/diffroll/panic")
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == (jam, "listening")


def test_a_jam_that_stops_is_told_when_it_is_silent(daemon, client, jam):
    strike(client, jam, 60)
    client.send("/diffroll/jam/cue", jam)
    client.expect("/diffroll/note")
    client.send("/diffroll/jam/stop", jam)
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == (jam, "stopped")
    client.send("/diffroll/jam/cue", jam)
    assert client.until("/diffroll/error")[0].args[1] == "unknown-job"
    client.send("/diffroll/jam/start", jam, "osc")


def test_a_jam_of_the_same_name_takes_the_place_of_the_older_one(client, jam):
    strike(client, jam, 60)
    client.send("/diffroll/jam/cue", jam)
    client.expect("/diffroll/note")
    client.send("/diffroll/jam/start", jam, "osc")
    client.send("/diffroll/jam/cue", jam)  # nothing was played to this one
    client.send("/diffroll/ping", 3)
    _, before = client.until("/diffroll/pong")
    told = [reply.args[1] for reply in before if reply.address == "/diffroll/jam/state"]
    assert told[-1] == "listening"
    client.send("/diffroll/jam/stop", jam)
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == (jam, "stopped")
    client.send("/diffroll/jam/start", jam, "osc")


def test_there_are_no_more_jams_than_are_allowed(client):
    names = [f"crowd-{number}" for number in range(MAX_JAMS)]
    for name in names:
        client.ask("/diffroll/jam/start", name, "osc", answer="/diffroll/jam/state")
    assert client.ask_wrongly("/diffroll/jam/start", "one too many", "osc").args[1] == "busy"
    for name in names:
        client.ask("/diffroll/jam/stop", name, answer="/diffroll/jam/state")


@pytest.mark.realtime
def test_a_live_input_plays_and_a_rest_gives_the_turn(tmp_path):
    """From chunks of audio to committed notes, a phrase and an answer; and again in a new session."""
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as daemon, daemon.tcp() as client:
        musician = Musician(client)
        client.send("/diffroll/jam/start", "ears", "audio", "live")
        for key, value in (("tempo", 240), ("beats", 2), ("rest_bars", 1)):  # 0.5 s
            client.send("/diffroll/jam/set", "ears", key, value)

        def answers() -> int:
            return sum("/jam/ears" in owner for owner, _, _ in tuple(daemon.scheduler.played))

        def sounds() -> int:
            return sum(what == "on" for _, _, what in tuple(daemon.scheduler.held))

        musician.play(0.5, lambda: sounds() == 1)
        musician.play(0.0, lambda: answers() > 0)
        musician.play(0.5, lambda: sounds() == 2)
        reply, _ = client.until("/diffroll/jam/state")
        while reply.args[1] == "listening":
            reply, _ = client.until("/diffroll/jam/state")
        assert client.until("/diffroll/jam/state")[0].args == ("ears", "listening"), "playing ends the answer"
        again = Musician(client)  # the same name: a new session, which the jam follows
        before = answers()
        again.play(0.0, lambda: sounds() == 2, seconds=1.0)
        again.play(0.5, lambda: sounds() == 3)
        again.play(0.0, lambda: answers() > before)
        client.send("/diffroll/audio/free", "live")
        reply, _ = client.until("/diffroll/error")
        assert reply.args[:2] == ("ears", "unknown-buffer")
        wait_until(lambda: daemon.scheduler.calls[-1] == ("cancel", _owner(daemon)), "the end of the answer")


def _owner(daemon):
    return next(owner for owner, _, _ in daemon.scheduler.played if owner.endswith("/jam/ears"))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("/diffroll/jam/start", "x", "piano"), "bad-option"),
        (("/diffroll/jam/start", "x", "audio", "nothing"), "unknown-buffer"),
        (("/diffroll/jam/cue", "nobody"), "unknown-job"),
        (("/diffroll/jam/set", "JAM", "loudness", 3), "bad-option"),
        (("/diffroll/jam/set", "JAM", "tempo", 0), "bad-option"),
        (("/diffroll/jam/set", "JAM", "quality", "perfect"), "bad-option"),
        (("/diffroll/jam/set", "JAM", "tempo", float("nan")), "bad-message"),
        (("/diffroll/jam/set", "JAM", "cue", "note 300"), "bad-option"),
        (("/diffroll/jam/set", "JAM", "cue", 5), "bad-option"),
        (("/diffroll/jam/set", "JAM", "channel", 17), "bad-option"),
        (("/diffroll/jam/note", "JAM", 128, 80), "bad-option"),
    ],
)
def test_what_cannot_be_is_refused(client, jam, message, code):
    client.send(*(jam if part == "JAM" else part for part in message))
    reply, _ = client.until("/diffroll/error")
    assert reply.args[1] == code


# MIDI


def test_a_midi_keyboard_plays_and_its_pedal_gives_the_turn(jack, tmp_path):
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as daemon, daemon.udp() as client:
        client.send("/diffroll/jam/start", "keys", "midi")
        client.send("/diffroll/jam/set", "keys", "cue", "pedal")
        keyboard = send_to("diffroll-live-jam:in")
        try:
            for pitch in (60, 64, 67):
                keyboard.send_message((0x90, pitch, 80))
                time.sleep(0.05)
                keyboard.send_message((0x90, pitch, 0))
            keyboard.send_message((0xB0, PEDAL, 127))
            reply, _ = client.until("/diffroll/note")
            assert reply.args[0] == "keys"
            keyboard.send_message((0x92, 72, 80))
            client.until("/diffroll/jam/state")
        finally:
            keyboard.delete()


def test_a_keyboard_that_is_lost_is_told_and_heard_again(jack, tmp_path):
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as daemon, daemon.udp() as client:
        client.ask("/diffroll/jam/start", "keys", "midi", answer="/diffroll/jam/state")
        client.send("/diffroll/jam/set", "keys", "cue", "note 21")
        for key, value in (("tempo", 400), ("beats", 1)):  # two bars are 0.3 s
            client.send("/diffroll/jam/set", "keys", key, value)
        keyboard = send_to("diffroll-live-jam:in")
        keyboard.send_message((0x90, 60, 80))  # and is held when the port is lost
        time.sleep(0.1)
        jack.kill()
        keyboard.delete()
        reply, _ = client.until("/diffroll/error")
        assert reply.args[:2] == ("keys", "port-closed")
        assert client.until("/diffroll/jam/state")[0].args[1] == "answering", "a key that is lost is let go"
        jack.start()
        keyboard = send_to("diffroll-live-jam:in")
        try:
            keyboard.send_message((0x90, 64, 80))
            assert client.until("/diffroll/jam/state")[0].args == ("keys", "listening")
        finally:
            keyboard.delete()


def test_a_keyboard_that_is_not_there_is_told_and_ends_the_jam(jack, client):
    client.send("/diffroll/jam/start", "ghost", "midi", "no such keyboard")
    reply, _ = client.until("/diffroll/error")
    assert reply.args[:2] == ("ghost", "no-such-port")
    reply, _ = client.until("/diffroll/jam/state")
    assert reply.args == ("ghost", "stopped")
