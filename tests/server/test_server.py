"""The daemon as its clients see it: real sockets, a real inference process, a fake engine in it."""

from __future__ import annotations

import asyncio
import random
import struct
import time
import zlib

import mido
import numpy as np
import pytest
from support.fake_engine import INFO, make_no_engine, make_slow_engine
from support.osc_client import OscClient, build
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

from diffroll_live import __version__
from diffroll_live.config import Config, ServerConfig
from diffroll_live.errors import CheckpointError, PortError
from diffroll_live.files.midi_file import read_smf
from diffroll_live.server import serve
from diffroll_live.server.endpoints.sockets import bind
from diffroll_live.types import NoteEvent
from diffroll_live.worker.queue import Worker

RATE = 16_000


def tone(seconds: float, channels: int = 1, rate: int = RATE) -> bytes:
    t = np.arange(int(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * 440 * t).astype("<f4")
    return np.repeat(wave[:, None], channels, axis=1).tobytes()


def upload_tone(client: OscClient, name: str = "b", seconds: float = 2.0) -> None:
    client.upload(name, tone(seconds), rate=RATE, channels=1)


# Session


def test_hello_tells_of_the_model(any_client):
    welcome = any_client.ask("/diffroll/hello", "test", answer="/diffroll/welcome")
    assert welcome.args == (1, __version__, INFO.name, INFO.device, INFO.sample_rate, INFO.max_seconds)


def test_hello_redirects_replies_to_the_port_it_names(daemon):
    with daemon.udp() as sender, daemon.udp() as receiver:
        port = receiver.socket.getsockname()[1]
        sender.send("/diffroll/hello", "two sockets", port)
        assert receiver.next().address == "/diffroll/welcome"
        sender.send("/diffroll/ping", 3)
        assert receiver.next().args == (3,)
        assert sender.next(0.1) is None


def test_hello_sets_the_size_of_datagrams(client):
    client.ask("/diffroll/hello", "small", 0, 256, answer="/diffroll/welcome")
    error = client.ask_wrongly("/diffroll/job/set", "x" * 60, "no-such-key" * 10, 1)
    assert error.size <= 256


def test_status_tells_of_the_clients_own_jobs(daemon):
    with daemon.udp() as one, daemon.udp() as other:
        one.send("/diffroll/generate", "mine", 2.0)
        one.collect("mine")
        status = one.ask("/diffroll/status", answer="/diffroll/status")
        assert status.args[:3] == ("ready", 0, "")
        assert 0.0 < status.args[3] <= 1.0
        assert one.expect("/diffroll/status/job").args == ("mine", "generate", "done", 1.0)
        other.send("/diffroll/status")
        other.send("/diffroll/ping", 1)
        assert [other.next().address, other.next().address] == ["/diffroll/status", "/diffroll/pong"]


@pytest.mark.parametrize("number", [("i", 5), ("f", 5.0), ("d", 5.0), ("h", 5)])
def test_numbers_of_any_type_are_numbers(client, number):
    assert client.ask("/diffroll/ping", number, answer="/diffroll/pong").args == (5,)


def test_bundles_are_taken_at_once_whatever_their_time_tag(client):
    element = build("/diffroll/ping", 1)
    inner = b"#bundle\x00" + b"\xff" * 8 + struct.pack(">i", len(element)) + element
    bundle = b"#bundle\x00" + b"\xff" * 8
    for part in (element, inner):
        bundle += struct.pack(">i", len(part)) + part
    client.send_packet(bundle)
    assert [client.next().args, client.next().args] == [(1,), (1,)]


def test_replies_use_only_the_tags_that_every_host_takes(any_client):
    upload_tone(any_client)
    for message in ("/diffroll/hello", "x"), ("/diffroll/status",), ("/diffroll/nothing",), ("/diffroll/panic",):
        any_client.send(*message)
    any_client.send("/diffroll/transcribe", "tags", "b")
    seen = any_client.collect("tags", errors_end=False).before
    assert {"/diffroll/welcome", "/diffroll/status", "/diffroll/error", "/diffroll/note"} <= {r.address for r in seen}
    assert set("".join(r.tags for r in seen)) <= set("ifsb")


# Audio in


def test_ten_chunks_make_a_buffer(any_client):
    raw = tone(1.0, channels=2)
    any_client.upload("stereo", raw, rate=RATE, channels=2, chunk=len(raw) // 10 + 1)
    any_client.send("/diffroll/transcribe", "j", "stereo")
    assert any_client.collect("j").end.args[1] == 2


def test_ready_tells_length_and_rate(client):
    client.ask("/diffroll/audio/open", "b", 44_100, 1, 4410, "s16", 4410, answer="/diffroll/audio/opened")
    for index in range(2):
        client.send("/diffroll/audio/chunk", "b", index, b"\x01\x00" * 2205)
    ready = client.ask("/diffroll/audio/close", "b", 2, 0, answer="/diffroll/audio/ready")
    assert ready.args == ("b", pytest.approx(0.1), 44_100)
    again = client.ask("/diffroll/audio/close", "b", 2, 0, answer="/diffroll/audio/ready")
    assert again.args == ready.args


def test_floats_may_stand_in_for_a_blob(client):
    samples = [0.25, -0.5, 0.125] * 40
    client.ask("/diffroll/audio/open", "f", RATE, 1, 240, "f32", 480, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "f", ("f", 0.0), *(("f", x) for x in samples))
    client.send("/diffroll/audio/chunk", "f", 1, *(("f", x) for x in samples))
    raw = np.array(samples * 2, "<f4").tobytes()
    crc = struct.unpack(">i", struct.pack(">I", zlib.crc32(raw)))[0]
    assert client.ask("/diffroll/audio/close", "f", 2, crc, answer="/diffroll/audio/ready").args[2] == RATE


def test_acks_come_every_window(client):
    opened = client.ask("/diffroll/audio/open", "w", RATE, 1, 100_000, "f32", 4000, answer="/diffroll/audio/opened")
    window = opened.args[1]
    for index in range(window):
        client.send("/diffroll/audio/chunk", "w", index, b"\0" * 4000)
    assert client.expect("/diffroll/audio/ack").args == ("w", window)


def test_missing_chunks_are_listed_in_datagrams_that_fit(client):
    client.ask("/diffroll/audio/open", "m", RATE, 1, 100_000, "f32", 100, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "m", 17, b"\0" * 100)
    client.send("/diffroll/audio/close", "m", 4000, 0)
    missing: list[int] = []
    while len(missing) < 3999:
        reply = client.expect("/diffroll/audio/missing")
        assert reply.size <= 1024
        missing.extend(reply.args[1:])
    assert missing == [i for i in range(4000) if i != 17]


def test_twenty_seconds_survive_loss_and_disorder_over_udp(daemon):
    samples = np.random.default_rng(1).standard_normal((20 * 44_100, 2)).astype("<f4")
    raw = samples.tobytes()
    rng = random.Random(2)
    with daemon.udp() as client:
        rounds = client.upload(
            "big",
            raw,
            rate=44_100,
            channels=2,
            order=lambda indexes: rng.sample(indexes, len(indexes)),
            drop=lambda n: n % 20 == 0,
        )
        assert rounds > 1
        client.send("/diffroll/transcribe", "big", "big")
        assert client.collect("big").end.args[1] == 40


def test_a_file_is_read_and_a_job_may_follow_at_once(daemon, any_client, make_wav):
    path = make_wav(daemon.folder / "clip.wav", seconds=3.0)
    any_client.send("/diffroll/audio/file", "clip", str(path), 0.5, 2.0, 12.0)
    any_client.send("/diffroll/transcribe", "from-file", "clip")
    ready = any_client.expect("/diffroll/audio/ready")
    assert ready.args == ("clip", pytest.approx(2.0), RATE)
    assert any_client.collect("from-file").end.args[1] == 4


def test_a_job_that_waits_for_a_file_hears_why_it_cannot_be_read(daemon, client):
    (daemon.folder / "text.wav").write_text("no audio")
    client.send("/diffroll/audio/file", "t", str(daemon.folder / "text.wav"))
    client.send("/diffroll/transcribe", "waits", "t")
    about = {client.expect("/diffroll/error").args[0] for _ in range(2)}
    assert about == {"t", "waits"}


def test_freed_buffers_are_gone(client):
    upload_tone(client, "gone")
    assert client.ask("/diffroll/audio/free", "gone", answer="/diffroll/audio/freed").args == ("gone",)
    assert client.ask_wrongly("/diffroll/transcribe", "j", "gone").args[:2] == ("j", "unknown-buffer")


def test_buffers_and_jobs_belong_to_their_client(daemon):
    with daemon.udp() as one, daemon.udp() as other:
        upload_tone(one, "same", seconds=1.0)
        assert other.ask_wrongly("/diffroll/transcribe", "j", "same").args[1] == "unknown-buffer"
        upload_tone(other, "same", seconds=4.0)
        one.send("/diffroll/transcribe", "j", "same")
        other.send("/diffroll/transcribe", "j", "same")
        assert one.collect("j").end.args[1] == 2
        assert other.collect("j").end.args[1] == 8


# Jobs


def test_a_whole_job_is_answered_in_order(any_client):
    upload_tone(any_client, seconds=3.0)
    any_client.send("/diffroll/job/new", "whole", "inpaint", "b")
    any_client.send("/diffroll/job/region", "whole", 1.0, 2.0, 48, 72, 1)
    any_client.send("/diffroll/job/note", "whole", 60, 0.25, 0.5, 99)
    any_client.send("/diffroll/job/set", "whole", "steps", 6.0)
    any_client.send("/diffroll/job/set", "whole", "seed", 11)
    any_client.send("/diffroll/job/run", "whole")
    accepted = any_client.expect("/diffroll/job/accepted")
    assert accepted.args == ("whole", 0)
    job = any_client.collect("whole")
    steps = [r.args[1:] for r in job.before if r.address == "/diffroll/job/progress"]
    assert steps == [(step, 6) for step in range(1, 7)]
    assert job.end.args[1:3] == (len(job.notes), 11) == (7, 11)
    assert job.end.args[3] > 0
    assert [n[1] for n in job.notes] == list(range(7))
    assert (60, 0.25, 0.5, 99) in [n[2:6] for n in job.notes]


def test_variations_carry_their_number(client):
    client.send("/diffroll/job/new", "v", "generate", "")
    client.send("/diffroll/job/set", "v", "seconds", 2.0)
    client.send("/diffroll/job/set", "v", "variations", 3)
    client.send("/diffroll/job/run", "v")
    job = client.collect("v")
    assert job.end.args[1] == len(job.notes) == 12
    assert {(n[6], n[1]) for n in job.notes} == {(v, i) for v in range(3) for i in range(4)}


def test_the_same_seed_gives_the_same_notes(client):
    results = []
    for _ in range(2):
        client.send("/diffroll/generate", "same", 4.0)
        results.append(client.collect("same").notes)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (("/diffroll/transcribe", "one", "b"), 4),
        (("/diffroll/inpaint", "one", "b", 0.5, 1.0, 40, 60), 4),
        (("/diffroll/continue", "one", "b", 3.0), 4),
        (("/diffroll/generate", "one", 3.0), 6),
    ],
)
def test_one_line_is_enough(any_client, message, count):
    upload_tone(any_client)
    any_client.send(*message)
    assert any_client.collect("one").end.args[1] == count


