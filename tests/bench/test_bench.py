"""Every benchmark in a reduced form: real daemons, a real MIDI port, a model that is small. No time is judged."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest
from support.paths import TESTS
from support.running import RunningDaemon
from support.tiny import write_tiny_model

from diffroll_live.bench import daemon, material, memory, midi_lateness, upload
from diffroll_live.bench.figures import Figure, Repetitions, Settings
from diffroll_live.bench.machine import this_machine
from diffroll_live.bench.report import document
from diffroll_live.bench.table import BENCHMARKS
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.errors import InternalError, PortError
from diffroll_live.files.audio_file import read_audio


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """As little of everything as still goes all the way."""
    model = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path
    return Settings(
        str(model),
        "cpu",
        repeat=1,
        warm_ups=0,
        clip_seconds=6.0,
        requests=2,
        upload_seconds=1.0,
        file_seconds=25.0,
        play_seconds=0.2,
        jam_seconds=1.0,
        published_layers=2,
        published_channels=16,
        published_kernel=3,
    )


#: What the project asks of itself, benchmark by benchmark.
ASKED = {
    "start": {8.0, 1200.0},
    "first-note": {250.0},
    "jam": {150.0},
    "upload": set(),
    "midi": {1.0, 10.0},
    "file": {0.05},
    "clip": {0.6},
    "fills": {200.0, 0.5},
    "published": set(),
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_measures_something(name, reduced, jack):
    steps = []
    figures = list(BENCHMARKS[name](reduced, lambda done, total: steps.append((done, total))))
    for figure in figures:
        assert len(figure.values) == reduced.repeat
        assert all(math.isfinite(value) and value > 0 for value in figure.values), figure
    assert {figure.asked for figure in figures} - {None} == ASKED[name]
    total = steps[-1][1]
    assert steps == [(done, total) for done in range(1, total + 1)]


def test_warm_ups_do_not_count():
    numbers = iter(range(10))
    seen = []
    rounds = Repetitions(Settings(repeat=3, warm_ups=2), lambda *step: seen.append(step), total=2)
    assert rounds.repeat(lambda: next(numbers)) == [2, 3, 4]
    assert seen[-1] == (5, 10)


@pytest.mark.slow
def test_what_a_bad_line_drops_is_sent_again_until_the_buffer_is_whole(tmp_path):
    data = bytes(4 * upload.CHANNELS * 44_100)
    with RunningDaemon(tmp_path) as running, daemon.Link(running.port) as link:
        delivery = upload.deliver(link, data)
        link.send("/diffroll/transcribe", "listen", "line")  # refused while anything is missing
        link.until("/diffroll/job/done")
    count = -(-len(data) // upload.CHUNK_BYTES)
    assert delivery.resent >= count // upload.DROPPED


def test_the_daemons_errors_are_the_benchs(tmp_path):
    with (
        RunningDaemon(tmp_path) as running,
        daemon.Link(running.port) as link,
        pytest.raises(InternalError, match="no buffer 'nothing'"),
    ):
        link.ask("/diffroll/transcribe", "a", "nothing", answer="/diffroll/job/done")


@pytest.mark.slow
def test_a_daemon_that_does_not_start_says_why():
    with (
        pytest.raises(InternalError, match="'nowhere' is not one of"),
        daemon.running_daemon(Settings(device="nowhere")),
    ):
        pytest.fail("it started")


def test_notes_are_kept_in_memory_where_there_is_no_midi(no_jack, monkeypatch):
    def no_server(name: str) -> None:
        raise PortError(f"{name} is not there")

    monkeypatch.setattr(midi_lateness, "DummyJack", no_server)
    monkeypatch.setattr(midi_lateness, "CHOICE", midi_lateness.PortChoice("jack"))
    with midi_lateness.ExitStack() as stack:
        open_sink, where = midi_lateness.find_sink(stack)
    assert open_sink is midi_lateness.RecordingSink
    assert "memory" in where


@pytest.mark.realtime
def test_a_jack_server_of_its_own_goes_with_the_bench(no_jack, monkeypatch):
    monkeypatch.setattr(midi_lateness, "CHOICE", midi_lateness.PortChoice("jack"))
    before = dict(os.environ)
    with midi_lateness.ExitStack() as stack:
        open_sink, where = midi_lateness.find_sink(stack)
        sink = open_sink()
        sink.close()
        assert "without hardware" in where
    assert dict(os.environ) == before
    with pytest.raises(PortError):
        open_sink()


def test_memory_counts_the_whole_family():
    hold = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_HOLD!r}])"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        family, parent = memory.resident(process.pid), memory.peak(process.pid)
        process.communicate(b"\n")
    assert family > 100 > parent > 0


_HOLD = "held = bytearray(b'x') * 100_000_000; print(flush=True); input()"


def test_memory_can_be_read_where_there_is_no_proc(monkeypatch):
    rows = {1: (0, 5.0), 2: (1, 10.0), 3: (2, 20.0), 4: (1, 40.0)}
    monkeypatch.setattr(memory, "LINUX", False)
    monkeypatch.setattr(memory, "_ps_rows", lambda: rows)
    assert memory.resident(2) == 30.0
    assert memory.peak(4) == 40.0
    assert memory.peak(5) == 0.0


@pytest.mark.slow
def test_the_material_is_the_same_each_time_and_as_long_as_asked(tmp_path):
    material.write_wav(tmp_path / "a.wav", 25.0)
    audio = read_audio(tmp_path / "a.wav")
    assert audio.seconds == 25.0
    assert abs(audio.samples - material.piece(25.0).samples).max() < 1e-4
    assert 0.4 < abs(audio.samples).max() <= 0.5


def test_the_machine_has_a_name():
    machine = this_machine("cpu")
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.gpu == ""
    assert str(machine).startswith(machine.cpu)
    assert f"torch {machine.torch}" in str(machine)


FIGURES = (
    Figure("quick thing", "ms", (1.0, 3.0, 2.0), 2.5, "how it was done"),
    Figure("slow thing", "s", (1234.5,), 2.0),
)


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks that take no time, the last of which fails."""

    def fails(settings: Settings, progress: object) -> object:
        yield FIGURES[1]
        raise PortError("There is no port.")

    monkeypatch.setitem(BENCHMARKS, "clip", lambda settings, progress: iter(FIGURES[:1]))
    monkeypatch.setitem(BENCHMARKS, "midi", fails)


