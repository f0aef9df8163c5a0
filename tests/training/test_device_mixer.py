"""Mixing whole batches at once, as on a GPU: the same sound as window by window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.training_material import HEARD, Folders

from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.examples.batches import loader
from diffroll_live.training.examples.windows import Material, WindowMaker
from diffroll_live.training.synthesis import device_mixer
from diffroll_live.training.synthesis.device_mixer import DeviceMixer
from diffroll_live.training.synthesis.mixer import PlayedTouch, sympathetic, with_pedal

pytest_plugins = ["support.training_fixtures"]
GEOMETRY = RollGeometry(16_000, 256)
CPU = torch.device("cpu")


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=1.0, empty_share=0.2, edge_share=0.5)


def batches(material: Material, mixer: DeviceMixer | None, workers: int = 0) -> list[dict[str, torch.Tensor]]:
    made = loader(material, GEOMETRY, batch=4, seed=0, first=0, workers=workers, mixer=mixer)
    return [next(made) for _ in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["tasks", "mixed"])
@pytest.mark.parametrize("at_once", [1 << 17, 1 << 25])
def test_a_batch_sounds_as_its_windows_do(material, stage, at_once, monkeypatch):
    monkeypatch.setattr(device_mixer, "AT_ONCE", at_once)
    staged = replace(material, stage=stage)
    mixer = DeviceMixer(WindowMaker(staged).bank, CPU)
    for ours, theirs in zip(batches(staged, mixer), batches(staged, None), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - {"samples"}:
            assert torch.equal(ours[name], theirs[name]), name
        assert ours["samples"].abs().amax() > 0.01
        # What is below a rounding's threshold in one and above it in the other is coded otherwise.
        off = (ours["samples"] - theirs["samples"]).abs()
        assert float(off.quantile(0.99)) < 1e-4
        assert float(off.max()) < 0.05


@pytest.mark.slow
def test_plain_windows_are_the_same_to_the_last_bits(material):
    plain = replace(material, augmentation=0.0, empty_share=0.0)
    ours, theirs = batches(plain, DeviceMixer(WindowMaker(plain).bank, CPU)), batches(plain, None)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one["samples"], other["samples"], atol=2e-6)


@pytest.mark.slow
def test_plans_come_from_other_processes_too(material):
    mixer = DeviceMixer(WindowMaker(material).bank, CPU)
    for one, other in zip(batches(material, mixer, workers=1), batches(material, mixer), strict=True):
        assert torch.equal(one["samples"], other["samples"])


def test_rolls_alone_need_no_bank_there_either(material):
    rolls = replace(material, bank=None, stage="rolls")
    (first, _) = batches(rolls, DeviceMixer(None, CPU))
    assert not first["samples"].any()
    assert first["frame"].any()


def test_free_strings_ring_along_softly():
    """Octave and twelfth above what the pedal holds, so much softer; nothing without a pedal."""
    touch = PlayedTouch(HEARD, dynamic_range=30, detune=0, release=0.05, sympathy=40.0)
    notes = np.array([(0.0, 0.5, 60.0, 90.0), (1.0, 1.5, 100.0, 90.0)])
    rung = with_pedal(notes, np.array([(0.2, 3.0)]))
    along = sympathetic(notes, rung, touch)
    assert along[:, 2].tolist() == [72.0, 79.0], "and not beyond the piano"
    assert along[:, 1].tolist() == [3.0, 3.0]
    gains = np.array([90.0, *along[:, 3]]) / 127 * touch.dynamic_range
    assert gains[0] - gains[1:] == pytest.approx([40.0, 40.0])
    assert not len(sympathetic(notes, with_pedal(notes, np.zeros((0, 2))), touch))
