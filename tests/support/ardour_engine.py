"""The fake engine for regions of Ardour, whose length says what becomes of them."""

from __future__ import annotations

import time
from dataclasses import replace

from diffroll_live.types import Answer, Control, NoteEvent, RequestPlan, Result, StreamedNote
from support.fake_engine import PEDAL, FakeEngine


class ArdourEngine(FakeEngine):
    """Finds 5,000 notes in a region of one second, works for ever on one of two, and fakes others with a pedal."""

    def answer(self, plan: RequestPlan, control: Control) -> Answer:
        seconds = plan.audio.seconds if plan.audio else 3.0
        if seconds < 1.5:
            control.notes([StreamedNote(index, 0, note) for index, note in enumerate(many_notes())])
            return Result(plan.id, (many_notes(),), plan.options.seed)
        if seconds > 2.5:
            return replace((yield from super().answer(plan, control)), pedal=PEDAL)
        while True:
            time.sleep(0.02)
            control.progress(1, 2)
            yield None


def many_notes() -> tuple[NoteEvent, ...]:
    return tuple(NoteEvent(i * 2e-4, i * 2e-4 + 0.01, 21 + i % 88, 1 + i % 127) for i in range(5000))
