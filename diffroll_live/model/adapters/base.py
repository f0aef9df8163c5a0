"""The interface between the engine and a network. Once a network is adapted to it, every task works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.model.denoiser import Denoise
from diffroll_live.model.roll_targets import NoteArray, RollTarget
from diffroll_live.model.schedules import Schedule
from diffroll_live.music.roll import RollGeometry


class ModelAdapter(Protocol):
    """A loaded network; ``encoded`` and ``condition`` are opaque and only handed back to it."""

    @property
    def network(self) -> nn.Module:
        """The module that computes."""

    @property
    def window_frames(self) -> int:
        """Frames per window."""

    @property
    def margin_frames(self) -> int:
        """Frames of context on both sides of each frame that is kept."""

    @property
    def live_frames(self) -> int:
        """Frames of past audio that a live estimate uses; 0 if the network cannot transcribe live."""

    @property
    def geometry(self) -> RollGeometry:
        """The roll's time axis."""

    @property
    def schedule(self) -> Schedule:
        """The noise schedule of the training."""

    @property
    def n_features(self) -> int:
        """Values per frame of its features."""

    @property
    def reach_frames(self) -> int:
        """Frames of audio before and after a frame that its features depend on."""

    @property
    def channels(self) -> int:
        """Channels of its roll."""

    @property
    def parameters(self) -> int:
        """The number of learned parameters."""

    @property
    def device(self) -> Any:
        """The device of its tensors."""

    @property
    def fills_hidden(self) -> bool:
        """Whether its sampler can fill the hidden cells of a window together with the others (``engine.masks``)."""

    @property
    def hears_pedal(self) -> bool:
        """Whether its posteriors have the sustain pedal."""

    def features(self, samples: Tensor) -> Tensor:
        """(n_samples,) audio at the geometry's rate to (n_features, n_frames)."""

    def spectrogram(self, features: Tensor) -> Tensor:
        """The readable part of the features: (n_bins, n_frames), low frequencies first."""

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Windows (batch, n_features, window_frames) and their audio mask (batch, 1, window_frames)."""

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Any:
        """Encode the audio of windows, once each; the mask has 1 row, or 88 to hide single pitches."""

    def condition(self, encoded: Any, known: Tensor | None = None, known_mask: Tensor | None = None) -> Any:
        """Combine it with the known roll: (batch, channels * 88, n_frames) and (batch, 88, n_frames)."""

    def denoise(self, condition: Any) -> Denoise:
        """The function that samplers evaluate."""

    def guided(self, condition: Any, unconditional: Any, scale: float) -> Denoise:
        """The same, guided by ``scale`` away from ``unconditional``, the condition without audio."""

    def draw(self, target: RollTarget) -> Tensor:
        """Draw notes as the roll that ``condition`` takes: (channels * 88, n_frames)."""

    def probabilities(self, x0: Tensor) -> Tensor:
        """Convert x0 to probabilities of onset and frame and to velocity, 0 to 1, where the roll has them."""

    def posteriors(self, x0: Tensor, encoded: Any) -> list[Posterior]:
        """The last estimate as posteriors, one per row of the batch."""

    def decode(self, posterior: Posterior, thresholds: Thresholds) -> NoteArray:
        """Decode notes: (n_notes, 4) rows (onset s, offset s, pitch, velocity), sorted by onset, times from frame 0."""
