"""The plan of a window, its notes and what to render, before any audio is made."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.synthesis.augment import Effects
from diffroll_live.training.synthesis.mixer import SoundingNotes
from diffroll_live.types import Floats


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """A window before rendering: voices of the bank, samples, both together, or neither, which is silence.

    notes: with key-up offsets, timed from the window's beginning; edge: the second from which audio is missing; pedal:
    rows (down s, up s) of the sustain pedal, None where nobody knows; trust: how far to believe the notes, 0 to 1.
    """

    notes: NoteArray
    edge: float
    voices: SoundingNotes | None = None
    samples: Floats | None = None  # (n_samples,)
    effects: Effects | None = None
    pedal: NoteArray | None = None
    trust: float = 1.0

    def unheard(self) -> WindowPlan:
        """The notes alone: audio is missing from the beginning."""
        return WindowPlan(self.notes, 0.0)
