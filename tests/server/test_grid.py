"""The bars and beats that a job goes by: the client's, the DAW's, or none; told once, and written into files."""

from __future__ import annotations

import pytest
from support.fake_engine import RUBATO
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.uploads import upload_tone

from diffroll_live.files.midi_file import read_score
from diffroll_live.limits import MAX_METER_CHANGES
from diffroll_live.server.job import Job


@pytest.fixture
def own_daemon(tmp_path):
    """A daemon that has heard of no timeline, and a client of it."""
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as running, running.udp() as one:
        yield running, one


def grids(client, *settings) -> list[tuple]:
    """Run a generation; the grids that are told, of which each comes before the first note."""
    client.send("/diffroll/job/new", "new", "generate", "")
    for address, *arguments in settings:
        client.send(f"/diffroll/job/{address}", "new", *arguments)
    client.send("/diffroll/job/run", "new")
    _, before = client.until("/diffroll/job/done")
    addresses = [reply.address for reply in before]
    assert "/diffroll/job/grid" not in addresses[addresses.index("/diffroll/note") :]
    return [tuple(reply.args[1:]) for reply in before if reply.address == "/diffroll/job/grid"]


@pytest.mark.slow
def test_a_grid_is_told_once_wherever_it_comes_from(own_daemon):
    _, client = own_daemon
    assert grids(client) == [("none", 0.0, 120.0, 4, 4, 0.0)]
    client.send("/tempo/raw", 90.0)
    assert grids(client) == [("transport", 0.5, 90.0, 4, 4, 0.0)]  # where the bars are is a guess
    client.send("/diffroll/transport", 0, 1.0, 60.0, 2.0, 3, 4)  # at beat 2 of a bar that began at -1 s
    assert grids(client) == [("transport", 1.0, 60.0, 3, 4, 2.0)]
    rows = [("tempo", -0.5, 100.0, 6, 8, 0.0), ("tempo", 0.7, 50.0)]
    assert grids(client, *rows) == [("given", 1.0, 100.0, 6, 8, pytest.approx(1.9, abs=1e-5))]


def test_a_tempo_that_no_music_has_is_not_taken_from_the_transport(own_daemon):
    _, client = own_daemon
    client.send("/tempo/raw", 1500.0)
    assert grids(client) == [("none", 0.0, 120.0, 4, 4, 0.0)]


def test_a_transcription_tells_its_grid_behind_its_notes(own_daemon, make_wav, tmp_path):
    _, client = own_daemon
    client.send("/diffroll/audio/file", "take", str(make_wav(tmp_path / "take.wav")))
    client.expect("/diffroll/audio/ready")
    client.send("/diffroll/transcribe", "job", "take")
    _, before = client.until("/diffroll/job/done")
    assert before[-1].address == "/diffroll/job/grid"
    assert before[-1].args[1:3] == ("none", 0.0)


def test_every_change_of_a_grid_is_told_on_request(own_daemon):
    _, client = own_daemon
    assert client.ask_wrongly("/diffroll/job/grid/changes", "none").args[1] == "unknown-job"
    client.send("/diffroll/job/new", "new", "generate", "")
    assert client.ask_wrongly("/diffroll/job/grid/changes", "new").args[1] == "unknown-job"
    grids(client, ("tempo", -0.5, 100.0, 6, 8, 0.0), ("tempo", 0.7, 50.0), ("tempo", 1.9, 50.0, 4, 4))
    client.send("/diffroll/job/grid/changes", "new")
    rows = [client.expect("/diffroll/job/grid/change").args[1:] for _ in range(3)]
    assert rows == [
        (0, 3, -0.5, 100.0, 6, 8, 0.0),
        (1, 3, pytest.approx(0.7), 50.0, 6, 8, pytest.approx(2.0)),
        (2, 3, pytest.approx(1.9), 50.0, 4, 4, pytest.approx(3.0)),
    ]


