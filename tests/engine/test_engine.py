"""The engine with a small random network: every task, every kind of region, and what is promised of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from support.asking import Listener, ask, assert_near, changed, inside, noise, planned, silence
from support.engines import float32_engine
from support.requests import CLIP, HEARD, HOLES, KEPT, KNOWN, REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model

from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.engine import loading
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import Cancelled, CheckpointError, RequestError
from diffroll_live.types import AudioBuffer, Options, Region, Request

pytest_plugins = ["support.engine_fixtures"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_is_answered_streamed_and_counted(engine: TorchEngine, name: str) -> None:
    request, listener = changed(REQUESTS[name], variations=2), Listener()
    result = ask(engine, request, listener)
    assert len(result.variations) == 2
    assert all(len(notes) > 0 for notes in result.variations)
    assert all(list(notes) == sorted(notes) for notes in result.variations)
    assert listener.variations(2) == result.variations
    assert len({note.index for note in listener.streamed}) == len(listener.streamed)
    assert len(listener.grids) == 1
    assert listener.notes_before_grid == (0 if planned(request).hidden else len(listener.streamed))
    assert [step for step, _ in listener.reports] == list(range(1, len(listener.reports) + 1))
    assert all(step <= steps for step, steps in listener.reports)
    if "transcribe" in name:  # how many evaluations writing takes is known when it is written
        assert listener.reports[-1][0] == listener.reports[-1][1]
    assert result.timings.total > 0
    assert result.request_id == "job"


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_the_seed_decides_whatever_ran_before(engine: TorchEngine, name: str) -> None:
    request = REQUESTS[name]
    first = ask(engine, request).variations
    ask(engine, changed(TRANSCRIPTION, seed=99))
    torch.manual_seed(1234)
    assert ask(engine, request).variations == first
    if "transcribe" not in name and "heard" not in name:
        assert ask(engine, changed(request, seed=1)).variations != first


@pytest.mark.slow
def test_variations_differ_where_notes_are_written(engine: TorchEngine) -> None:
    result = ask(engine, changed(REQUESTS["inpaint"], variations=4))
    assert len(set(result.variations)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("regions", [HOLES, (*HOLES, HEARD), (HEARD,)])
def test_known_notes_come_back_as_they_are_and_new_ones_stay_inside(
    engine: TorchEngine, regions: tuple[Region, ...]
) -> None:
    kept = [note for note in KNOWN if not any(inside(note, region) for region in regions)]
    assert kept
    request = Request("job", "inpaint", CLIP, regions, KNOWN, Options(variations=2, density=2.0, threshold=0.05))
    for notes in ask(engine, request).variations:
        assert [note for note in notes if note in KNOWN] == kept
        new = [note for note in notes if note not in KNOWN]
        for region in regions:
            here = [note for note in new if inside(note, region)]
            assert here
            assert all(note.offset <= (region.offset if region.hear else 4.0) for note in here)
            for note in here:  # it may ring into what follows, but not into its own key
                assert not [
                    k for k in kept if k.pitch == note.pitch and k.onset < note.offset and k.offset > note.onset
                ]
        assert all(any(inside(note, region) for region in regions) for note in new)
        for one, other in pairwise(sorted(new, key=lambda note: (note.pitch, note.onset))):
            assert one.pitch != other.pitch or one.offset <= other.onset, "not into one that was heard, either"


def test_notes_are_filled_without_audio_and_the_locked_ones_stay_in_the_hole(engine: TorchEngine) -> None:
    (notes,) = ask(engine, REQUESTS["inpaint notes alone"]).variations
    locked = REQUESTS["inpaint notes alone"].locked
    new = [note for note in notes if note not in KNOWN and note not in locked]
    assert set(locked) < set(notes)
    assert [note for note in notes if note in KNOWN] == list(KEPT)
    assert new
    for note in new:
        assert any(inside(note, region) for region in HOLES)
        assert not any(note.pitch == other.pitch and note.onset < other.offset > note.offset for other in locked)


@pytest.mark.slow
def test_time_to_come(engine: TorchEngine) -> None:
    (notes,) = ask(engine, REQUESTS["continue known notes"]).variations
    assert [note for note in notes if note in KNOWN] == list(KNOWN)
    assert all(4.0 <= note.onset < note.offset <= 6.0 for note in notes if note not in KNOWN)
    (notes,) = ask(engine, REQUESTS["continue in regions"]).variations
    regions = REQUESTS["continue in regions"].regions
    assert all(any(r.onset <= n.onset < r.offset and r.low <= n.pitch <= r.high for r in regions) for n in notes)
    assert all(n.offset <= 16.0 for n in notes)
    (notes,) = ask(engine, REQUESTS["continue notes alone"]).variations
    assert [note for note in notes if note in KNOWN] == list(KNOWN[:5])
    assert all(3.1 <= note.onset < note.offset <= 5.1 for note in notes if note not in KNOWN)
    (notes,) = ask(engine, REQUESTS["generate"]).variations
    assert all(0.0 <= note.onset < note.offset <= 2.0 for note in notes)
    (notes,) = ask(engine, REQUESTS["generate in a region"]).variations
    assert all(0.5 <= note.onset < 1.5 and 60 <= note.pitch <= 80 for note in notes)
    assert all(note.offset <= 8.0 for note in notes), "it may ring for as long as was asked for"


@pytest.mark.slow
def test_long_audio_at_another_rate_is_read_to_its_end(engine: TorchEngine) -> None:
    (notes,) = ask(engine, TRANSCRIPTION).variations
    onsets = np.array([note.onset for note in notes])
    assert onsets.max() < 25.0
    assert (np.histogram(onsets, bins=25, range=(0, 25))[0] > 0).all()


@pytest.mark.slow
def test_short_audio_is_read(engine: TorchEngine) -> None:
    for n_samples in (1, 100, 5000):
        audio = AudioBuffer("short", np.full(n_samples, 0.1, np.float32), 48_000)
        assert len(ask(engine, Request("job", "transcribe", audio)).variations) == 1


@pytest.mark.slow
def test_silence_gives_no_notes_and_neither_does_what_is_too_quiet(engine: TorchEngine) -> None:
    for audio in (silence(3.0), noise(3.0, level=1e-4)):
        assert ask(engine, Request("job", "transcribe", audio)).variations == ((),)
    samples = noise(6.0).samples.copy()
    samples[32_000:64_000] = 0
    (notes,) = ask(engine, Request("job", "transcribe", AudioBuffer("gap", samples, 16_000))).variations
    assert any(note.onset < 2.0 for note in notes)
    assert any(note.onset > 4.0 for note in notes)
    assert not [note for note in notes if 2.05 < note.onset < 3.85]


@pytest.mark.slow
@pytest.mark.parametrize("abreast", [2, 8])
def test_how_many_windows_go_at_once_changes_nothing(engine: TorchEngine, abreast: int) -> None:
    other = TorchEngine(engine.adapter, engine.info, engine.defaults, engine.composer, abreast=abreast)
    for name in ("transcribe long audio", "inpaint around known notes"):
        assert_near(ask(other, REQUESTS[name]), ask(engine, REQUESTS[name]))


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["draft", "live", "best"])
def test_quality_is_a_number_of_evaluations(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], quality: str
) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    ask(engine, changed(REQUESTS["transcribe"], quality=quality))
    steps = dict(zip(("draft", "live", "best"), engine.defaults.reading_steps, strict=True))
    assert sizes == [1] * steps[quality]


def test_options_of_sampling_are_obeyed(engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    ask(engine, changed(REQUESTS["transcribe"], steps=4, guidance=1.0, sampler="dpmpp-2m"))
    assert sizes == [1, 2, 2, 1]  # guided at t = 0.75 and 0.5, the two halves as one batch


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 3])
def test_cancel_stops_before_the_next_evaluation(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], at: int
) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    with pytest.raises(Cancelled):
        ask(engine, changed(TRANSCRIPTION, steps=2), Listener(cancel_at=at))
    assert len(sizes) == at
    assert ask(engine, REQUESTS["transcribe"]).variations[0]


@pytest.mark.parametrize("sampler", ["note-by-note", "thinning"])
def test_cancel_stops_the_composer_before_its_next_evaluation(engine: TorchEngine, sampler: str) -> None:
    listener = Listener(cancel_at=3)
    with pytest.raises(Cancelled):
        ask(engine, changed(REQUESTS["generate"], sampler=sampler), listener)
    assert len(listener.reports) <= 3


def test_a_model_without_a_composer_says_so(engine: TorchEngine) -> None:
    deaf = TorchEngine(engine.adapter, engine.info, engine.defaults)
    assert ask(deaf, REQUESTS["transcribe"]).variations[0]
    with pytest.raises(RequestError, match="no composer"):
        ask(deaf, REQUESTS["inpaint"])


def test_what_it_is(engine: TorchEngine) -> None:
    assert engine.info.name == "tiny"
    assert engine.info.device == "cpu float32"
    assert (engine.info.sample_rate, engine.info.hop_length) == (16_000, 256)
    assert engine.info.parameters > 1000
    assert engine.defaults.batch == 3


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "named"), [("fp32", "cpu float32"), ("bf16", "cpu bfloat16")])
def test_the_daemons_engine_has_the_precision_that_is_configured(tmp_path: Path, precision: str, named: str) -> None:
    factory = EngineFactory(str(write_tiny_model(tmp_path / "tiny").path), "cpu", None, precision)
    assert factory().info.device == named


def test_devices_and_settings_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no device 'abacus' .* cpu"):
        loading.choose_device("abacus")
    with pytest.raises(CheckpointError, match="no model 'nowhere'"):
        loading.load_engine("nowhere", "cpu")