def test_a_running_job_is_cancelled_within_one_evaluation(client):
    client.send("/diffroll/job/new", "long", "generate", "")
    client.send("/diffroll/job/set", "long", "steps", 1000)
    client.send("/diffroll/job/run", "long")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/job/cancel", "long")
    assert client.collect("long").end.address == "/diffroll/job/cancelled"
    client.send("/diffroll/generate", "next", 1.0)  # the worker is free again, long before 1000 steps are over
    assert client.collect("next").end.address == "/diffroll/job/done"


def test_a_newer_request_supersedes_the_queued_one(client):
    client.send("/diffroll/job/new", "first", "generate", "")
    client.send("/diffroll/job/set", "first", "steps", 20)
    client.send("/diffroll/job/run", "first")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/generate", "second", 1.0)
    client.send("/diffroll/generate", "third", 1.0)
    assert client.expect("/diffroll/job/cancelled").args == ("second",)
    assert client.expect("/diffroll/job/accepted").args == ("third", 1)
    client.until("/diffroll/job/done")
    assert client.collect("third").end.address == "/diffroll/job/done"


def test_running_a_job_again_ends_the_run_before(client):
    client.send("/diffroll/job/new", "again", "generate", "")
    client.send("/diffroll/job/set", "again", "steps", 500)
    client.send("/diffroll/job/run", "again")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/job/set", "again", "steps", 2)
    client.send("/diffroll/job/run", "again")
    assert client.expect("/diffroll/job/cancelled").args == ("again",)
    client.expect("/diffroll/job/accepted")
    job = client.collect("again")
    assert {r.args[2] for r in job.before if r.address == "/diffroll/job/progress"} == {2}


