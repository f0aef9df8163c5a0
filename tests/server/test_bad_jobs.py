"""Jobs that cannot be, engines that fail and disks that are full: each is told, and the daemon goes on."""

from __future__ import annotations

import math
import socket
import sys

import numpy as np
import pytest
from support.osc_client import UdpClient

RATE = 16_000


def test_a_save_outside_the_folders_is_refused_before_the_run(daemon, client):
    client.send("/diffroll/job/new", "s", "generate", "")
    for path in ("/etc/x.mid", str(daemon.folder / "x.wav"), "x.mid", str(daemon.folder / "no folder" / "x.mid")):
        client.send("/diffroll/job/set", "s", "save", path)
        error = client.ask_wrongly("/diffroll/job/run", "s")
        assert error.args[0] == "s"
        assert error.args[1] in ("file-refused", "file-not-found")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_told_and_the_notes_still_come(tmp_path, limited_daemon):
    with UdpClient(limited_daemon.port) as client:
        client.send("/diffroll/job/new", "full", "generate", "")
        client.send("/diffroll/job/set", "full", "save", str(tmp_path / "full.mid"))
        client.send("/diffroll/job/run", "full")
        job = client.collect("full", errors_end=False)
        errors = [r for r in job.before if r.address == "/diffroll/error"]
        assert [e.args[:2] for e in errors] == [("full", "file-refused")]
        assert job.end.args[1] == len(job.notes) > 0
        assert not list(tmp_path.iterdir())
        client.ping()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("new", "j", "dance", "b"), "bad-option"),
        (("new", "j", "transcribe", ""), "bad-option"),
        (("new", "", "transcribe", "b"), "bad-message"),
        (("region", "none", 0.0, 1.0), "unknown-job"),
        (("run", "none"), "unknown-job"),
        (("cancel", "none"), "unknown-job"),
        (("play", "none"), "unknown-job"),
        (("notes", "none"), "unknown-job"),
        (("redecode", "none", 0.5, 0.1), "unknown-job"),
        (("tempo", "none", 0.0, 120.0), "unknown-job"),
        (("tempo", "job", 0.0, 0.0), "bad-option"),
        (("tempo", "job", 0.0, 10_000.0), "bad-option"),
        (("tempo", "job", 0.0, math.nan), "bad-message"),
        (("tempo", "job", 0.0, 120.0, 0, 4), "bad-option"),
        (("tempo", "job", 0.0, 120.0, 4, 3), "bad-option"),
        (("tempo", "job", 0.0, 120.0, 4, 4, math.inf), "bad-message"),
        (("tempo", "job", 1e9, 120.0), "bad-option"),
        (("region", "job", 1.0, 1.0), "bad-region"),
        (("region", "job", 1.0, 1.01), "bad-region"),
        (("region", "job", 2.0, 1.0), "bad-region"),
        (("region", "job", -1.0, 1.0), "bad-region"),
        (("region", "job", math.nan, 1.0), "bad-message"),
        (("region", "job", 0.0, math.inf), "bad-message"),
        (("region", "job", 0.0, 1e30), "bad-region"),
        (("region", "job", 0.0, 1.0, 20, 60), "bad-region"),
        (("region", "job", 0.0, 1.0, 60, 109), "bad-region"),
        (("region", "job", 0.0, 1.0, 70, 60), "bad-region"),
        (("region", "job", 0.0, 1.0, 60, 70, 2), "bad-message"),
        (("region/set", "job", 0, "density", 1.0), "bad-region"),
        (("region/set", "job", -1, "density", 1.0), "bad-region"),
        (("region/set", "none", 0, "density", 1.0), "unknown-job"),
        (("note", "job", 20, 0.0, 1.0, 64), "bad-option"),
        (("note", "job", 60, 0.0, 1.0, 64, 2), "bad-message"),
        (("note", "job", 109, 0.0, 1.0, 64), "bad-option"),
        (("note", "job", 60, 0.0, 0.0, 64), "bad-option"),
        (("note", "job", 60, -1.0, 1.0, 64), "bad-option"),
        (("note", "job", 60, 0.0, 1.0, 0), "bad-option"),
        (("note", "job", 60, 0.0, 1.0, 128), "bad-option"),
        (("set", "job", "stpes", 3), "bad-option"),
        (("set", "job", "steps", 0), "bad-option"),
        (("set", "job", "steps", 2.5), "bad-option"),
        (("set", "job", "steps", "many"), "bad-option"),
        (("set", "job", "quality", "superb"), "bad-option"),
        (("set", "job", "seed", -1), "bad-option"),
        (("set", "job", "threshold", 1.0), "bad-option"),
        (("set", "job", "variations", 17), "bad-option"),
        (("set", "job", "seconds", 1e9), "bad-option"),
        (("set", "job", "deliver", 1), "bad-option"),
        (("set", "job", "when", "tomorrow"), "bad-option"),
        (("set", "job", "quantize", "1/16 2"), "bad-option"),
        (("set", "job", "quantize", 16), "bad-option"),
        (("set", "job", "scale", "minor"), "bad-option"),
        (("set", "job", "polyphony", 0), "bad-option"),
        (("set", "job", "polyphony", 2.5), "bad-option"),
        (("set", "job", "shortest", "1/5"), "bad-option"),
        (("set", "job", "longest", 0.0), "bad-option"),
        (("set", "job", "longest", 65.0), "bad-option"),
        (("set", "job", "range", "C5-C3"), "bad-option"),
        (("set", "job", "range", "C3-C9"), "bad-option"),
        (("set", "job", "range", 60), "bad-option"),
        (("set", "job", "origin", 1e9), "bad-option"),
        (("redecode", "job", 0.5, 0.1), "unknown-job"),
        (("notes", "job"), "unknown-job"),
        (("play", "job"), "bad-option"),
    ],
)
def test_jobs_that_cannot_be(client, message, code):
    client.send("/diffroll/job/new", "job", "generate", "")
    error = client.ask_wrongly(f"/diffroll/job/{message[0]}", *message[1:])
    assert error.args[1] == code
    assert error.args[2].endswith((".", "?"))