def test_the_table_shows_what_is_asked_and_names_the_machine(benchmarks, capsys):
    assert run(["bench", "--only", "clip", "--device", "cpu"]) == exit_codes.OK
    out = capsys.readouterr().out
    assert str(this_machine("cpu")) in out.replace("\n", "")
    for words in ("quick thing", "2 ms", "1 to 3 (3)", "<= 2.5 ms", "how it was done"):
        assert words in out


def test_a_benchmark_that_fails_is_told_and_harms_no_other(benchmarks, capsys):
    code = run(["bench", "--only", "midi", "--only", "clip", "--device", "cpu", "--json"])
    captured = capsys.readouterr()
    assert code == exit_codes.PORT
    assert "There is no port." in captured.err
    said = json.loads(captured.out)
    assert [figure["name"] for figure in said["figures"]] == ["slow thing", "quick thing"]
    assert said == json.loads(document(FIGURES[::-1], this_machine("cpu")))
    assert said["figures"][1]["median"] == 2.0
    assert said["figures"][1]["values"] == [1.0, 3.0, 2.0]
    assert said["machine"]["precision"]


def test_a_model_that_does_not_exist_is_an_error_at_once(benchmarks, capsys):
    assert run(["bench", "--model", "nobody"]) == exit_codes.MODEL
    assert "nobody" in capsys.readouterr().err


@pytest.mark.slow
def test_help_imports_no_torch():
    code = (
        "import sys; from diffroll_live.cli.app import run; run(['bench', '--help']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=TESTS, check=False).returncode == 0
