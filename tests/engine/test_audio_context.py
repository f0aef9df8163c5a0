"""What the engine reads of a recording: each part once, around the regions, never inside a hole; and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.asking import ask, assert_near, changed, noise
from support.engines import float32_engine
from support.requests import CLIP, LONG, REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model
from torch import Tensor

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.files.plot import emerging
from diffroll_live.types import AudioBuffer, Options, Region, Request

pytest_plugins = ["support.engine_fixtures"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint", "generate"])
def test_pictures(engine: TorchEngine, name: str) -> None:
    request = replace(REQUESTS[name], pictures=frozenset({"plot", "trajectory"}))
    pictures = ask(engine, request).pictures
    assert pictures is not None
    assert pictures.frame_rate == 62.5
    assert pictures.posterior.shape[1] == 88
    *_, last = emerging(pictures.trajectory)
    assert last.shape == pictures.posterior.shape
    if request.audio is not None:
        assert pictures.spectrogram.shape == (-(-request.audio.seconds * 62.5 // 1), 294)
    assert pictures.posterior.max(axis=1)[int(62.5 * 1.2) : int(62.5 * 1.9)].max() > 0.5
    for array in (pictures.spectrogram, pictures.posterior, last):
        assert 0.0 <= array.min() <= array.max() <= 1.0
    assert ask(engine, REQUESTS[name]).pictures is None


@pytest.mark.slow
def test_the_posterior_shows_what_was_read_around_and_what_was_written(engine: TorchEngine) -> None:
    for regions in ((Region(10.0, 12.0),), (Region(10.0, 12.0, 60, 72),)):
        request = Request("job", "inpaint", noise(30.0), regions, pictures=frozenset({"plot"}))
        result = ask(engine, request)
        assert result.pictures is not None
        posterior = result.pictures.posterior
        read = (posterior > 0).any(axis=1)
        assert read[int(1.9 * 62.5) : int(9.9 * 62.5)].all()
        assert read[int(12.1 * 62.5) : int(20.1 * 62.5)].all()
        assert not read[: int(1.7 * 62.5)].any(), "more than a window holds"
        assert not read[int(20.3 * 62.5) :].any()
        (region,) = regions
        inside = posterior[round(10.0 * 62.5) : round(12.0 * 62.5), region.low - 21 : region.high - 20]
        assert set(np.unique(inside)) == {0.0, 1.0}
        for note in result.variations[0]:
            assert posterior[round(note.onset * 62.5), note.pitch - 21] == 1.0


@pytest.mark.slow
def test_audio_is_listened_to_once_and_only_where_it_is_asked_about(
    engine: TorchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []
    listen = type(engine.adapter).features

    def counting(adapter: object, samples: Tensor) -> Tensor:
        heard.append(len(samples) / 16_000)
        return listen(adapter, samples)

    monkeypatch.setattr(type(engine.adapter), "features", counting)
    engine.forget()
    for request in (REQUESTS["transcribe"], REQUESTS["inpaint"]):
        ask(engine, request)
    ask(engine, Request("job", "transcribe", replace(CLIP, name="renamed")))
    ask(engine, Request("job", "transcribe", replace(CLIP, samples=CLIP.samples.copy())))
    assert 4.0 < sum(heard) < 4.3
    heard.clear()
    ask(engine, Request("job", "transcribe", noise(4.0, seed=1)))
    assert 4.0 < sum(heard) < 4.3
    heard.clear()
    for task in ("transcribe", "inpaint"):
        ask(engine, Request("job", task, noise(120.0), (Region(60.0, 61.0),)))
    assert 0 < sum(heard) < 30  # two windows of 10.24 s and a second


@pytest.mark.slow
def test_the_inside_of_a_hole_changes_nothing(engine: TorchEngine) -> None:
    samples = noise(12.0).samples.copy()
    samples[65_600:94_400] = noise(1.8, seed=7, level=0.5).samples  # the hole but for what its edges' spectra reach
    for task, regions in (
        ("inpaint", (Region(4.0, 6.0),)),
        ("inpaint", (Region(4.0, 6.0, 21, 60), Region(4.0, 6.0, 61))),
    ):
        other = ask(engine, Request("job", task, AudioBuffer("other", samples, 16_000), regions))
        assert other.variations == ask(engine, Request("job", task, noise(12.0), regions)).variations
    band = (Region(4.0, 6.0, 21, 60),)
    other = ask(engine, Request("job", "inpaint", AudioBuffer("other", samples, 16_000), band))
    assert other.variations != ask(engine, Request("job", "inpaint", noise(12.0), band)).variations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "windows"),
    [(Options(), 2), (Options(quality="best"), 4), (Options(steps=3, guidance=1.0), 2), (Options(quality="draft"), 2)],
)
def test_context_is_read_in_whole_windows_on_each_side_and_once(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], options: Options, windows: int
) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    engine.forget()
    hole = Request("job", "inpaint", noise(60.0), (Region(20.0, 40.0),), options=options)
    first = ask(engine, hole).variations
    assert sizes == [1] * windows
    ask(engine, changed(hole, seed=5, variations=2, temperature=0.5))
    assert len(sizes) == windows, "what was heard is remembered"
    assert ask(engine, hole).variations == first
    ask(engine, replace(hole, regions=(Region(20.0, 41.0),)))
    assert len(sizes) > windows, "another hole, another sound"


@pytest.mark.slow
def test_audio_that_a_window_holds_is_read_to_its_ends(engine: TorchEngine) -> None:
    request = Request("job", "inpaint", noise(20.4), (Region(9.0, 11.4),), pictures=frozenset({"plot"}))
    pictures = ask(engine, request).pictures
    assert pictures is not None
    read = (pictures.posterior > 0).any(axis=1)
    assert read[:5].any()
    assert read[-5:].any()


@pytest.mark.slow
def test_a_region_of_a_long_recording_is_read_as_if_all_had_been_heard(engine: TorchEngine) -> None:
    part = Request("job", "transcribe", LONG, (Region(12.0, 14.0),))
    engine.forget()
    first = ask(engine, part)
    ask(engine, TRANSCRIPTION)
    assert first.variations[0]
    assert_near(ask(engine, part), first)