def test_a_file_that_is_saved_has_the_bars_that_were_given(own_daemon):
    daemon, client = own_daemon
    path = daemon.folder / "out.mid"
    client.send("/tempo/raw", 77.0)
    grids(client, ("tempo", 0.5, 60.0, 3, 4), ("tempo", 3.5, 90.0, 4, 4), ("set", "save", str(path)))
    meter = read_score(path).meter
    assert meter is not None
    assert [(bar.numerator, bar.denominator) for bar in meter.bars(0.0, 5.0)] == [(3, 4), (3, 4), (4, 4)]
    assert [meter.tempo.tempo_at(t) for t in (0.0, 4.0)] == pytest.approx([60.0, 90.0], rel=1e-4)
    assert meter.first_bar(0.0) == pytest.approx(0.5, abs=0.001)


def places(client, job: str, t0: float, bpm: float) -> list[float]:
    """Where the notes of a finished job lie, in quarter notes from a time at a tempo."""
    client.send("/diffroll/job/notes", job)
    _, before = client.until("/diffroll/job/done")
    return [(reply.args[3] - t0) * bpm / 60 for reply in before if reply.address == "/diffroll/note"]


def test_quantized_notes_move_onto_the_estimate_once_there_is_one_and_onto_other_rows_that_are_sent(
    own_daemon, tmp_path
):
    daemon, client = own_daemon
    upload_tone(client, "take", seconds=3.0)
    path = daemon.folder / "out.mid"
    client.send("/diffroll/job/new", "rubato", "transcribe", "take")
    client.send("/diffroll/job/set", "rubato", "quantize", "1/4")
    client.send("/diffroll/job/set", "rubato", "save", str(path))
    client.send("/diffroll/job/run", "rubato")
    _, before = client.until("/diffroll/job/done")
    grid = next(index for index, reply in enumerate(before) if reply.address == "/diffroll/job/grid")
    behind = [reply for reply in before[grid:] if reply.address == "/diffroll/note"]
    assert behind  # those that came before the estimate come again
    beats = [RUBATO.tempo.beat_at(reply.args[3]) for reply in behind]
    assert beats == pytest.approx([round(beat) for beat in beats], abs=1e-3)
    client.send("/diffroll/job/tempo", "rubato", 0.1, 70.0)
    beats = places(client, "rubato", 0.1, 70.0)
    assert beats == pytest.approx([round(beat) for beat in beats], abs=1e-3)
    client.send("/diffroll/job/save", "rubato", str(path))
    client.expect("/diffroll/job/saved")
    meter = read_score(path).meter
    assert meter is not None
    assert meter.tempo.tempo_at(1.0) == pytest.approx(70.0, rel=1e-4)
    client.send("/diffroll/job/tempo/forget", "rubato")
    client.send("/diffroll/job/notes", "rubato")
    _, before = client.until("/diffroll/job/done")
    again = [reply.args[3] for reply in before if reply.address == "/diffroll/note"]
    assert again == [reply.args[3] for reply in behind]


def test_rows_that_cannot_be_leave_those_before(own_daemon):
    _, client = own_daemon
    client.send("/diffroll/job/new", "new", "generate", "")
    client.send("/diffroll/job/tempo", "new", 0.0, 90.0)
    for row in ((0.0, 80.0), (-1.0, 80.0), (2.0, 80.0, 0, 4), (2.0, 80.0, 4, 4, -3.0)):
        assert client.ask_wrongly("/diffroll/job/tempo", "new", *row).args[1] == "bad-option"
    client.send("/diffroll/job/run", "new")
    _, before = client.until("/diffroll/job/done")
    (grid,) = [reply for reply in before if reply.address == "/diffroll/job/grid"]
    assert grid.args[1:4] == ("given", 1.0, 90.0)


def test_the_number_of_rows_is_bounded():
    job = Job("j", "generate", "")
    for t in range(MAX_METER_CHANGES):
        job.add_tempo(float(t), 120.0, None, None)
    with pytest.raises(Exception, match=str(MAX_METER_CHANGES)):
        job.add_tempo(1e5, 120.0, None, None)
    assert job.given_meter is not None
