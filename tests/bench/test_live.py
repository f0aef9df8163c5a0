"""The loop of the live bench in short form: audio into a real JACK port, a real daemon, MIDI out of a real port."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.jack import DummyJack
from support.paths import EXAMPLES
from support.tiny import write_tiny_model

from diffroll_live.audio.jack.server import SAMPLE_RATE
from diffroll_live.bench.figures import Settings
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.bench.live import Recorded, live
from diffroll_live.bench.live_material import PEAK, recorded, rendered
from diffroll_live.bench.live_scores import match, match_shifted
from diffroll_live.bench.xruns import xruns
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.errors import FileError, PortError, TimedOut

SECONDS = 2.5  # of the clip


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The beginning of the example clip and its notes."""
    samples, rate = soundfile.read(EXAMPLES / "clip.flac")
    soundfile.write(tmp_path / "start.wav", samples[: round(SECONDS * rate)], rate)
    with (EXAMPLES / "clip.csv").open(newline="") as source, (tmp_path / "start.csv").open("w", newline="") as target:
        header, *rows = csv.reader(source)
        csv.writer(target).writerows([header, *(row for row in rows if float(row[0]) < SECONDS)])
    return tmp_path / "start.wav"


@pytest.mark.realtime
@pytest.mark.timeout(300)  # in real time, on a machine that may be busy
def test_what_is_played_comes_out_of_the_midi_port(recording: Path) -> None:
    steps: list[tuple[int, int]] = []
    settings = Settings(None, "cpu", latencies_ms=(250.0,), recording=recording)
    figures = list(live(settings, lambda done, total: steps.append((done, total))))
    values = {figure.name.removeprefix("live at 250 ms: "): figure.median for figure in figures}
    assert values["start.wav: onset F1 offline"] > 0.5
    assert values["notes left sounding"] == 0
    assert {figure.asked for figure in figures} == {None, 0.0, 5.0, 300.0}
    assert steps == [(1, 2), (2, 2)]
    if values["hops missed"] == values["losses of audio"] == 0:  # else this machine has no time for live input
        assert values["onset F1 below offline"] < 40
        assert 150 < values["sound to MIDI, p95"] < 350


@pytest.mark.realtime
@pytest.mark.timeout(300)
def test_a_jack_server_is_watched_without_and_with_work(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny").path
    settings = Settings(str(model), "cpu", repeat=1, xrun_seconds=1.0, minute_seconds=5.0)
    steps: list[tuple[int, int]] = []
    idle, working = xruns(settings, lambda *step: steps.append(step))
    assert steps == [(1, 1)]
    assert len(idle.values) == len(working.values) == 1
    assert working.asked == idle.values[0] >= 0


def test_notes_count_by_the_latency_that_was_held() -> None:
    recorded = Recorded(held=[(1.0, 0.1), (2.0, 0.3), (3.0, 0.1)])
    np.testing.assert_array_equal(recorded.held_at(np.array([0.5, 1.5, 2.5, 9.0]), 0.1), [0.1, 0.3, 0.1, 0.1])
    np.testing.assert_array_equal(recorded.held_at(np.array([1.5]), 0.4), [0.4])
    np.testing.assert_array_equal(Recorded().held_at(np.array([1.5]), 0.2), [0.2])
    played, sent = np.array([[1.0, 60.0], [2.0, 60.0]]), np.array([[1.1, 60.0], [2.3, 60.0]])
    assert len(match(played, sent, -0.05, 0.05, np.array([0.1, 0.1])).lags) == 1
    found = match(played, sent, -0.05, 0.05, np.array([0.1, 0.3]))
    np.testing.assert_allclose(found.lags, [0.1, 0.3])


def test_the_player_plays_to_the_end_and_needs_a_server_and_a_port(
    jack: DummyJack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffroll_live.bench.jack_player._CONNECT_SECONDS", 0.2)
    with JackPlayer("piano") as player:
        with pytest.raises(TimedOut, match="nobody:notes"):
            player.record_from("nobody:notes")
        first = player.play(np.ones(4800, np.float32))
        assert player.play(np.ones(4800, np.float32)) >= first + 4800
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "diffroll-nobody")
    with pytest.raises(PortError, match="No JACK server"):
        JackPlayer("piano")


def test_recordings_come_at_the_servers_rate_with_their_notes(recording: Path) -> None:
    performance = recorded(recording)
    assert len(performance.samples) == round(SECONDS * SAMPLE_RATE)
    assert np.abs(performance.samples).max() == pytest.approx(PEAK)
    assert performance.notes.shape[1] == 4
    recording.with_suffix(".csv").unlink()
    with pytest.raises(FileError, match="notes of the recording"):
        recorded(recording)


@pytest.mark.slow
def test_rendered_music_sounds_where_its_notes_are() -> None:
    performance = rendered(5.0)
    first, last = performance.notes[:, 0].min(), performance.notes[:, 0].max()
    assert np.abs(performance.samples[: round(max(first - 0.05, 0.0) * SAMPLE_RATE)]).max(initial=0.0) < 0.01
    assert np.abs(performance.samples[round(last * SAMPLE_RATE) :]).max() > 0.01


def test_notes_are_paired_by_pitch_and_within_a_window() -> None:
    played = np.array([[1.0, 60], [1.2, 60], [1.0, 64], [2.0, 70]])
    sent = np.array([[1.2, 60], [1.4, 60], [1.15, 64], [2.5, 70], [3.0, 50]])
    found = match(played, sent, 0.1, 0.3)
    assert sorted(round(lag, 3) for lag in found.lags) == [0.15, 0.2, 0.2]
    assert found.f1 == pytest.approx(2 * 3 / 9)
    assert found.percentile(50) == pytest.approx(0.2)
    assert match(played[:0], sent[:0], 0.0, 1.0).f1 == 1.0


def test_notes_with_another_zero_are_shifted_first() -> None:
    rng = np.random.default_rng(0)
    played = np.column_stack([np.sort(rng.uniform(0, 20, 60)), rng.integers(50, 70, 60)])
    told = played + np.array([7.391, 0.0]) + np.column_stack([rng.normal(0, 0.005, 60), np.zeros(60)])
    assert match_shifted(played, told[3:], 0.05).f1 > 0.95
    assert match_shifted(played, told[:0], 0.05).f1 == 0.0


@pytest.mark.parametrize("options", [("--live", "--only", "clip"), ("--minutes", "1"), ("--latency", "100")])
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...]) -> None:
    assert run(["bench", *options]) == exit_codes.USAGE
