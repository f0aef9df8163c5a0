"""The DAW's time from MIDI timecode, message by message."""

from __future__ import annotations

import mido
import pytest

from diffroll_live.timeline.midi_timecode import MidiTimecode
from diffroll_live.timeline.report import Report

TICK = mido.Message("clock")


def quarter_frames(hours: int, minutes: int, seconds: int, frames: int, kind: int) -> list[mido.Message]:
    values = [frames, seconds, minutes, hours | kind << 5]
    nibbles = [part for value in values for part in (value & 15, value >> 4)]
    return [mido.Message("quarter_frame", frame_type=n, frame_value=value) for n, value in enumerate(nibbles)]


@pytest.mark.parametrize(
    ("kind", "rate", "time", "seconds"),
    [
        (0, 24.0, (0, 0, 1, 12), 1.5),
        (1, 25.0, (1, 2, 3, 5), 3723.2),
        (3, 30.0, (23, 59, 59, 29), 86_399.0 + 29 / 30),
        (2, 30_000 / 1001, (0, 1, 0, 2), 60.06),
        (2, 30_000 / 1001, (0, 10, 0, 0), 600.0 - 0.0006),
    ],
)
def test_eight_quarter_frames_are_a_time_two_frames_ago(kind, rate, time, seconds):
    timecode = MidiTimecode()
    reports = [timecode.decode(message, 7.0) for message in quarter_frames(*time, kind)]
    assert reports[:-1] == [None] * 7
    assert reports[-1].playing
    assert reports[-1].position == pytest.approx(seconds + 1.75 / rate, abs=1e-3)


def test_a_missing_quarter_frame_spoils_one_time_and_no_more():
    timecode = MidiTimecode()
    broken = quarter_frames(0, 0, 1, 0, 1)[:3] + quarter_frames(0, 0, 1, 0, 1)[4:]
    backwards = quarter_frames(0, 0, 5, 0, 1)[::-1]
    assert not any(timecode.decode(message, 0.0) for message in broken + backwards)
    assert any(timecode.decode(message, 0.0) for message in quarter_frames(0, 0, 2, 0, 1))


def test_a_full_frame_is_a_place_to_stand():
    timecode = MidiTimecode()
    message = mido.Message("sysex", data=(0x7F, 0x7F, 0x01, 0x01, 1 | 1 << 5, 0, 30, 5))
    assert timecode.decode(message, 3.0) == Report(3.0, playing=False, position=3630.2)
    assert timecode.decode(mido.Message("sysex", data=(1, 2, 3)), 3.0) is None
    assert timecode.decode(TICK, 3.0) is None