def test_a_full_queue_says_so_at_once(tmp_path):
    with RunningDaemon(tmp_path, queue_size=1) as daemon, daemon.udp() as a, daemon.udp() as b, daemon.udp() as c:
        a.send("/diffroll/job/new", "a", "generate", "")
        a.send("/diffroll/job/set", "a", "steps", 1000)
        a.send("/diffroll/job/run", "a")
        a.expect("/diffroll/job/progress")
        b.ask("/diffroll/generate", "b", 1.0, answer="/diffroll/job/accepted")
        assert c.ask_wrongly("/diffroll/generate", "c", 1.0).args[:2] == ("c", "busy")
        a.send("/diffroll/job/cancel", "a")
        assert b.collect("b").end.address == "/diffroll/job/done"
        c.send("/diffroll/job/run", "c")
        assert c.collect("c").end.address == "/diffroll/job/done"


def test_redecoding_gives_fewer_notes_without_sampling(client):
    client.send("/diffroll/generate", "r", 4.0)
    before = client.collect("r")
    client.send("/diffroll/job/redecode", "r", 4.5 / 127, 0.05)
    after = client.collect("r")
    assert [r.address for r in after.before].count("/diffroll/job/progress") == 0
    assert [n[2:] for n in after.notes] == [n[2:] for n in before.notes if n[5] > 4]
    assert after.end.args[1] == len(after.notes) == 4


