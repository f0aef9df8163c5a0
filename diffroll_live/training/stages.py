"""The stages of training, by how much audio the network is shown (Cheuk et al., 2022, section 3.3).

``hidden`` is the paper's p. Windows with hidden audio are never mixed, so training on rolls alone is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.errors import RequestError


@dataclass(frozen=True, slots=True)
class Stage:
    """Shares of windows, probabilities in [0, 1]."""

    rolls: float  # from MIDI alone: the spectrogram is always hidden
    hidden: float  # p: of the others, those whose spectrogram is hidden

    @property
    def sounds(self) -> bool:
        """Whether any window needs audio at all."""
        return self.rolls < 1 and self.hidden < 1


#: "tasks" is the recipe of the compact network, whose masks hide parts of the audio; the others are the paper's stages.
STAGES: dict[str, Stage] = {
    "tasks": Stage(rolls=0.0, hidden=0.0),
    "rolls": Stage(rolls=1.0, hidden=1.0),  # unsupervised pretraining, p = 1
    "paired": Stage(rolls=0.0, hidden=0.1),  # supervised, p = 0.1
    "mixed": Stage(rolls=0.5, hidden=0.0),  # both at once, p = 0 + 1
}


def stage_of(name: str) -> Stage:
    """Look a stage up. Raises RequestError."""
    if name not in STAGES:
        raise RequestError(f"There is no stage {name!r}; choose one of {', '.join(STAGES)}.")
    return STAGES[name]
