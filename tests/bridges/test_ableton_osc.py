"""Clips of Live's Session over a fake AbletonOSC, with a real daemon, and the commands that people give."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from support.fake_abletonosc import FakeAbletonOsc
from support.live_world import World, free_port, notes_of, write_wav
from support.osc_client import TIMEOUT, build

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.errors import BadRegion, Cancelled, FileMissing, Incomplete, PortError, RequestError, TimedOut
from diffroll_live.integrations.ableton import abletonosc, script
from diffroll_live.integrations.ableton.abletonosc import AbletonOsc
from diffroll_live.integrations.ableton.jobs import Written, run_selected
from diffroll_live.integrations.ableton.session import BeatNote, add_clip
from diffroll_live.types import NoteEvent, Options, PedalSpan, Region, Request, Result


@pytest.fixture
def live() -> Iterator[FakeAbletonOsc]:
    with FakeAbletonOsc() as fake:
        yield fake


@pytest.fixture
def osc(live: FakeAbletonOsc) -> Iterator[AbletonOsc]:
    with AbletonOsc(live.port, live.reply_port) as connected:
        yield connected


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "Prélude 夜.wav", 6)


def add_take(live: FakeAbletonOsc, path: Path, **values) -> None:
    def act(song) -> None:
        track = song.tracks[0] if song.tracks else song.add_track("Piano")
        song.add_audio_clip(track, path, 6, **values)

    live.user(act)


class Engine:
    """Remembers the request and answers with what the test wants."""

    def __init__(self, *notes: tuple[float, float, int, int]) -> None:
        self.notes = tuple(NoteEvent(*note) for note in notes)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Result:
        self.asked.append(request)
        return Result(request.id, (self.notes,), 0)


def written(live: FakeAbletonOsc, track: int = 1, scene: int = 0):
    return live.user(lambda song: notes_of(song.tracks[track].clip_slots[scene].clip))


@pytest.mark.slow
def test_an_unwarped_clip_is_transcribed_into_a_slot_beside_it(live, osc, take):
    add_take(live, take, scene=2, start_marker=1.0, loop_start=1.0, end_marker=4.0, loop_end=4.0)
    live.user(lambda song: setattr(song, "_tempo", 90.0))
    engine = Engine((0.0, 0.5, 60, 80), (2.0, 2.5, 127, 81))
    assert run_selected(osc, "transcribe", engine, Options()) == Written(2, "DiffRoll Piano")
    assert engine.asked[0].audio.seconds == pytest.approx(3.0)
    assert written(live, scene=2) == [(60, 0.0, 0.75, 80), (127, 3.0, 0.75, 81)]
    assert live.user(lambda song: song.tracks[1].clip_slots[2].clip.end_marker) == pytest.approx(4.5)
    assert live.messages == ["DiffRoll: 2 notes in DiffRoll Piano"]


@pytest.mark.slow
def test_notes_last_until_the_pedal_is_lifted(live, osc, take):
    add_take(live, take)
    live.user(lambda song: setattr(song, "_tempo", 60.0))
    engine = Engine((0.0, 0.5, 60, 80), (1.0, 1.25, 60, 80), (3.0, 3.5, 64, 80))
    run_selected(osc, "transcribe", lambda request: replace(engine(request), pedal=(PedalSpan(0.25, 2.0),)), Options())
    assert written(live) == [(60, 0.0, 1.0, 80), (60, 1.0, 1.0, 80), (64, 3.0, 0.5, 80)]


@pytest.mark.slow
def test_a_fill_hears_the_file_around_the_clip(live, osc, take):
    add_take(live, take, start_marker=2.0, loop_start=2.0, end_marker=4.0, loop_end=4.0)
    engine = Engine((2.25, 2.5, 60, 80), (1.0, 1.5, 61, 80))
    run_selected(osc, "inpaint", engine, Options())
    (asked,) = engine.asked
    assert (asked.audio.seconds, asked.regions) == (6.0, (Region(2.0, 4.0),))
    assert (asked.meter.source, asked.meter.first_bar(1.5)) == ("transport", 2.0), "a bar begins with the clip"
    assert asked.meter.signatures[0].beats == 3.0
    assert written(live) == [(60, 0.5, 0.5, 80)]  # the other one was there before the clip
    run_selected(osc, "inpaint", engine, Options(), hear=True)
    assert engine.asked.pop().regions == (Region(2.0, 4.0, hear=True),)
    run_selected(osc, "inpaint", engine, Options(), (Region(0.5, 1.0, 48, 60),))
    assert engine.asked[1].regions == (Region(2.5, 3.0, 48, 60),)
    with pytest.raises(BadRegion, match=r"plays 2\.00 s"):
        run_selected(osc, "inpaint", engine, Options(), (Region(1.0, 2.5),))


def test_a_continuation_begins_its_own_clip(live, osc, take):
    add_take(live, take)
    run_selected(osc, "continue", Engine((5.0, 5.5, 60, 80), (6.5, 7.0, 62, 80)), Options(seconds=4.0))
    assert written(live) == [(62, 1.0, 1.0, 80)]
    assert live.user(lambda song: song.tracks[1].clip_slots[0].clip.name) == "take, continued"


def test_something_new_needs_a_track_alone(live, osc):
    live.user(lambda song: song.add_track("Drums"))
    live.user(lambda song: song.view.__dict__.update(selected_track=song.tracks[0], selected_scene=song.scenes[3]))
    run_selected(osc, "generate", Engine((0.5, 1.0, 60, 80)), Options(seconds=2.0))
    assert written(live, scene=3) == [(60, 1.0, 1.0, 80)]


@pytest.mark.slow
def test_our_own_track_is_used_again(live, osc, take):
    for scene in (0, 1, 1):
        add_take(live, take, scene=scene)
        run_selected(osc, "transcribe", Engine((0.0, 0.5, 60, 80)), Options())
    names = live.user(lambda song: [track.name for track in song.tracks])
    assert names == ["Piano", "DiffRoll Piano", "DiffRoll Piano"]


@pytest.mark.slow
def test_five_thousand_notes_arrive_in_lots_of_300(live, osc, take):
    add_take(live, take)
    notes = [(0.01 * i, 0.01 * i + 0.009, 21 + i % 88, 1 + i % 127) for i in range(5000)]
    assert run_selected(osc, "transcribe", Engine(*notes), Options()).notes == 5000
    assert [note[0] for note in written(live)] == sorted(21 + i % 88 for i in range(5000))
    assert live.heard.count("/live/clip/add/notes") == 17
    assert max(live.sizes) <= 9216


@pytest.mark.slow
def test_lost_datagrams_are_sent_again(live, osc):
    live.user(lambda song: song.add_track("Piano"))
    live.lose = ["/live/clip/add/notes", "/live/song/get/num_tracks"]
    add_clip(osc, 0, 0, "x", 8.0, [BeatNote(0.01 * i, 60 + i % 2, 0.005, 90) for i in range(400)])
    assert len(written(live)) == 400
    assert live.heard.count("/live/clip/add/notes") == 3


def test_what_cannot_be_written_whole_is_taken_back(live, osc, take):
    add_take(live, take)
    live.lose = ["/live/clip/add/notes"] * 3
    with pytest.raises(Incomplete, match="2 of 2 notes"):
        run_selected(osc, "transcribe", Engine((0.0, 0.5, 60, 80), (1.0, 1.5, 61, 80)), Options())
    live.user(lambda song: song.fail.append("add_new_notes"))
    with pytest.raises(RequestError, match="as the test wanted"):
        run_selected(osc, "transcribe", Engine((0.0, 0.5, 60, 80)), Options())
    assert live.user(lambda song: [track.name for track in song.tracks]) == ["Piano"]


def test_a_clip_that_is_gone_when_the_notes_come_stays_gone(live, osc, take):
    add_take(live, take)

    def delete_meanwhile(request: Request) -> Result:
        live.user(lambda song: song.tracks[0].clip_slots[0].delete_clip())
        return Engine((0.0, 0.5, 60, 80))(request)

    with pytest.raises(Cancelled, match="moved or deleted"):
        run_selected(osc, "transcribe", delete_meanwhile, Options())
    assert live.user(lambda song: len(song.tracks)) == 1


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"markers": ((0.0, 0.0), (1.0, 2.0))}, RequestError, "install-bridge ableton"),
        ({"pitch_coarse": 2}, RequestError, "set its pitch to 0"),
        ({"file_path": "/nowhere/x.wav"}, FileMissing, "File Manager"),
    ],
)
def test_what_it_cannot_follow_is_said(live, osc, take, values, error, words):
    add_take(live, take, **values)
    with pytest.raises(error, match=words):
        run_selected(osc, "transcribe", Engine(), Options())


def test_a_selection_without_an_audio_clip_is_said(live, osc):
    with pytest.raises(RequestError, match="Select a clip on an audio track"):
        run_selected(osc, "transcribe", Engine(), Options())
    live.user(lambda song: song.add_midi_clip(song.add_track("Notes", midi=True), [(60, 0.0, 1.0, 80)]))
    with pytest.raises(RequestError, match="is a MIDI clip"):
        run_selected(osc, "transcribe", Engine(), Options())
    live.user(lambda song: song.tracks[0].clip_slots[0].delete_clip())
    with pytest.raises(RequestError, match="No clip is selected"):
        run_selected(osc, "transcribe", Engine(), Options())


def test_a_daemon_that_goes_away_leaves_live_as_it_was(live, osc, take):
    def hang_up(request: Request) -> Result:
        raise TimedOut("The daemon hung up.")

    add_take(live, take)
    with pytest.raises(TimedOut):
        run_selected(osc, "transcribe", hang_up, Options())
    assert live.user(lambda song: (len(song.tracks), song.undo_steps)) == (1, 0)


def test_live_that_closes_meanwhile_is_said(live, osc, take, monkeypatch):
    add_take(live, take)

    def close_live(request: Request) -> Result:
        monkeypatch.setattr(abletonosc, "TIMEOUT", 0.02)
        live.__exit__()
        return Engine((0.0, 0.5, 60, 80))(request)

    with pytest.raises(TimedOut, match="Live does not answer"):
        run_selected(osc, "transcribe", close_live, Options())


def test_the_fake_has_the_habits_of_the_original(live, osc):
    """What the bridge is written around is really there: otherwise these tests would prove little."""
    notes = [(60, 0.0, 1.0, 80), (127, 1.0, 1.0, 80)]
    live.user(lambda song: song.add_midi_clip(song.add_track("Notes", midi=True), notes))
    assert osc.ask("/live/clip/get/notes", 0, 0)[::5] == (60,)
    assert osc.ask("/live/clip/get/notes", 0, 0, extra=(0, 128, 0.0, 4.0))[::5] == (60, 127)
    with pytest.raises(RequestError):
        osc.tell("/live/clip/remove/notes", 0, 128, 0.0, 4.0)
    osc.tell("/live/clip/remove/notes", 0, 0, 0, 128, 1.0, 4.0)
    assert written(live, track=0) == [(60, 0.0, 1.0, 80)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        osc.close()
        client.bind(("127.0.0.1", live.reply_port))
        client.settimeout(TIMEOUT)
        packets = [build("/live/clip/get/name", 9, 9), build("/live/song/get/tempo"), build("/live/nothing")]
        live.user(lambda song: [client.sendto(packet, ("127.0.0.1", live.port)) for packet in packets])
        answers = [OscMessage(client.recv(65536)).address for _ in range(2)]
    assert answers == ["/live/error", "/live/song/get/tempo"]
    live.user(lambda song: None)  # the look is over when the next one may begin
    assert [look for look in live.looks if look][-2:] == [1, 2]  # the error has ended the first look


def test_nobody_but_abletonosc_is_listened_to(live, osc):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"/live/error\0,s\0\0rubbish\0", ("127.0.0.1", live.reply_port))
        osc.tell("/live/api/show_message", "still here")
    assert live.messages == ["still here"]


def test_live_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setattr(abletonosc, "TIMEOUT", 0.02)
    with pytest.raises(TimedOut, match="control surface"):
        AbletonOsc(free_port(), free_port())


def test_a_taken_port_is_said(live, osc):
    with pytest.raises(PortError, match="in use"):
        AbletonOsc(live.port, live.reply_port)


@pytest.fixture
def ports(live: FakeAbletonOsc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abletonosc.AbletonOsc.__init__, "__defaults__", (live.port, live.reply_port))
    monkeypatch.setattr(script.RemoteScript.__init__, "__defaults__", (free_port(),))


@pytest.mark.usefixtures("ports")
def test_the_command_talks_to_the_daemon_and_to_live(daemon, live, take, capsys):
    add_take(live, take)
    assert run(["ableton", "transcribe", "--port", str(daemon.port)]) == exit_codes.OK
    assert capsys.readouterr().out == "12 notes in DiffRoll Piano\n"
    assert len(written(live)) == 12
    assert run(["ableton", "fill", "--region", "5-9", "--port", str(daemon.port)]) == exit_codes.USAGE
    assert run(["ableton", "transcribe", "--port", str(free_port())]) == exit_codes.DAEMON
    assert "diffroll-live serve" in capsys.readouterr().err
    assert run(["ableton", "transcribe", "--through", "script", "--port", str(daemon.port)]) == exit_codes.DAEMON
    assert "DiffRollLive does not answer" in capsys.readouterr().err


def test_the_command_reaches_the_remote_script(daemon, capsys, monkeypatch):
    import threading

    with World(daemon.folder, daemon.port) as world:
        world.song.add_track("Drums")
        world.song.view.selected_track, world.song.view.selected_scene = world.song.tracks[0], world.song.scenes[0]
        monkeypatch.setattr(script.RemoteScript.__init__, "__defaults__", (world.command_port,))
        codes: list[int] = []
        for words in (["generate", "--seconds", "2", "--seed", "1"], ["fill", "--through", "script"], ["cancel"]):
            caller = threading.Thread(target=lambda words=words: codes.append(run(["ableton", *words])))
            caller.start()
            world.until(lambda caller=caller: not caller.is_alive())
        assert codes == [exit_codes.OK, exit_codes.USAGE, exit_codes.INTERNAL]
        assert [note[0] for note in notes_of(world.session_clip(world.song.tracks[1]))] == [41, 42, 43, 44]
    told = capsys.readouterr()
    assert told.out == "4 notes in DiffRoll Drums\n"
    assert "No clip is selected" in told.err
    assert "nothing to cancel" in told.err