def test_notes_can_be_had_again(client):
    client.send("/diffroll/generate", "n", 4.0)
    first = client.collect("n").notes
    client.send("/diffroll/job/notes", "n")
    assert client.collect("n").notes == first


def test_many_notes_survive_a_client_that_looks_every_100_ms(daemon):
    with daemon.udp(receive_buffer=106_496) as client:  # the kernel doubles it: 212,992 is the usual default
        client.send("/diffroll/job/new", "many", "generate", "")
        client.send("/diffroll/job/set", "many", "seconds", 600.0)
        client.send("/diffroll/job/set", "many", "density", 4.0)
        client.send("/diffroll/job/run", "many")
        count, done = 0, None
        while done is None:
            time.sleep(0.1)
            while (reply := client.next(0.001)) is not None:
                count += reply.address == "/diffroll/note"
                done = reply if reply.address == "/diffroll/job/done" else done
                assert reply.size <= 1024
        assert count == done.args[1] == 1200


# MIDI, files, timeline


def handed_over(client):
    """Wait until all notes so far are with the MIDI thread: a panic is answered after what was asked before it."""
    client.send("/diffroll/panic")
    client.until("/diffroll/panicked")


def test_notes_go_to_midi_on_one_axis(daemon, client):
    client.send("/diffroll/job/new", "midi", "generate", "")
    client.send("/diffroll/job/set", "midi", "deliver", "both")
    client.send("/diffroll/job/set", "midi", "channel", 3)
    client.send("/diffroll/job/set", "midi", "variations", 2)
    client.send("/diffroll/job/run", "midi")
    job = client.collect("midi")
    handed_over(client)
    owners = daemon.scheduler.owners_of("midi")
    assert len(owners) == 1
    played = daemon.scheduler.notes_of("midi")
    assert [(n.pitch, n.onset) for n in played] == [(n[2], n[3]) for n in job.notes if n[6] == 0]
    assert {n.channel for n in played} == {2}
    starts = {start for owner, _, start in daemon.scheduler.played if owner in owners}
    assert len(starts) == 1


