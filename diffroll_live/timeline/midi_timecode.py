"""MIDI timecode, quarter frames and full frames, as reports. It opens no port: messages and times are passed in.

Eight quarter frames make up a time: that of the first one, so nearly two frames have passed when the last arrives
(MIDI Time Code, MMA 1987). Playing backwards is not followed.
"""

from __future__ import annotations

from typing import Any

from diffroll_live.timeline.report import Report

_PIECES = 8
_RATES = (24.0, 25.0, 30_000 / 1001, 30.0)  # frames per second; the third is drop-frame
_DROPS = 2
_FULL_FRAME = (0x7F, 0x01, 0x01)  # real-time universal; then the device, which is anyone's


class MidiTimecode:
    """Follows one timecode. ``decode`` takes a mido.Message, or anything with its fields."""

    def __init__(self) -> None:
        self._pieces: list[int] = []

    def decode(self, message: Any, at: float) -> Report | None:
        """Decode a message that arrived at ``at`` into a report, or None."""
        if message.type == "quarter_frame":
            return self._add_piece(message.frame_type, message.frame_value, at)
        if message.type == "sysex":
            return self._decode_full_frame(tuple(message.data), at)
        return None

    def _add_piece(self, number: int, value: int, at: float) -> Report | None:
        if number != len(self._pieces):  # one is missing, or the tape runs backwards
            self._pieces.clear()
            if number:
                return None
        self._pieces.append(value)
        if len(self._pieces) < _PIECES:
            return None
        frames, seconds, minutes, hours = (low | high << 4 for low, high in zip(*[iter(self._pieces)] * 2, strict=True))
        self._pieces.clear()
        kind = hours >> 5 & 3
        position = _seconds(hours & 31, minutes, seconds, frames, kind)
        return Report(at, playing=True, position=position + (_PIECES - 1) / 4 / _RATES[kind])

    def _decode_full_frame(self, data: tuple[int, ...], at: float) -> Report | None:
        if len(data) != _PIECES or (data[0], *data[2:4]) != _FULL_FRAME:
            return None
        self._pieces.clear()
        hours, minutes, seconds, frames = data[4:]
        return Report(at, playing=False, position=_seconds(hours & 31, minutes, seconds, frames, hours >> 5 & 3))


def _seconds(hours: int, minutes: int, seconds: int, frames: int, kind: int) -> float:
    """The seconds of a timecode; drop-frame skips two frame numbers every minute except every tenth."""
    if kind != _DROPS:
        return 3600.0 * hours + 60.0 * minutes + seconds + frames / _RATES[kind]
    count = 60 * hours + minutes
    dropped = 2 * (count - count // 10)
    return (30 * (60 * count + seconds) + frames - dropped) / _RATES[kind]
