"""``diffroll-live live`` on a real JACK server with a fake engine: what it prints, plays and leaves behind."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console
from support.commands import run_until
from support.fake_engine import LIVE_PITCH, make_engine
from support.jack import DummyJack, Listener
from support.tone import Tone
from support.waiting import wait_until

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.cli.live_events import Screen
from diffroll_live.osc import replies as r


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr("diffroll_live.cli.worker.EngineFactory", lambda *_: make_engine)


@pytest.fixture
def tone(jack: DummyJack) -> Iterator[Tone]:
    with Tone() as running:
        yield running


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_jack_client_plays_sounds_on_the_port_and_ends_with_ctrl_c(
    fake_engine: None, tone: Tone, listen: Callable[[str], Listener], capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[Listener] = []
    starts, ends = (0x90, LIVE_PITCH), (0x80, LIVE_PITCH)

    def messages() -> list[tuple[int, ...]]:
        return [message[:2] for message in heard[0].receive()]

    def a_note_sounds() -> None:
        heard.append(listen("diffroll-live:notes"))
        wait_until(lambda: starts in messages(), "a note on the MIDI port")

    assert run_until(["live", "--in", tone.client, "--latency", "300"], a_note_sounds) == exit_codes.OK
    wait_until(lambda: messages().count(starts) == messages().count(ends), "the end of the note")
    said = events(capsys.readouterr().out)
    assert said[0] == {"event": "audio/listening", "buffer": "live", "sample_rate": 48_000}
    assert max(one["peak"] for one in said if one["event"] == "audio/level") == pytest.approx(-6.0, abs=1.0)
    assert {"live/note", "live/status"} <= {one["event"] for one in said}


def test_a_vanished_server_is_told_and_does_not_end_it(
    fake_engine: None, jack: DummyJack, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def tells(event: str) -> bool:
        said.append(capsys.readouterr().out)
        return f'"{event}"' in "".join(said)

    def the_server_comes_back() -> None:
        wait_until(lambda: tells("audio/listening"), "the device to be heard")
        jack.kill()
        wait_until(lambda: tells("audio/vanished"), "word of the loss")
        jack.start()
        wait_until(lambda: tells("audio/reconnected"), "word of the return")

    assert run_until(["live", "--in", "jack", "--out", "none", "--json"], the_server_comes_back) == exit_codes.OK


def test_inputs_are_listed(jack: DummyJack, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", "--list"]) == exit_codes.OK
    assert "* system, JACK Audio Connection Kit (2 channels, 48000 Hz)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--in", "theremin"], exit_codes.PORT, "Choose one of: system, JACK"),
        (["--in", "jack", "--out", "nobody"], exit_codes.PORT, "no MIDI port 'nobody'"),
        (["--latency", "10"], exit_codes.USAGE, "50"),
        (["--latency", "nan"], exit_codes.USAGE, "finite"),
        (["--lane", "revise"], exit_codes.USAGE, "commit"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_loaded(
    jack: DummyJack, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["live", *arguments]) == code
    assert said in capsys.readouterr().err


def test_without_an_input_it_says_so(no_jack: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live"]) == exit_codes.PORT
    assert "no audio input" in capsys.readouterr().err


# The screen


def drawn(screen: Screen) -> str:
    console = Console(width=110, file=io.StringIO(), record=True)
    console.print(screen._draw())
    return console.export_text()


def test_the_screen_shows_level_latency_and_the_last_notes() -> None:
    screen = Screen("Scarlett", lambda: "Notes go to synth.", 200.0)
    assert "loading the model" in drawn(screen)
    screen.show(r.AudioListening("live", 48_000))
    screen.show(r.AudioLevel("live", -30.0, -3.0))
    screen.show(r.LiveStatus("live", 5.0, 70, 1, 2, 0.25, 200.0))
    for index in range(20):
        for lane in ("preview", "commit"):
            screen.show(r.LiveNote("live", index, lane, 60 + index, 4.85, 0.0, 90))
    screen.show(r.LiveNote("live", 19, "commit", 79, 4.85, 0.4, 90))
    screen.show(r.LiveNote("live", 18, "revise", 78, 4.85, 0.0, 0))
    picture = drawn(screen)
    for part in ("Scarlett", "Notes go to synth.", "48000 Hz", "-30.0 dBFS", "latency 200 ms", "load 25 %", "late 2"):
        assert part in picture
    assert "decided after 15" in picture  # 150 ms and what the test took
    assert "G5" in picture
    assert "0.40 s" in picture
    assert "F#5" not in picture  # taken back
    assert "C4" not in picture  # of long ago
    assert picture.count("=") == 20
    assert picture.index("|") - picture.index("[") - 1 == 38


@pytest.mark.parametrize(
    ("reply", "part"),
    [
        (r.AudioVanished("live", "The input is gone."), "The input is gone."),
        (r.AudioReconnected("live", 44_100), "44100 Hz"),
        (r.AudioOverrun("live", 3, 0.5), "overruns 3 (0.50 s)"),
        (r.LiveStatus("live", 5.0, 70, 1, 2, 0.25, 280.0), "latency 200 ms asked, 280 ms held"),
    ],
)
def test_the_screen_shows_what_goes_wrong(reply: Any, part: str) -> None:
    screen = Screen("Scarlett", lambda: "no MIDI", 200.0)
    screen.show(reply)
    assert part in drawn(screen)