@pytest.mark.parametrize(("key", "value"), [("deliver", "osc"), ("when", "never")])
def test_midi_stays_silent_when_told_so(daemon, client, key, value):
    name = f"quiet-{value}"
    client.send("/diffroll/job/new", name, "generate", "")
    client.send("/diffroll/job/set", name, key, value)
    client.send("/diffroll/job/run", name)
    assert client.collect(name).notes
    handed_over(client)
    assert not daemon.scheduler.notes_of(name)
    client.send("/diffroll/job/play", name)
    handed_over(client)
    assert daemon.scheduler.notes_of(name)


def test_midi_only_sends_no_notes_over_osc_but_counts_them(daemon, client):
    client.send("/diffroll/job/new", "only", "generate", "")
    client.send("/diffroll/job/set", "only", "deliver", "midi")
    client.send("/diffroll/job/run", "only")
    job = client.collect("only")
    handed_over(client)
    assert not job.notes
    assert job.end.args[1] == len(daemon.scheduler.notes_of("only"))


def test_cancel_and_panic_silence_before_they_answer(daemon, client):
    client.send("/diffroll/job/new", "loud", "generate", "")
    client.send("/diffroll/job/set", "loud", "steps", 40)
    client.send("/diffroll/job/run", "loud")
    client.expect("/diffroll/note")
    client.send("/diffroll/panic")
    client.until("/diffroll/panicked")
    assert ("panic", "") in daemon.scheduler.calls
    client.send("/diffroll/job/cancel", "loud")
    client.collect("loud")
    (owner,) = daemon.scheduler.owners_of("loud")
    assert daemon.scheduler.calls.index(("cancel", owner)) > daemon.scheduler.calls.index(("play", owner))


@pytest.mark.parametrize("name", ["fails-half-way", "dies-half-way"])
def test_a_job_that_failed_is_silenced_before_its_error_is_told(daemon, client, name):
    client.send("/diffroll/generate", name, 4.0)
    job = client.collect(name)
    assert job.end.args[1] == "internal"
    assert job.notes
    (owner,) = daemon.scheduler.owners_of(name)
    assert [call for call, who in daemon.scheduler.calls if who == owner] == ["play", "cancel"]


def test_late_notes_are_told(daemon, client):
    client.send("/diffroll/generate", "late", 2.0)
    client.collect("late")
    handed_over(client)
    (owner,) = daemon.scheduler.owners_of("late")
    daemon.scheduler.late[owner] = 3
    assert client.expect("/diffroll/late").args == ("late", 3)


@pytest.fixture
def own_daemon(tmp_path):
    """A daemon that has heard of no timeline, and a client of it."""
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as running, running.udp() as one:
        yield running, one


@pytest.mark.parametrize(
    ("message", "metre"),
    [
        (("/diffroll/transport", 1, 2.0, 90.0), (6, 8)),
        (("/diffroll/transport", 1, 2.0, 90.0, 1.0, 7, 3), (4, 4)),
        (("/tempo/raw", 90.0), (6, 8)),
    ],
)
def test_a_midi_file_is_saved_for_each_variation_with_the_daws_tempo_and_metre(own_daemon, message, metre):
    daemon, client = own_daemon
    path = daemon.folder / "out.mid"
    client.send("/diffroll/transport", 0, 0.0, 133.0, 0.0, 6, 8)
    client.send(*message)
    client.send("/diffroll/job/new", "save", "generate", "")
    client.send("/diffroll/job/set", "save", "save", str(path))
    client.send("/diffroll/job/set", "save", "variations", 2)
    client.send("/diffroll/job/run", "save")
    job = client.collect("save")
    for variation, file in enumerate([path, daemon.folder / "out-2.mid"]):
        written = [(n.pitch, n.velocity) for n in read_smf(file)]
        assert written == [(n[2], n[5]) for n in job.notes if n[6] == variation]
        tempi = [message.tempo for message in mido.MidiFile(file) if message.type == "set_tempo"]
        assert tempi == [mido.bpm2tempo(90)]
        signs = [message for message in mido.MidiFile(file) if message.type == "time_signature"]
        assert [(sign.numerator, sign.denominator) for sign in signs] == [metre]


