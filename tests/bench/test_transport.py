"""The bench of the DAW's timeline in short form: a real JACK transport, a daemon in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.jack import DummyJack
from support.running import DaemonProcess

from diffroll_live.bench.daemon import Link
from diffroll_live.bench.jack_daw import JackDaw, Pass, RecordedMessage
from diffroll_live.bench.timeline_scores import TimelineScore, score_passes
from diffroll_live.bench.transport import LOOP, RAMP, figures, made_notes, perform, place_notes, tempo
from diffroll_live.types import NoteEvent

NOTES = (NoteEvent(1.0, 1.5, 60, 80), NoteEvent(1.5, 2.0, 62, 80))


def on(position: float, pitch: int) -> RecordedMessage:
    return RecordedMessage(position, 0x90, pitch, 80)


def off(position: float, pitch: int) -> RecordedMessage:
    return RecordedMessage(position, 0x80, pitch, 0)


def test_places_are_found_pass_by_pass():
    first = Pass(0.0, True, 2.0, [on(1.01, 60), off(1.5, 60), on(1.49, 62), off(2.0, 62)])
    again = Pass(0.9, True, 1.2, [on(1.0, 60), off(1.2, 60)])
    places = score_passes(NOTES, [first, again])
    assert places.distances == pytest.approx((0.01, -0.01, 0.0))
    assert (places.missing, places.twice, places.hanging) == (0, 0, 0)


def test_what_is_missing_or_too_much_is_counted():
    late = Pass(0.0, True, 2.0, [on(1.2, 60), on(1.5, 62), on(1.51, 62)])
    assert score_passes(NOTES, [late]) == TimelineScore((0.0,), missing=1, twice=2, hanging=2)
    standing = Pass(1.0, False, 1.0, [on(1.0, 60), off(1.0, 60)])
    assert score_passes(NOTES, [standing]) == TimelineScore((), missing=0, twice=1, hanging=0)


def test_a_note_at_the_very_end_of_a_pass_may_sound_or_not():
    cut = Pass(0.0, True, 1.505, [on(1.0, 60), off(1.5, 60)])
    after = Pass(5.0, True, 6.0, [on(5.001, 62), off(5.002, 62)])
    for passes in ([cut], [cut, after]):
        places = score_passes(NOTES, passes)
        assert (places.missing, places.twice, places.hanging) == (0, 0, 0)


def test_the_ramp_counts_the_beats_it_passes():
    positions = np.linspace(0.0, 30.0, 3001)
    tempi, beats = np.array([tempo(position) for position in positions]).T
    assert np.diff(beats) == pytest.approx((tempi[1:] + tempi[:-1]) / 2 / 60 * 0.01, rel=1e-3)


def short_script(daw: JackDaw) -> None:
    """Do what the benchmark does, in a few seconds."""
    daw.locate(LOOP[0] - 0.5)
    daw.play_to(LOOP[1])
    daw.loop(*LOOP)
    daw.loop(*LOOP)
    daw.locate(RAMP[0] + 0.5)
    daw.play_to(RAMP[0] + 1.25)
    daw.stop()
    daw.locate(12.0)
    daw.play_to(12.55)
    daw.stop()


def test_notes_on_a_scripted_jack_transport(jack: DummyJack, tmp_path: Path) -> None:
    """A busy machine may be late and lose a period of MIDI; in one performance of six it is not."""
    with DaemonProcess(tmp_path, "--jack", "--follow") as process, Link(process.port) as link:
        notes = place_notes(link, made_notes(20.0), tmp_path)
        for _ in range(6):
            places, xruns = perform(notes, short_script, "daemon:notes")
            if not places.missing and not places.hanging and not places.twice:
                break
        assert (places.missing, places.twice, places.hanging) == (0, 0, 0)
        assert len(places.distances) > 20
        assert float(np.median(np.abs(places.distances))) < 0.03
        assert [figure.name for figure in figures([(places, xruns)])][-1] == "transport: notes hanging"
