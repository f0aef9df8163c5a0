"""What the engine asks of a network. A network is adapted to this once; every task then works with it."""

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
    """A warm network; ``encoded`` and ``condition`` are opaque: they are only handed back to it."""

    @property
    def network(self) -> nn.Module:
        """The module that computes."""

    @property
    def window_frames(self) -> int:
        """Frames that go through the network at once."""

    @property
    def margin_frames(self) -> int:
        """Frames of context that a kept frame has on both sides."""

    @property
    def live_frames(self) -> int:
        """Frames of past audio that a live estimate goes by; 0: it cannot transcribe live."""

    @property
    def geometry(self) -> RollGeometry:
        """Frames and seconds."""

    @property
    def schedule(self) -> Schedule:
        """The noise schedule of the training."""

    @property
    def n_features(self) -> int:
        """Values a frame of its features."""

    @property
    def reach_frames(self) -> int:
        """Frames of audio before and after a frame that its features depend on."""

    @property
    def channels(self) -> int:
        """Channels of its roll."""

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""

    @property
    def device(self) -> Any:
        """Where its tensors live."""

    @property
    def writes_in_blocks(self) -> bool:
        """How hidden regions are filled.

        True: block by block, drawn from its probabilities (``engine.infill``). False: the sampler fills the hidden
        cells of a window together with the others (``engine.masks``).
        """

    def features(self, samples: Tensor) -> Tensor:
        """(n_samples,) audio at the geometry's rate to (n_features, n_frames)."""

    def spectrogram(self, features: Tensor) -> Tensor:
        """The part of features that a person can read: (n_bins, n_frames), low frequencies first."""

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Windows (batch, n_features, window_frames) and their audio mask (batch, 1, window_frames)."""

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Any:
        """Encode the audio of windows, once each; the mask has 1 row, or 88 to hide single pitches."""

    def condition(self, encoded: Any, known: Tensor | None = None, known_mask: Tensor | None = None) -> Any:
        """Join it with the known roll: (batch, channels * 88, n_frames) and (batch, 88, n_frames)."""

    def denoise(self, condition: Any) -> Denoise:
        """The function that samplers evaluate."""

    def guided(self, condition: Any, unconditional: Any, scale: float) -> Denoise:
        """The same, guided by ``scale`` away from ``unconditional``, the condition without audio."""

    def draw(self, target: RollTarget) -> Tensor:
        """Notes as the roll that ``condition`` takes: (channels * 88, n_frames)."""

    def probabilities(self, x0: Tensor) -> Tensor:
        """x0 to probabilities of onset and frame and velocity from 0 to 1, as far as the roll has them; same shape."""

    def posteriors(self, x0: Tensor, encoded: Any) -> list[Posterior]:
        """The last estimate as posteriors, one a row of the batch."""

    def decode(self, posterior: Posterior, thresholds: Thresholds) -> NoteArray:
        """Read notes: (n_notes, 4) rows (onset s, offset s, pitch, velocity), sorted by onset, times from frame 0."""