@pytest.mark.parametrize(
    "message",
    [
        ("/diffroll/transport", 1, 10.5, 120.0),
        ("/diffroll/transport", True, 10.5, 120.0, 3.5, 3, 4),
        ("/time", 3.25),
        ("/play", 1.0),
        ("/stop", 1.0),
        ("/tempo/raw", 97.5),
        ("/repeat", 1.0),
        ("/loop/start/time", 1.0),
        ("/loop/end/time", 5.0),
        ("/position/time", "00:01:30.5"),
        ("/transport_play",),
        ("/transport_stop", 1.0),
    ],
)
def test_timeline_messages_are_taken_as_they_are(client, message):
    client.send(*message)
    client.send("/diffroll/ping", 1)
    assert client.next().address == "/diffroll/pong"


# Without an engine, without a port


def test_no_engine_is_said_at_the_start(tmp_path):
    with pytest.raises(CheckpointError, match="There is no model called 'nothing'"):
        RunningDaemon(tmp_path, make_no_engine).__enter__()


def test_a_port_that_is_taken_is_said_with_its_mend(daemon, tmp_path):
    with pytest.raises(PortError, match="--port"):
        RunningDaemon(tmp_path, port=daemon.port).__enter__()


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_listening_beyond_this_machine_is_warned_of(caplog, host, warned):
    for bound in bind(ServerConfig(host=host, port=0)):
        bound.close()
    assert ("whoever reaches this address" in caplog.text) is warned


def test_midi_wanted_where_there_is_none_is_an_error(tmp_path):
    with RunningDaemon(tmp_path) as daemon, daemon.udp() as client:
        client.send("/diffroll/job/new", "m", "generate", "")
        client.send("/diffroll/job/set", "m", "deliver", "midi")
        assert client.ask_wrongly("/diffroll/job/run", "m").args[:2] == ("m", "no-such-port")
        client.send("/diffroll/job/set", "m", "deliver", "both")
        client.send("/diffroll/job/run", "m")
        assert client.collect("m").notes


def test_a_daemon_can_be_ended_while_its_model_loads(tmp_path):
    async def start_and_stop() -> None:
        stop, scheduler = asyncio.Event(), RecordingScheduler()
        config = Config(server=ServerConfig(port=0, allowed_folders=(tmp_path,)))
        worker = Worker(make_slow_engine, grace=0.2)
        running = asyncio.create_task(serve(config, worker, scheduler, ready=pytest.fail, stop=stop))
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.wait_for(running, 30)
        assert scheduler.calls == [("close", "")]

    asyncio.run(start_and_stop())


def test_a_client_that_is_silent_for_long_is_forgotten(tmp_path):
    with RunningDaemon(tmp_path, client_timeout_s=0.3) as daemon, daemon.udp() as client:
        upload_tone(client)
        client.send("/diffroll/transcribe", "j", "b")
        client.collect("j")
        time.sleep(1.0)
        assert client.ask_wrongly("/diffroll/transcribe", "j", "b").args[1] == "unknown-buffer"


def test_the_end_of_the_daemon_ends_all_notes(tmp_path):
    scheduler = RecordingScheduler()
    with RunningDaemon(tmp_path, scheduler=scheduler) as daemon, daemon.udp() as client:
        client.send("/diffroll/job/new", "last", "generate", "")
        client.send("/diffroll/job/set", "last", "steps", 1000)
        client.send("/diffroll/job/run", "last")
        client.expect("/diffroll/job/progress")
        daemon.stop()
        assert client.collect("last").end.address == "/diffroll/job/cancelled"
    assert scheduler.calls[-1] == ("close", "")


def test_known_notes_come_back_byte_for_byte(client):
    notes = [
        NoteEvent(t, t + d, p, v) for t, d, p, v in [(0.1, 0.3, 21, 1), (1e-3, 7.77, 108, 127), (5.5, 1e-2, 60, 64)]
    ]
    client.send("/diffroll/job/new", "known", "generate", "")
    for note in notes:
        client.send("/diffroll/job/note", "known", note.pitch, note.onset, note.duration, note.velocity)
    client.send("/diffroll/job/run", "known")
    back = {n[2:6] for n in client.collect("known").notes}
    wire = {(n.pitch, *struct.unpack(">2f", struct.pack(">2f", n.onset, n.duration)), n.velocity) for n in notes}
    assert wire <= back
