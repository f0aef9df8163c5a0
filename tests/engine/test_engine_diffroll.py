"""A published DiffRoll checkpoint behind the engine: the four tasks with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.asking import Listener, ask, noise, silence
from support.engines import float32_engine
from support.model_folders import write_sums
from support.paths import GOLDEN

from diffroll_live.engine import loading
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import Cancelled, CheckpointError, RequestError
from diffroll_live.files.plot import emerging
from diffroll_live.model.adapters.diffroll import DiffRollAdapter
from diffroll_live.model.checkpoints.folder import ModelFolder
from diffroll_live.model.checkpoints.lightning import import_checkpoint
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.types import NoteEvent, Options, Region, Request

pytest_plugins = ["support.engine_fixtures"]


CLIP = noise(25.0)  # two windows
FRAME = 512 / 16_000  # s
QUICK = Options(steps=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return import_checkpoint(GOLDEN / "dev.ckpt", tmp_path_factory.mktemp("models") / "dev")


@pytest.fixture(scope="module")
def engine(folder: ModelFolder) -> Iterator[TorchEngine]:
    yield from float32_engine(folder.path)


def transcription(options: Options = QUICK, identity: str = "t") -> Request:
    return Request(identity, "transcribe", CLIP, options=options)


def test_what_it_is(engine: TorchEngine) -> None:
    assert engine.info.name == "dev"
    assert (engine.info.sample_rate, engine.info.hop_length) == (16_000, 512)
    assert engine.info.parameters == 375_760
    assert engine.defaults.guidance == 0.5
    assert engine.defaults.reading_steps == (10, 50, 200)
    assert engine.adapter.window_frames * FRAME == pytest.approx(20.48)


@pytest.mark.slow
def test_best_quality_is_all_steps_of_guided_ddpm(engine: TorchEngine, evaluations: list[int]) -> None:
    listener = Listener()
    ask(engine, Request("best", "transcribe", noise(2.0), options=Options(quality="best")), listener)
    assert evaluations == [2] * 200
    assert listener.reports == [(step, 200) for step in range(1, 201)]


def test_guidance_zero_evaluates_the_condition_alone(engine: TorchEngine, evaluations: list[int]) -> None:
    ask(engine, Request("w0", "transcribe", noise(2.0), options=Options(steps=3, guidance=0.0)))
    assert evaluations == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_runs(engine: TorchEngine, name: str) -> None:
    result = ask(engine, transcription(Options(steps=3, sampler=name)))
    assert result.variations[0]


def test_more_steps_than_the_network_was_trained_with(engine: TorchEngine) -> None:
    with pytest.raises(RequestError, match="200 steps"):
        ask(engine, transcription(Options(steps=201)))


def test_long_audio_is_transcribed_and_streamed(engine: TorchEngine) -> None:
    listener = Listener()
    result = ask(engine, transcription(Options(steps=2, variations=2)), listener)
    assert result.variations[0] != result.variations[1]
    assert listener.variations(2) == result.variations
    assert listener.reports[-1] == (2 * 2 * 2, 2 * 2 * 2)  # windows, steps, variations
    assert all(0 <= note.onset < 25.0 and 21 <= note.pitch <= 108 for note in result.variations[0])
    assert {note.onset > 20.48 for note in result.variations[0]} == {False, True}


def test_the_seed_decides(engine: TorchEngine) -> None:
    one = ask(engine, transcription()).variations
    ask(engine, transcription(Options(steps=2, seed=8)))
    assert ask(engine, transcription()).variations == one
    assert ask(engine, transcription(Options(steps=2, seed=8))).variations != one
    assert ask(engine, transcription(Options(steps=2, variations=3))).variations[0] == one[0]


def test_silence_and_noise_below_the_gate_give_no_notes(engine: TorchEngine) -> None:
    for audio in (silence(3.0), noise(3.0, level=1e-4)):
        assert ask(engine, Request("quiet", "transcribe", audio, options=QUICK)).variations == ((),)


def test_regions_are_filled_and_known_notes_come_back_as_they_are(engine: TorchEngine) -> None:
    regions = (Region(2.0, 4.0), Region(6.0, 9.0, 60, 72), Region(10.0, 11.0, hear=True))
    known = (
        NoteEvent(0.123456789, 2.987654321, 60, 1, 15),
        NoteEvent(1.0, 1.0001, 61, 127, 3),
        NoteEvent(7.0, 7.5, 50, 64, 0),  # its pitch is outside the second region
        NoteEvent(7.0, 7.5, 65, 64, 0),  # inside: replaced
        NoteEvent(24.0, 99.0, 108, 5, 7),
    )
    result = ask(engine, Request("fill", "inpaint", CLIP, regions, known, Options(steps=3, threshold=0.2)))
    (notes,) = result.variations
    kept = [known[0], known[1], known[2], known[4]]
    assert [note for note in notes if note in known] == kept
    new = [note for note in notes if note not in known]
    for region in regions:
        inside = [n for n in new if region.onset <= n.onset < region.offset and region.low <= n.pitch <= region.high]
        assert inside
        assert all(note.offset <= region.offset for note in inside)
        new = [note for note in new if note not in inside]
    assert new == []


def test_known_notes_stay_on_the_roll_and_nothing_else_outside_the_regions(engine: TorchEngine) -> None:
    known = (NoteEvent(64 * FRAME, 96 * FRAME, 60, 100),)
    request = Request(
        "held", "inpaint", noise(10.0), (Region(5.0, 7.0),), known, Options(steps=2), frozenset({"trajectory"})
    )
    pictures = ask(engine, request).pictures
    assert pictures is not None
    for roll in emerging(pictures.trajectory):
        outside = roll[:150]
        assert outside[64:96, 39].tolist() == [1.0] * 32
        assert outside.sum() == 32.0


@pytest.mark.parametrize(
    "region", [Region(6.0, 10.0), Region(7.0, 9.0, 40, 90), Region(7.0, 9.0, hear=True), Region(50.0, 55.0)]
)
def test_a_continuation_is_written_after_the_audio(engine: TorchEngine, region: Region) -> None:
    regions = () if region.offset == 10.0 else (region,)
    seconds = 4.0 if region.offset <= 10.0 else 60.0
    result = ask(engine, Request("on", "continue", noise(6.0), regions, options=Options(steps=3, seconds=seconds)))
    (notes,) = result.variations
    assert notes
    assert all(region.onset <= note.onset < note.offset <= region.offset for note in notes)
    assert all(region.low <= note.pitch <= region.high for note in notes)


def test_generation_depends_on_nothing_but_the_seed(engine: TorchEngine) -> None:
    options = Options(steps=3, seconds=25.0)
    (notes,) = ask(engine, Request("new", "generate", None, options=options)).variations
    assert notes
    assert max(note.offset for note in notes) <= 25.0
    assert max(note.onset for note in notes) > 20.48
    assert ask(engine, Request("new", "generate", None, options=options)).variations == (notes,)
    assert ask(engine, Request("new", "generate", None, options=replace(options, seed=1))).variations != (notes,)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["transcribe", "continue", "generate", "inpaint"])
def test_cancel_stops_at_the_next_evaluation(engine: TorchEngine, evaluations: list[int], task: str) -> None:
    regions = (Region(1.0, 2.0),) if task == "inpaint" else ()
    audio = None if task == "generate" else CLIP
    with pytest.raises(Cancelled):
        ask(engine, Request("stop", task, audio, regions, options=Options(steps=50)), Listener(cancel_at=3))
    assert len(evaluations) == 3
    assert ask(engine, transcription()).variations[0]


@pytest.mark.slow
def test_decoding_again_samples_nothing(engine: TorchEngine, evaluations: list[int]) -> None:
    first = ask(engine, transcription(Options(steps=2, variations=2), identity="again"))
    evaluations.clear()
    assert engine.redecode("again", 0.5, 0.03).variations == first.variations
    strict, long = engine.redecode("again", 0.9, 0.03), engine.redecode("again", 0.5, 0.5)
    assert sum(map(len, strict.variations)) < sum(map(len, first.variations))
    assert all(note.duration >= 0.5 - 1e-5 for note in long.variations[0])
    assert set(long.variations[0]) < set(first.variations[0])
    assert evaluations == []


def test_pictures_show_what_was_heard_and_estimated(engine: TorchEngine) -> None:
    request = replace(transcription(), pictures=frozenset({"plot", "trajectory"}))
    pictures = ask(engine, request).pictures
    assert pictures is not None
    n_frames = -(-25 * 16_000 // 512)
    assert pictures.spectrogram.shape == (n_frames, 229)
    assert pictures.posterior.shape == (n_frames, 88)
    *_, last = emerging(pictures.trajectory)
    assert last.shape == (n_frames, 88)
    for array in (pictures.spectrogram, pictures.posterior, last):
        assert 0.0 <= array.min() < array.max() <= 1.0
    assert np.abs(last - pictures.posterior).max() <= 1 / 255  # where the trajectory ends


@pytest.mark.parametrize(
    ("section", "change", "match"),
    [
        ("sampling", {"beta_end": 2.0}, "linear schedule"),
        ("sampling", {"steps": "200"}, "steps must be"),
        ("sampling", {"eta": 1.0}, "does not know: eta"),
        ("decode", {"threshold": float("nan")}, "threshold must be a finite"),
        ("network", {"kernel_size": 2}, "odd kernel_size"),
        ("network", {"kernel_size": 7}, "do not fit"),
        ("front_end", {"n_fft": 0}, "front end"),
    ],
)
def test_a_config_that_cannot_be_run(
    folder: ModelFolder, tmp_path: Path, section: str, change: dict[str, object], match: str
) -> None:
    broken = tmp_path / "dev"
    shutil.copytree(folder.path, broken)
    config = json.loads((broken / "config.json").read_text())
    config[section] |= change
    (broken / "config.json").write_text(json.dumps(config))
    write_sums(broken)
    with pytest.raises(CheckpointError, match=match):
        loading.load_engine(str(broken), "cpu", warm=False)


def test_front_end_is_the_one_of_the_checkpoint(engine: TorchEngine) -> None:
    assert isinstance(engine.adapter, DiffRollAdapter)
    assert isinstance(engine.adapter.mel, LogMel)
    assert engine.adapter.mel.config == MelConfig()