@pytest.mark.parametrize(
    ("row", "said"),
    [((1.0, 120.0), "in order"), ((3.0, 120.0, 3, 4, 2.0), "beats go on at"), ((3.0, 120.0, 3, 4, 4.0), "beats go on")],
)
def test_a_tempo_map_that_runs_backwards(client, row, said):
    client.send("/diffroll/job/new", "job", "inpaint", "")
    client.send("/diffroll/job/region", "job", 4.0, 6.0)
    client.send("/diffroll/job/note", "job", 60, 1.0, 1.0, 64)
    client.send("/diffroll/job/tempo", "job", 2.0, 120.0, 4, 4, 4.0)
    error = client.ask_wrongly("/diffroll/job/tempo", "job", *row)
    assert error.args[:2] == ("job", "bad-option")
    assert said in error.args[2]
    client.send("/diffroll/job/run", "job")  # what was in order holds
    assert client.collect("job").end.address == "/diffroll/job/done"


@pytest.mark.parametrize(("t0", "t1"), [(2.37, 3.91), (500.0, 504.0), (0.0, 600.0)])
def test_a_hole_may_lie_between_bars_or_far_from_all_notes_and_be_ten_minutes_long(client, t0, t1):
    client.send("/diffroll/job/new", "job", "inpaint", "")
    client.send("/diffroll/job/region", "job", t0, t1)
    client.send("/diffroll/job/note", "job", 60, 1.0, 1.0, 64)
    client.send("/diffroll/job/tempo", "job", 0.0, 90.0, 3, 4)
    client.send("/diffroll/job/run", "job")
    assert client.collect("job").end.address == "/diffroll/job/done"


