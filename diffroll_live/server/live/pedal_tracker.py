"""From live estimates of the sustain pedal to its movements, as late as the notes and no later. Pure, no clock."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.live_types import LiveEstimate


@dataclass(frozen=True, slots=True)
class PedalMove:
    """The pedal goes down or up at ``at`` seconds of the input."""

    down: bool
    at: float


class PedalTracker:
    """The pedal of one live input."""

    def __init__(self) -> None:
        self._last = PedalMove(False, -float("inf"))

    @property
    def is_down(self) -> bool:
        """Whether it was last moved down."""
        return self._last.down

    def update(self, estimate: LiveEstimate, due: float) -> tuple[PedalMove, ...]:
        """Take a hop's estimate; give the movement that has happened by ``due`` and was not given before."""
        due = min(due, estimate.edge)
        begun = [down for down, up in estimate.pedal if down <= due < up]
        if bool(begun) == self._last.down:
            return ()
        ended = [up for _, up in estimate.pedal if up <= due]
        at = begun[0] if begun else max(ended, default=due)
        return (self._move(not self._last.down, max(at, self._last.at)),)

    def finish(self, end: float) -> tuple[PedalMove, ...]:
        """Lift the pedal at ``end``, as no more audio follows."""
        return (self._move(False, max(end, self._last.at)),) if self._last.down else ()

    def _move(self, down: bool, at: float) -> PedalMove:
        self._last = PedalMove(down, at)
        return self._last
