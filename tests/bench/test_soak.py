"""The soak in short form: a real JACK server, a real daemon with its real model, every kind of trouble once or more."""

from __future__ import annotations

import random

import pytest
from support.running import RunningDaemon

from diffroll_live.bench import soak
from diffroll_live.bench.figures import Settings
from diffroll_live.bench.hostile import Flood, hostile
from diffroll_live.bench.soak import BETWEEN, EVERY, Soak
from diffroll_live.bench.soak_plan import Plan


@pytest.mark.realtime
@pytest.mark.timeout(300)  # in real time, on a machine that may be busy
def test_everything_at_once_comes_out_even(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SETTLE", 2.0)
    monkeypatch.setattr(soak, "SECONDS", 5.0)
    monkeypatch.setattr(soak, "EVERY", {**dict.fromkeys(EVERY, 1.0), "panic": 4.0})
    monkeypatch.setattr(soak, "BETWEEN", dict.fromkeys(BETWEEN, 6.0))
    monkeypatch.setattr(Soak, "_wait", lambda rig, mean: mean)  # so that each comes
    told: list[tuple[int, int]] = []
    with Soak(Settings(None, "cpu")) as rig:
        balance = rig.run(Plan(0.2, kills=1, datagrams=2000), lambda done, total: told.append((done, total)))
    print(*balance.lines(), sep="\n")  # for whoever reads why it failed
    assert balance.is_even, balance.lines()
    assert set(balance.done) == {*EVERY, *BETWEEN}
    assert balance.notes.on > 0
    assert balance.datagrams == 2000
    assert len(balance.recoveries) == 1
    assert balance.unanswered == set()
    assert balance.replies["scrapes"] > 0
    assert balance.replies["audio/reconnected"] > 0
    assert "input that never came back" not in balance.replies
    assert told[-1] == (12, 12)


def test_two_hours_are_a_hundred_kills_and_a_million_datagrams() -> None:
    assert Plan.of(120) == Plan(120, 100, 1_000_000)


def test_hostile_datagrams_are_of_every_kind_and_the_same_for_a_seed() -> None:
    packets = [hostile(random.Random(seed)) for seed in range(300)]
    assert packets == [hostile(random.Random(seed)) for seed in range(300)]
    assert b"" in packets
    assert sum(packet.startswith(b"#bundle") for packet in packets) > 20
    assert sum(packet.startswith(b"/") for packet in packets) > 50
    assert max(map(len, packets)) > 1000


@pytest.mark.slow
def test_a_daemon_outlives_hostile_datagrams_and_serves_on(daemon: RunningDaemon) -> None:
    with Flood(daemon.port, 5000, random.Random(0)) as flood, daemon.tcp() as client:
        while not flood.is_done:
            flood.catch_up(1.0)
            client.ping()
        client.send("/diffroll/generate", "after", 1.0)
        client.expect("/diffroll/job/done")
