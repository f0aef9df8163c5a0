"""The bridge to Ardour, in a real Ardour: the editor action and its bad days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from support.ardour import ARDOUR_BRIDGE, RATE, Ardour, RegionState
from support.ardour_engine import ArdourEngine, many_notes
from support.ardour_notes import assert_alike, moved
from support.error_codes import CODES
from support.fake_engine import PEDAL
from support.golden_spool import GoldenSpool
from support.osc_client import UdpClient
from support.running import DaemonProcess, RunningDaemon
from support.waiting import wait_until

from diffroll_live.files.midi_file import read_score
from diffroll_live.types import NoteEvent

pytestmark = pytest.mark.realtime

TICK = 60 / 120 / 1920  # s, at the session's tempo


@pytest.fixture(scope="module")
def ardour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    with Ardour(tmp_path_factory.mktemp("ardour"), [ARDOUR_BRIDGE / "diffroll_live_transcribe.lua"]) as running:
        yield running


@pytest.fixture
def daemon(ardour: Ardour) -> Iterator[RunningDaemon]:
    with start_daemon(ardour) as running:
        yield running


def start_daemon(ardour: Ardour) -> RunningDaemon:
    """Make a daemon that Ardour's scripts find."""
    return RunningDaemon(ardour.home, ArdourEngine, spool=ardour.spool)


@pytest.fixture
def region(ardour: Ardour, make_wav: Callable[..., Path], tmp_path: Path) -> Callable[..., str]:
    """Place a stereo tone of so many seconds on a track of its own and select it."""

    def place(name: str, seconds: float, at: int = 0) -> str:
        ardour.place(make_wav(tmp_path / f"{name}.wav", seconds=seconds, rate=RATE, channels=2), at)
        return name

    return place


def transcribe(ardour: Ardour) -> list[str]:
    """Press the key, wait, and give what the user was told."""
    ardour.press("diffroll_live_transcribe")
    return ardour.wait()


def names(ardour: Ardour) -> set[str]:
    return {state.name for state in ardour.regions()}


def test_the_notes_of_a_region_land_beside_it_and_one_undo_takes_them_away(ardour, daemon, region):
    at = 96_001
    name = region("klavier-ü", 3.0, at)
    (audio,) = ardour.regions()
    assert transcribe(ardour) == []
    written = RegionState("klavier-ü notes", "klavier-ü notes", at, audio.length)
    assert set(ardour.regions()) == {audio, written}
    wanted = [NoteEvent(0.5 * i, 0.5 * i + 0.25, 40 + i, 1 + i) for i in range(6)]
    assert_alike(ardour.notes(written.name), moved(wanted, at / RATE), TICK)
    pedal = read_score(ardour.file_of(written.name)).pedal
    assert [(s.down, s.up) for s in pedal] == [pytest.approx((s.down, s.up), abs=2 * TICK) for s in PEDAL]
    ardour.lua("Editor:undo (1)")
    assert ardour.regions() == [audio]
    ardour.lua("Editor:redo (1)")
    assert set(ardour.regions()) == {audio, written}
    assert ardour.kept("progress")[0] == "Calling the daemon"
    ardour.select(name)


def test_notes_follow_a_change_of_tempo(ardour, daemon, region):
    ardour.lua("""
        local tempo = Temporal.TempoMap.write_copy ()
        tempo:set_tempo (Temporal.Tempo (75, 75, 4), Temporal.timepos_t (48000 * 201))
        Temporal.TempoMap.update (tempo)""")
    name = region("rubato", 3.0, 200 * RATE)
    assert transcribe(ardour) == []
    wanted = [NoteEvent(0.5 * i, 0.5 * i + 0.25, 40 + i, 1 + i) for i in range(6)]
    assert_alike(ardour.notes(f"{name} notes"), moved(wanted, 200.0), 2 * TICK)


