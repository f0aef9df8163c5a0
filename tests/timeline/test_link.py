"""The DAW's time from an Ableton Link session; the module that a user installs is played by a fake."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest

from diffroll_live.errors import PortError
from diffroll_live.timeline.link import LinkSource
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.table import SOURCES
from diffroll_live.timeline.timeline import Timeline


class FakeLink:
    """Two peers' session as LinkPython-extern 1.3 shows it; assumes what a real pair was seen to do.

    Times are microseconds of Link's own clock; beats count from wherever the peer likes.
    """

    def __init__(self, tempo: float) -> None:
        self.enabled = self.startStopSyncEnabled = False
        self.bpm, self.started, self.micros, self.peers = tempo, None, 5_000_000, 1

    def numPeers(self) -> int:  # noqa: N802
        return self.peers

    def clock(self) -> SimpleNamespace:
        return SimpleNamespace(micros=lambda: self.micros)

    def captureAppSessionState(self) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(
            tempo=lambda: self.bpm,
            isPlaying=lambda: self.started is not None,
            timeForIsPlaying=lambda: self.started,
            beatAtTime=lambda micros, quantum: 1000.0 + micros * self.bpm / 60e6,
            phaseAtTime=lambda micros, quantum: (micros * self.bpm / 60e6) % quantum,
        )


def test_a_link_session_is_followed_from_its_start(monkeypatch):
    links = []
    make = lambda tempo: links.append(FakeLink(tempo)) or links[-1]  # noqa: E731
    monkeypatch.setitem(sys.modules, "link", SimpleNamespace(Link=make))
    reports: list[Report] = []
    source = LinkSource(reports.append, lambda: 100.0)
    (link,) = links
    assert link.enabled
    assert link.startStopSyncEnabled
    source.poll()
    assert (reports[-1].playing, reports[-1].position) == (False, 0.0)
    link.bpm, link.started = 90.0, link.micros - 2_000_000
    source.poll()
    assert (reports[-1].at, reports[-1].playing) == (100.0, True)
    assert reports[-1].position == pytest.approx(2.0)
    assert reports[-1].beat == pytest.approx(3.0)
    assert reports[-1].tempo == 90.0
    source.close()
    assert not link.enabled


def test_a_session_that_is_not_started_has_a_beat_if_it_has_peers(monkeypatch):
    links = []
    make = lambda tempo: links.append(FakeLink(tempo)) or links[-1]  # noqa: E731
    monkeypatch.setitem(sys.modules, "link", SimpleNamespace(Link=make))
    timeline = Timeline(SOURCES["link"].traits)
    source = LinkSource(timeline.update, lambda: 100.0)
    (link,) = links
    link.peers = 0
    source.poll()
    assert timeline.meter_on_clock(100.0) is None
    assert timeline.meter(0.0) is None, "the tempo would be our own"
    link.peers, link.bpm = 1, 90.0  # 7.5 beats of Link's clock have gone by
    source.poll()
    meter = timeline.meter_on_clock(100.0)
    assert meter.tempo.tempo_at(100.0) == 90.0
    assert meter.next_beat(100.0) == pytest.approx(100.0 + 0.5 * 60 / 90)
    assert meter.first_bar(100.0) == pytest.approx(100.0 + 0.5 * 60 / 90)


def test_without_link_a_sentence_says_how_to_get_it(monkeypatch):
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(PortError, match=r"diffroll-live\[link\]"):
        LinkSource(lambda _: None, lambda: 100.0)
