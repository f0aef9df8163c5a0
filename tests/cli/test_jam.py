"""``diffroll-live jam`` on a real JACK server with a fake engine: a keyboard plays, and the model answers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
import rtmidi
from support.commands import run_until
from support.fake_engine import make_engine
from support.jack import DummyJack, Listener
from support.jams import send_to
from support.waiting import wait_until

from diffroll_live.bench.memory import PROC, family, proc_parents
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.cli.jam_events import JamPrinter
from diffroll_live.osc import jam_replies as j
from diffroll_live.osc import replies as r


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffroll_live.cli.worker.EngineFactory", lambda *_: make_engine)


def strike(keyboard: rtmidi.MidiOut, *pitches: int) -> None:
    for pitch in pitches:
        keyboard.send_message((0x90, pitch, 80))
        time.sleep(0.05)
        keyboard.send_message((0x80, pitch, 0))


def test_the_model_answers_a_keyboard_and_no_note_hangs(
    jack: DummyJack, listen: Callable[[str], Listener], capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[Listener] = []

    def starts() -> list[int]:
        return [pitch for kind, pitch, velocity in heard[0].receive() if kind == 0x90 and velocity]

    def a_note_answers() -> None:
        heard.append(listen("diffroll-live:notes"))
        keyboard = send_to("diffroll-live-jam:in")
        try:
            strike(keyboard, 60, 64, 67, 21)
            wait_until(lambda: bool(starts()), "an answer on the MIDI port")
        finally:
            keyboard.delete()

    assert run_until(["jam", "--cue", "note 21", "--json"], a_note_answers) == exit_codes.OK
    wait_until(lambda: len(starts()) == sum(m[0] == 0x80 for m in heard[0].receive()), "the end of every note")
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["state"] for one in said if one["event"] == "jam/state"][:2] == ["listening", "answering"]
    assert {"note"} <= {one["event"] for one in said}


def test_a_killed_engine_and_a_lost_keyboard_do_not_end_it(jack: DummyJack, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def told() -> list[dict[str, Any]]:
        said.append(capsys.readouterr().out)
        return [json.loads(line) for line in "".join(said).splitlines()]

    def answers() -> int:
        return sum(one.get("state") == "answering" for one in told())

    def play(times: int) -> None:
        keyboard = send_to("diffroll-live-jam:in")
        try:
            strike(keyboard, 60, 21)
            wait_until(lambda: answers() == times, "the model's turn")
            strike(keyboard, 62)
        finally:
            keyboard.delete()

    def troubles_come_and_go() -> None:
        play(1)
        for each in family(os.getpid(), proc_parents()):
            if b"spawn_main" in (PROC / str(each) / "cmdline").read_bytes():
                os.kill(each, signal.SIGKILL)
        play(2)
        jack.kill()
        wait_until(lambda: any(one.get("code") == "port-closed" for one in told()), "word of the loss")
        jack.start()
        play(3)

    assert run_until(["jam", "--cue", "note 21", "--json"], troubles_come_and_go) == exit_codes.OK


def test_a_cue_that_is_none_is_told(jack: DummyJack, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["jam", "--cue", "shout"]) == exit_codes.USAGE
    assert "The option cue must be none, pedal" in capsys.readouterr().err


def test_the_story_tells_turns_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with JamPrinter() as story:
        for reply in (
            j.JamState("jam", "listening"),
            j.JamState("jam", "answering"),
            r.Note("jam", 0, 60, 0.0, 0.5, 80, 0),
            r.Note("jam", 1, 64, 0.5, 0.5, 80, 0),
            j.JamAhead("jam", 3400.0, 2),
            r.Error("jam", "internal", "The inference process was killed."),
            j.JamState("jam", "listening"),
        ):
            story.show(reply)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "your turn",
        "the model's turn",
        " C4 E4",
        "  written 3.4 s ahead, 2 notes came too late",
        "The inference process was killed.",
        "your turn",
    ]
