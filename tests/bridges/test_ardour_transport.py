"""A real Ardour's transport: it reaches the daemon, notes sound along with it, and Ardour may end in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from support.ardour import ARDOUR_BRIDGE, RATE, Ardour
from support.ardour_engine import ArdourEngine
from support.osc_client import UdpClient
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink
from diffroll_live.osc.codec import decode
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.server_codec import read_message
from diffroll_live.osc.timeline_messages import TransportPlay, TransportStop, TransportTime
from diffroll_live.server.transport import seconds

pytestmark = pytest.mark.realtime

NOTE_ON = 0x90
TOLERANCE = 0.3  # s; on a machine with much else to do, Ardour is slow to tell where it is
SECONDS = 20.0  # of music, a note every half second


@pytest.fixture(scope="module")
def ardour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    with Ardour(tmp_path_factory.mktemp("ardour"), [ARDOUR_BRIDGE / "diffroll_live_transcribe.lua"]) as running:
        yield running


def test_the_transport_reaches_the_daemon(ardour):
    with UdpClient(0) as daemon:
        follow(ardour, daemon.socket.getsockname()[1])
        wait_until(lambda: TransportStop(1.0) in heard(daemon), "the first report")
        ardour.osc("/transport_play", 1.0)
        reports = until(daemon, lambda report: isinstance(report, TransportTime) and seconds(report.position) > 0.5)
        assert TransportPlay(1.0) in reports
        ardour.osc("/locate", 100 * RATE, 1)
        until(daemon, lambda report: isinstance(report, TransportTime) and seconds(report.position) > 100.2)
        ardour.osc("/transport_stop", 1.0)
        until(daemon, lambda report: report == TransportStop(1.0))


def test_notes_sound_as_the_playhead_comes_to_them(ardour, tmp_path):
    sink = RecordingSink(time.monotonic)
    scheduler = Scheduler(lambda: sink)
    scheduler.start()
    ardour.osc("/locate", 0, 0)
    with RunningDaemon(tmp_path, scheduler=scheduler) as daemon, daemon.udp() as client:
        client.send("/diffroll/job/new", "along", "generate", "")
        client.send("/diffroll/job/set", "along", "seconds", SECONDS)
        client.send("/diffroll/job/set", "along", "when", "transport")
        client.send("/diffroll/job/run", "along")
        onsets = {pitch: onset for _, _, pitch, onset, *_ in client.collect("along").notes}
        follow(ardour, daemon.port)
        ardour.osc("/transport_play", 1.0)
        wait_until(lambda: len(started(sink)) >= 6, "notes to sound")
        lag = max(ardour.lag() for _ in range(5))  # the least time that an answer took
        ardour.osc("/transport_stop", 1.0)
        for instant, pitch in started(sink)[-3:]:
            assert abs(instant - lag - onsets[pitch]) < TOLERANCE
        wait_until(lambda: ardour.lua("return Session:transport_rolling ()") == "false", "Ardour to stand")
        wait_until(lambda: sounding(sink) == 0, "silence where Ardour stands")


def started(sink: RecordingSink) -> list[tuple[float, int]]:
    """When notes were started, in s of the monotonic clock, and their pitches."""
    return [(sent.instant, sent.message[1]) for sent in sink.sent if sent.message[0] == NOTE_ON]


def sounding(sink: RecordingSink) -> int:
    """How many notes were started and not ended."""
    kinds = [sent.message[0] & 0xF0 for sent in sink.sent]
    return kinds.count(NOTE_ON) - kinds.count(0x80)


def test_ardour_that_ends_in_the_middle_leaves_the_daemon_well(ardour, make_wav, tmp_path):
    """The last test: this Ardour is no more then."""
    with RunningDaemon(tmp_path, ArdourEngine, spool=ardour.spool, client_timeout_s=0.5) as daemon:
        ardour.place(make_wav(tmp_path / "short.wav", seconds=3.0, rate=RATE), 0)
        with daemon.udp() as client:
            client.send("/diffroll/job/new", "long", "generate", "")
            client.send("/diffroll/job/set", "long", "steps", 1000)
            client.send("/diffroll/job/run", "long")
            client.expect("/diffroll/job/progress")
            ardour.press("diffroll_live_transcribe")
            wait_until(lambda: "Waiting for the daemon" in ardour.kept("progress"), "the job to be queued")
            ardour.stop()
            client.ask("/diffroll/job/cancel", "long", answer="/diffroll/job/cancelled")
        wait_until(lambda: not [p for p in ardour.spool.rglob("*.*") if p.is_file()], "a spool without leftovers")
        with daemon.udp() as client:
            client.ping()


def follow(ardour: Ardour, port: int) -> None:
    """Do what the hook does when a session is opened."""
    script = (ARDOUR_BRIDGE / "diffroll_live_transport.lua").read_text(encoding="utf-8")
    params = f'{{ daemon = "{port}", surface = "{ardour.osc_port}" }}'
    ardour.lua(f"ardour = function () end {script}\nassert (signals ())\nfactory ({params}) ()")


def heard(daemon: UdpClient) -> list[object]:
    """Give what has come that the daemon understands, as it understands it."""
    reports = []
    while (packet := daemon.receive_packet(0.2)) is not None:
        reports += [read_message(message) for message in decode(packet) if message.address in CLIENT_MESSAGES]
    return reports


def until(daemon: UdpClient, wanted: Callable[[object], bool]) -> list[object]:
    """Read reports until one is as wanted; give them all."""
    reports: list[object] = []

    def come() -> bool:
        packet = daemon.receive_packet(1.0)
        messages = decode(packet) if packet is not None else ()
        new = [read_message(message) for message in messages if message.address in CLIENT_MESSAGES]
        reports.extend(new)
        return any(wanted(report) for report in new)

    wait_until(come, "a report of the transport")
    return reports
