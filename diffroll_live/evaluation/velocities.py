"""How velocity follows from what the network says and from how loud it is, fitted to clips with their true notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.features import Recording
from diffroll_live.evaluation.evaluation import Clip
from diffroll_live.evaluation.scores import matches
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.loudness import UNSCALED, VelocityScale, loudness
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.corpus.pairs import Pairs
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import AudioBuffer

CLIP_SECONDS = 20.48

Floats64 = NoteArray
"""(n,) float64."""


@dataclass(frozen=True, slots=True)
class Touches:
    """The notes of a clip that were found; each (n_notes,): velocity as found, loudness in dB, true velocity."""

    found: Floats64
    loudness: Floats64
    true: Floats64


def touches(engine: TorchEngine, clip: Clip, notes: NoteArray) -> Touches:
    """Match the notes that an engine found in a clip to its own, and measure how loud it is there."""
    adapter = engine.adapter
    assert isinstance(adapter, CompactAdapter)
    features = Recording(clip.audio, adapter, engine.defaults.gate).features()[None]
    levels = loudness(features, torch.ones_like(features[:, :1]), adapter.front_end.config)[0].double().cpu().numpy()
    pairs = matches(notes, clip.notes, None)
    found = notes[pairs[:, 1]]
    frames = np.rint(found[:, 0] * adapter.geometry.frame_rate).astype(np.int64) + 1  # after the attack
    return Touches(found[:, 3], levels[np.clip(frames, 0, len(levels) - 1)], clip.notes[pairs[:, 0], 3])


def fitted(clips: Sequence[Touches], scale: VelocityScale = UNSCALED) -> VelocityScale:
    """The scale with the least mean square error, in which all clips weigh the same; UNSCALED without a note.

    ``scale``: the one that the velocities were found with.
    """
    clips = [clip for clip in clips if len(clip.true)]
    if not clips:
        return scale
    weight = np.concatenate([np.full(len(clip.true), len(clip.true) ** -0.5) for clip in clips])
    found, level, true = (np.concatenate([getattr(clip, name) for clip in clips]) for name in Touches.__slots__)
    columns = np.stack([np.ones_like(found), found, level], axis=1) * weight[:, None]
    height, slope, per_db = np.linalg.lstsq(columns, true * weight, rcond=None)[0].tolist()
    return VelocityScale(height, slope, per_db).after(scale)


def takes(pairs: Pairs, seed: int, say: Callable[[str], None]) -> list[Clip]:
    """An excerpt of each recording that is for training: its level is one that a real recording has."""
    rng = np.random.default_rng([seed, 3])
    clips = []
    for take in pairs.longer_than(CLIP_SECONDS, "train"):
        samples, piece = pairs.window(int(take), CLIP_SECONDS, rng)
        inside = piece.notes[(piece.notes[:, 0] >= 0) & (piece.notes[:, 0] < CLIP_SECONDS)]
        clips.append(Clip(pairs.corpus.names[take], AudioBuffer("take", samples, SAMPLE_RATE), inside))
        say(f"{len(clips)} recordings")
    return clips