def test_the_golden_session_is_true_in_ardour(ardour, region):
    name = region("golden", 1.0, 10 * RATE)
    with GoldenSpool(ardour.spool) as golden:
        assert transcribe(ardour) == []
        wait_until(lambda: golden.heard[-1][0] == "/diffroll/audio/free", "the end of what the script says")
    wanted = [NoteEvent(10.0, 10.25, 40, 1), NoteEvent(10.5, 10.75, 41, 2)]
    assert_alike(ardour.notes(f"{name} notes"), wanted, TICK)
    assert [address.removeprefix("/diffroll/") for address, *_ in golden.heard if "ping" not in address] == (
        ["hello", "audio/file", "job/new", "job/tempo", "job/set", "job/set", "job/run", "job/cancel", "audio/free"]
    )
    assert ["/diffroll/job/tempo", "transcription", 0.0, 120.0, 4, 4, 0.0] in golden.heard
    assert ["/diffroll/job/new", "transcription", "transcribe", "region"] in golden.heard


def test_the_daemon_hears_of_the_sessions_bars_and_tempi(ardour, region):
    ardour.lua("""
        local tempo = Temporal.TempoMap.write_copy ()
        tempo:set_tempo (Temporal.Tempo (60, 60, 4), Temporal.timepos_t (48000 * 300))
        tempo:set_meter (Temporal.Meter (6, 8), Temporal.timepos_t (48000 * 302))
        Temporal.TempoMap.update (tempo)""")
    region("bars", 3.0, 301 * RATE)
    with GoldenSpool(ardour.spool) as golden:
        transcribe(ardour)
        wait_until(lambda: golden.heard[-1][0] == "/diffroll/audio/free", "the end of what the script says")
    rows = [row[2:] for row in golden.heard if row[0] == "/diffroll/job/tempo"]
    assert (rows[0][0] <= 0.0, rows[0][4]) == (True, 0.0), "a bar begins there"
    assert rows[-1][1:4] == [60.0, 6, 8]
    beats = sum((after[0] - before[0]) * before[1] / 60.0 for before, after in pairwise(rows))
    assert rows[-1][4] == pytest.approx(beats, abs=0.25), "a tempo is told at the next sixteenth"


def test_answers_that_are_none_write_nothing(ardour, region):
    name = region("nonsense", 1.0, 15 * RATE)
    good = {"job": "", "index": 0, "pitch": 60, "t": 0.0, "duration": 0.5, "velocity": 80, "variation": 0}
    for bad in ({"pitch": 300}, {"velocity": 0}, {"t": "os.exit ()"}, {"index": 0.5}):
        ardour.select(name)
        with GoldenSpool(ardour.spool) as golden:
            note = ("/diffroll/note", tuple(("", value) for value in (good | bad).values()))
            golden.answers["/diffroll/job/run"] = [note, ("/diffroll/job/done", (("s", ""), ("i", 1)))]
            (told,) = transcribe(ardour)
        assert "cannot be understood" in told
    assert f"{name} notes" not in names(ardour)


def test_every_refusal_of_every_step_is_told(ardour, region):
    name = region("refused", 1.0, 18 * RATE)
    for step in ("hello", "audio/file", "job/run"):
        for code in CODES:
            ardour.select(name)
            with GoldenSpool(ardour.spool) as golden:
                error = (("s", ""), ("s", code), ("s", "As planned."))
                golden.answers[f"/diffroll/{step}"] = [("/diffroll/error", error)]
                assert transcribe(ardour) == ["As planned."]
    assert f"{name} notes" not in names(ardour)


def test_a_second_transcription_lands_on_the_same_track(ardour, daemon, region):
    name = region("twice", 3.0, 20 * RATE)
    for _ in range(2):
        ardour.select(name)
        assert transcribe(ardour) == []
    assert [state.track for state in ardour.regions() if state.name == "twice notes"] == ["twice notes"] * 2


