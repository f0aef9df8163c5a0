"""The published DiffRoll as an adapter: a roll of frames, clips of 20.48 s, hidden parts filled by the sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.model.denoiser import Denoise, as_one_batch, guided, holding, linear_guidance
from diffroll_live.model.networks.diffroll import Condition, DiffRoll
from diffroll_live.model.networks.diffroll_mel import LogMel, fundamental_bins, hide, pitch_bins
from diffroll_live.model.networks.diffroll_notes import extract_notes
from diffroll_live.model.roll_targets import NoteArray, RollTarget, long_enough
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.model.transfers import to_device
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES, RollGeometry

STRIKE_FRAMES = 3  # after an onset, in which a note is loudest
SOFTEST = 0.1  # velocity, on a scale of 0 to 1, of the faintest note
UNHEARD_VELOCITY = 0.6  # of a note whose audio is hidden


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What all evaluations of one sampling run share: the audio and the known cells, (batch, 1, n_frames, 88)."""

    condition: Condition
    known_x0: Tensor | None
    known: Tensor | None


class DiffRollAdapter:
    """A loaded DiffRoll network. Rolls are (batch, 1, n_frames, 88) with x0 around [0, 1].

    Each window is normalized to [0, 1] on its own, as in training.
    """

    channels = 1
    margin_frames = 32  # 1 s
    live_frames = 0  # a window is normalized as a whole
    fills_hidden = True
    hears_pedal = False

    def __init__(
        self,
        network: DiffRoll,
        mel: LogMel,
        schedule: LinearSchedule,
        device: torch.device,
        window_frames: int = 640,  # 20.48 s, the length of the clips that it was trained on
    ) -> None:
        self.network, self.mel, self.schedule = network, mel, schedule
        self.device, self.window_frames = device, window_frames
        self.geometry = RollGeometry(mel.config.sample_rate, mel.config.hop_length)
        self.n_features, self.reach_frames = mel.config.hop_length, 0  # features are the samples themselves
        self.parameters = sum(p.numel() for p in network.parameters())
        self._bins = pitch_bins(mel.config).float().to(device)
        self._fundamentals = fundamental_bins(mel.config).to(device)

    def features(self, samples: Tensor) -> Tensor:
        """The samples themselves, one frame per column, padded to a whole frame: (hop_length, n_frames)."""
        hop = self.geometry.hop_length
        return torch.nn.functional.pad(samples, (0, -len(samples) % hop)).view(-1, hop).T

    def spectrogram(self, features: Tensor) -> Tensor:
        """The log-mel spectrogram of the whole recording, (n_mels, n_frames)."""
        window = cut_windows(features, [0], max(features.shape[1], self.window_frames), 0.0)
        mel: Tensor = self.mel(_samples(window))[0]
        return mel[:, : features.shape[1]]

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Cut windows out of (hop_length, n_frames) samples; silent, but not masked, beyond both ends."""
        windows = cut_windows(features, begins, self.window_frames, 0.0)
        return windows, features.new_ones((len(begins), 1, self.window_frames))

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Tensor:
        """The spectrogram, (batch, n_mels, n_frames), -1 in hidden frames or the bands of hidden pitches."""
        hidden = (1.0 - audio_mask).expand(-1, N_PITCHES, -1)
        return hide(self.mel(_samples(windows)), torch.matmul(self._bins.T, hidden) > 0)

    def condition(self, encoded: Tensor, known: Tensor | None = None, known_mask: Tensor | None = None) -> Conditioning:
        """Project the spectrogram for every layer; keep the known roll, (batch, 88, n_frames), for ``denoise``."""
        projected = self.network.condition(encoded)
        if known is None or known_mask is None:
            return Conditioning(projected, None, None)
        return Conditioning(projected, known.transpose(1, 2)[:, None], known_mask.transpose(1, 2)[:, None] > 0)

    def denoise(self, condition: Conditioning) -> Denoise:
        """Make ``denoise(x_t, t) -> x0``, in which known cells keep their known values."""
        return _held(self.network.denoiser(condition.condition), condition)

    def guided(self, condition: Conditioning, unconditional: Conditioning, scale: float) -> Denoise:
        """Guide as published: extrapolate x0 at every step; both halves run as one batch."""
        pair = as_one_batch(self.network.denoiser(condition.condition.followed_by(unconditional.condition)))
        alone = self.network.denoiser(condition.condition)
        return _held(guided(alone, pair, scale, combine=linear_guidance), condition)

    def draw(self, target: RollTarget) -> Tensor:
        """The sounding frames, 0 or 1: (88, n_frames)."""
        return to_device(np.ascontiguousarray(target.frame.T), self.device)

    def probabilities(self, x0: Tensor) -> Tensor:
        """x0 clamped to [0, 1]."""
        return x0.clamp(0.0, 1.0)

    def posteriors(self, x0: Tensor, encoded: Tensor) -> list[Posterior]:
        """One Posterior per row of the batch; the frame roll also serves as onsets, without sub-frame timing."""
        rolls, velocities = self.probabilities(x0)[:, 0], self._velocities(encoded)
        still = torch.zeros_like(rolls[0])
        return [Posterior(roll, roll, level, still, still) for roll, level in zip(rolls, velocities, strict=True)]

    def decode(self, posterior: Posterior, thresholds: Thresholds) -> NoteArray:
        """A note is a run of frames above the onset threshold; those that begin where onsets are suppressed are not."""
        bins, frames = extract_notes(posterior.frame, thresholds.onset)
        audible = posterior.onset[frames[:, 0], bins] > thresholds.onset
        level = posterior.velocity[frames[:, 0], bins] * 127
        columns = torch.stack((*frames.T.float(), bins.float() + LOW_PITCH, level.float()), dim=1)[audible]
        rows: NoteArray = columns.cpu().numpy().astype(np.float64)
        rows[:, :2] /= self.geometry.frame_rate
        rows[:, 3] = np.clip(np.rint(rows[:, 3]), 1, 127)
        return rows[long_enough(rows, thresholds.min_note)]

    def _velocities(self, encoded: Tensor) -> Tensor:
        """Estimate velocities from the level of each fundamental just after a frame: (batch, n_frames, 88), 0 to 1.

        The network has no velocities. A spectrogram maps the levels of its clip to 0 to 1; the upper half of that is
        taken as the dynamic range.
        """
        level = torch.nn.functional.pad(encoded[:, self._fundamentals], (0, STRIKE_FRAMES - 1), value=-1.0)
        loudest = torch.nn.functional.max_pool1d(level, STRIKE_FRAMES, stride=1)
        guess = (2.0 * loudest - 1.0).clamp(SOFTEST, 1.0)
        return torch.where(loudest < 0.0, UNHEARD_VELOCITY, guess).transpose(1, 2)


def _samples(windows: Tensor) -> Tensor:
    """(batch, hop_length, n_frames) to (batch, n_samples)."""
    return windows.transpose(1, 2).flatten(1)


def _held(denoise: Denoise, told: Conditioning) -> Denoise:
    if told.known_x0 is None or told.known is None:
        return denoise
    return holding(denoise, told.known_x0, told.known)
