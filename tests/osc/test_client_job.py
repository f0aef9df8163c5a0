"""What a client sends of a request besides its audio, and what comes back of it besides new notes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.asking import Listener, noise, planned, rounded
from support.fake_engine import RUBATO, notes_of
from support.running import RunningDaemon

from diffroll_live.errors import AudioError, ProtocolError
from diffroll_live.meter.meter_map import MeterChange, meter_of
from diffroll_live.osc.client import Client
from diffroll_live.osc.client_job import GridReader
from diffroll_live.osc.grid_replies import JobGridChange
from diffroll_live.types import NoteEvent, Options, Region, Request

HOLE = Region(1.0, 2.0)


@pytest.fixture(scope="module")
def own_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon that no DAW has told its tempo."""
    with RunningDaemon(tmp_path_factory.mktemp("daemon")) as running:
        yield running


@pytest.fixture
def remote(own_daemon: RunningDaemon) -> Iterator[Client]:
    connected = Client("127.0.0.1", own_daemon.port, "test")
    yield connected
    connected.close()


@pytest.mark.slow
def test_notes_alone_are_filled_and_continued(remote: Client) -> None:
    known, locked = (NoteEvent(0.5, 1.0, 60, 80), NoteEvent(2.5, 3.0, 62, 80)), (NoteEvent(1.5, 1.75, 64, 70, 2),)
    inpaint = Request("x", "inpaint", None, (HOLE,), known, Options(seed=3), locked=locked)
    (notes,) = remote.run(inpaint, Listener()).variations
    assert set(notes) > {*known, *locked}
    assert rounded(notes) == rounded(notes_of(planned(inpaint), 0))
    go_on = Request("x", "continue", None, (), known, Options(seconds=2.0))
    assert rounded(remote.run(go_on, Listener()).variations[0]) == rounded(notes_of(planned(go_on), 0))
    with pytest.raises(AudioError, match="needs audio or notes"):
        remote.run(Request("x", "inpaint", None, (HOLE,)), Listener())


def test_the_bars_of_a_request_reach_the_daemon(remote: Client) -> None:
    rows = (MeterChange(-0.5, 90.0, 3, 4, 1.0), MeterChange(1.0, 120.0, 4, 4, 3.25), MeterChange(2.0, 60.0, 4, 4, 5.25))
    meter = meter_of(rows, "given")
    assert meter_of(meter.changes(), "given").bars(-3.0, 10.0) == meter.bars(-3.0, 10.0)
    control = Listener()
    remote.run(Request("bars", "inpaint", noise(3.0), (HOLE,), meter=meter), control)
    assert control.grids == [meter]


@pytest.mark.parametrize("task", ["inpaint", "transcribe"])
def test_every_change_of_an_estimate_comes_back(remote: Client, task) -> None:
    remote._names = iter(("rubato",))  # what the job's name asks the fake engine for
    control = Listener()
    remote.run(Request("any", task, noise(3.0), (HOLE,)), control)
    (told,) = control.grids
    assert (told.source, told.confidence) == ("estimated", RUBATO.confidence)
    lines = [[m.tempo.position_at(bar.beat) for bar in m.bars(-1.0, 9.0)] for m in (told, RUBATO)]
    tempi = [[change.tempo for change in m.tempo.changes] for m in (told, RUBATO)]
    assert lines[0] == pytest.approx(lines[1], abs=1e-5)
    assert tempi[0] == pytest.approx(tempi[1], rel=1e-5)


def test_changes_without_a_grid_are_refused() -> None:
    reader = GridReader("job", None)
    reader.take(JobGridChange("job", 0, 1, 0.0, 120.0, 4, 4, 0.0))
    with pytest.raises(ProtocolError, match="update it"):
        _ = reader.meter