def test_five_thousand_notes(ardour, daemon, region):
    name = region("many", 1.0, 30 * RATE)
    assert transcribe(ardour) == []
    found = ardour.notes(f"{name} notes")
    assert_alike(found, moved(many_notes(), 30.0), TICK)


def test_nothing_is_selected(ardour, daemon):
    ardour.lua("Editor:get_selection ():clear_all ()")
    (told,) = transcribe(ardour)
    assert "Select an audio region" in told


def test_no_daemon(ardour, region):
    name = region("alone", 3.0, 40 * RATE)
    (told,) = transcribe(ardour)
    assert "diffroll-live serve" in told
    assert not list(ardour.spool.rglob("*.jsonl"))
    assert f"{name} notes" not in names(ardour)


def test_cancel(ardour, daemon, region):
    name = region("unwanted", 2.0, 50 * RATE)
    ardour.press("diffroll_live_transcribe")
    wait_until(lambda: "Transcribing" in ardour.kept("progress"), "the engine to be at work")
    ardour.cancel()
    assert ardour.wait() == []
    assert f"{name} notes" not in names(ardour)
    with daemon.udp() as client:
        wait_until(lambda: state_of(client) == "ready", "the engine to be idle")


def test_a_region_that_is_deleted_meanwhile_gets_no_notes(ardour, daemon, region):
    name = region("gone", 3.0, 60 * RATE)
    with daemon.udp() as client:  # whose job is before ours, for as long as we like
        hold(client)
        ardour.press("diffroll_live_transcribe")
        wait_until(lambda: "Waiting for the daemon" in ardour.kept("progress"), "the job to be queued")
        ardour.meanwhile(f"""
            for route in Session:get_tracks ():iter () do
              local playlist = route:to_track ():playlist ()
              for region in playlist:region_list ():iter () do
                if region:name () == "{name}" then playlist:remove_region (region) end
              end
            end""")
        client.send("/diffroll/job/cancel", "long")
    (told,) = ardour.wait()
    assert "deleted" in told
    assert not {name, f"{name} notes"} & names(ardour)


def test_a_region_whose_file_was_moved(ardour, daemon, region):
    name = region("moved", 3.0, 65 * RATE)
    left, _ = sorted(ardour.session.parent.rglob(f"{name}*.wav"))  # Ardour keeps a file for each channel
    left.rename(left.with_suffix(".away"))
    (told,) = transcribe(ardour)
    assert "file" in told
    assert f"{name} notes" not in names(ardour)
    assert not list((ardour.spool / "audio").iterdir())


def test_a_daemon_that_is_stopped_meanwhile(ardour, region):
    name = region("interrupted", 2.0, 70 * RATE)
    with start_daemon(ardour):
        ardour.press("diffroll_live_transcribe")
        wait_until(lambda: "Transcribing" in ardour.kept("progress"), "the engine to be at work")
    (told,) = ardour.wait()
    assert "cancelled" in told
    assert f"{name} notes" not in names(ardour)


def test_a_daemon_that_crashes_and_is_restarted_meanwhile(ardour, region):
    name = region("forgotten", 3.0, 80 * RATE)
    with DaemonProcess(ardour.home, "--spool") as process, UdpClient(process.port) as client:
        hold(client)
        ardour.press("diffroll_live_transcribe")
        wait_until(lambda: "Waiting for the daemon" in ardour.kept("progress"), "the job to be queued")
    with start_daemon(ardour):
        (told,) = ardour.wait()
    assert "restarted" in told
    assert f"{name} notes" not in names(ardour)


def hold(client: UdpClient) -> None:
    """Keep the engine busy until the job "long" is cancelled."""
    client.send("/diffroll/job/new", "long", "generate", "")
    client.send("/diffroll/job/set", "long", "steps", 1000)
    client.send("/diffroll/job/run", "long")
    client.expect("/diffroll/job/progress")


def state_of(client: UdpClient) -> str:
    return str(client.ask("/diffroll/status", answer="/diffroll/status").args[0])
