"""A MIDI port that hangs."""

from __future__ import annotations

import threading

from diffroll_live.midi.sinks import RecordingSink

LONGEST_HANG = 30.0  # s; a test that has failed by then must still end


class HangingSink(RecordingSink):
    """Hangs when it is to end a note, until ``go_on`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs, self.go_on = threading.Event(), threading.Event()

    def note_off(self, channel: int, pitch: int) -> None:
        """End a note, once that is possible."""
        self.hangs.set()
        assert self.go_on.wait(LONGEST_HANG)
        super().note_off(channel, pitch)
