"""What the eye gets of a request: levels of rolls and spectrograms, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Levels = npt.NDArray[np.uint8]
else:
    Levels = Any  # commands that need no arrays start sooner without numpy


@dataclass(frozen=True, slots=True)
class Estimate:
    """A step of a sampling trajectory: what is expected of some frames of a roll after a network evaluation.

    levels: (n, 88) uint8 from frame ``first`` on, of ``n_frames`` in all at ``frame_rate`` a second; 255 is certainty.
    """

    first: int
    levels: Levels
    n_frames: int
    frame_rate: float


@dataclass(frozen=True, slots=True)
class Pictures:
    """Arrays for plots; ``frame_rate`` frames per second, bin 0 of a roll is pitch 21.

    spectrogram: (n_frames, n_bins) float32 in [0, 1]; posterior: (n_frames, 88) onset-or-frame probability;
    trajectory: estimates that, drawn over one another, show the roll as it emerges.
    """

    frame_rate: float
    spectrogram: npt.NDArray[np.float32]
    posterior: npt.NDArray[np.float32]
    trajectory: tuple[Estimate, ...] = ()