@pytest.mark.parametrize(("t0", "t1"), [(0.5, 9.0), (5.0, 6.0), (0.5, 0.51)])
def test_regions_outside_the_buffer_or_too_short_are_never_queued(client, t0, t1):
    client.upload("b", np.zeros(RATE, "<f4").tobytes(), rate=RATE, channels=1)
    client.send("/diffroll/inpaint", "j", "b", t0, t1)
    error, before = client.until("/diffroll/error")
    assert error.args[:2] == ("j", "bad-region")
    assert "/diffroll/job/accepted" not in {reply.address for reply in before}
    client.send("/diffroll/status")
    assert client.expect("/diffroll/status/job").args[:3] == ("j", "inpaint", "new")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("density", 5.0, "bad-option"),
        ("dnsity", 1.0, "bad-option"),
        ("seed", 1, "bad-option"),
        ("scale", "H major", "bad-option"),
        ("range", "C6-C7", None),
    ],
)
def test_wishes_of_a_region_that_cannot_be(client, key, value, code):
    client.send("/diffroll/job/new", "job", "inpaint", "")
    client.send("/diffroll/job/region", "job", 0.0, 4.0, 48, 72)
    client.send("/diffroll/job/note", "job", 60, 5.0, 1.0, 64)
    if code is not None:
        assert client.ask_wrongly("/diffroll/job/region/set", "job", 0, key, value).args[1] == code
        return
    client.send("/diffroll/job/region/set", "job", 0, key, value)
    assert client.ask_wrongly("/diffroll/job/run", "job").args[:2] == ("job", "bad-region")


def test_a_job_of_notes_needs_notes_and_has_a_longest_hole(client):
    client.send("/diffroll/job/new", "job", "inpaint", "")
    client.send("/diffroll/job/region", "job", 0.0, 600.5)
    assert client.ask_wrongly("/diffroll/job/run", "job").args[:2] == ("job", "bad-audio")
    client.send("/diffroll/job/note", "job", 60, 700.0, 1.0, 64)
    assert client.ask_wrongly("/diffroll/job/run", "job").args[:2] == ("job", "bad-region")


@pytest.mark.slow
def test_ten_thousand_notes_need_no_audio(daemon):
    with daemon.tcp() as client:
        client.send("/diffroll/job/new", "many", "inpaint", "")
        client.send("/diffroll/job/region", "many", 100.0, 102.0)
        for at in range(10_000):
            client.send("/diffroll/job/note", "many", 30 + at % 60, at * 0.05, 0.04, 64, at % 2)
        client.send("/diffroll/job/run", "many")
        assert client.collect("many").end.args[1] > 9900


def test_inpainting_without_a_region(client):
    client.upload("b", np.zeros(RATE, "<f4").tobytes(), rate=RATE, channels=1)
    client.send("/diffroll/job/new", "j", "inpaint", "b")
    assert client.ask_wrongly("/diffroll/job/run", "j").args[:2] == ("j", "bad-region")


def test_regions_of_absurd_number(daemon):
    with daemon.tcp() as client:
        client.send("/diffroll/job/new", "many", "generate", "")
        for _ in range(257):
            client.send("/diffroll/job/region", "many", 0.0, 1.0)
        assert client.expect("/diffroll/error").args[:2] == ("many", "bad-region")
        client.ping()


@pytest.mark.parametrize(("name", "code"), [("raise", "internal"), ("memory", "out-of-memory")])
def test_an_engine_that_fails(client, name, code):
    client.send("/diffroll/generate", name, 1.0)
    assert client.collect(name).end.args[:2] == (name, code)
    client.send("/diffroll/generate", "good", 1.0)
    assert client.collect("good").end.address == "/diffroll/job/done"


def test_a_connection_that_ends_takes_its_jobs_along(daemon, client):
    stream = daemon.tcp()
    stream.send("/diffroll/job/new", "gone", "generate", "")
    stream.send("/diffroll/job/set", "gone", "steps", 1000)
    stream.send("/diffroll/job/run", "gone")
    stream.expect("/diffroll/job/progress")
    stream.socket.shutdown(socket.SHUT_RDWR)
    stream.close()
    client.send("/diffroll/generate", "next", 1.0)
    assert client.collect("next").end.address == "/diffroll/job/done"
