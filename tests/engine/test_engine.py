"""The engine with a small random network: every task, every kind of region, and what is promised of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.asking import Listener, ask, noise, silence
from support.requests import CLIP, HEARD, HOLES, KEPT, KNOWN, LONG, REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model
from torch import Tensor

from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.engine import engine as engine_module
from diffroll_live.engine import loading
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.infill.blocks import LONGEST_BLOCK
from diffroll_live.engine.out_of_memory import is_shortage
from diffroll_live.errors import Cancelled, CheckpointError, DeviceMemory, RequestError, UnknownJob
from diffroll_live.model.networks.compact import Denoiser
from diffroll_live.types import AudioBuffer, NoteEvent, Options, Region, Request, Result


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "choose_precision", lambda device: torch.float32)
        yield loading.load_engine(str(folder.path), "cpu")
    torch.set_flush_denormal(False)  # it concerns the whole process, other tests too


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Have a function called with the batch size before every evaluation."""
    forward = Denoiser.forward

    def install(before: Callable[[int], None]) -> None:
        def wrapped(network: Denoiser, x_t: Tensor, *rest: object) -> Tensor:
            before(len(x_t))
            return forward(network, x_t, *rest)

        monkeypatch.setattr(Denoiser, "forward", wrapped)

    return install


def assert_near(got: Result, wanted: Result) -> None:
    """The same notes but for the last bits, which depend on how many windows are multiplied at once."""
    for here, there in zip(got.variations, wanted.variations, strict=True):
        rows, others = (np.array([(n.pitch, n.onset, n.offset, n.velocity) for n in sorted(v)]) for v in (here, there))
        assert rows.shape == others.shape
        np.testing.assert_allclose(rows, others, atol=1e-3)


def changed(request: Request, **options: object) -> Request:
    return replace(request, options=replace(request.options, **options))


def inside(note: NoteEvent, region: Region) -> bool:
    return region.onset <= note.onset < region.offset and region.low <= note.pitch <= region.high


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_is_answered_streamed_and_counted(engine: TorchEngine, name: str) -> None:
    request, listener = changed(REQUESTS[name], variations=2), Listener()
    result = ask(engine, request, listener)
    assert len(result.variations) == 2
    assert all(len(notes) > 0 for notes in result.variations)
    assert all(list(notes) == sorted(notes) for notes in result.variations)
    assert listener.variations(2) == result.variations
    assert len({note.index for note in listener.streamed}) == len(listener.streamed)
    assert [step for step, _ in listener.reports] == list(range(1, len(listener.reports) + 1))
    assert all(step <= steps for step, steps in listener.reports)
    assert listener.reports[-1][0] == listener.reports[-1][1]
    assert result.timings.total > 0
    assert result.request_id == "job"


@pytest.mark.parametrize("name", REQUESTS)
def test_the_seed_decides_whatever_ran_before(engine: TorchEngine, name: str) -> None:
    request = REQUESTS[name]
    first = ask(engine, request).variations
    ask(engine, changed(TRANSCRIPTION, seed=99))
    torch.manual_seed(1234)
    assert ask(engine, request).variations == first
    if "transcribe" not in name and "heard" not in name:
        assert ask(engine, changed(request, seed=1)).variations != first


def test_variations_differ_where_notes_are_written(engine: TorchEngine) -> None:
    result = ask(engine, changed(REQUESTS["inpaint"], variations=4))
    assert len(set(result.variations)) == 4


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
            assert all(note.offset <= region.offset for note in here)
        assert all(any(inside(note, region) for region in regions) for note in new)


def test_time_to_come(engine: TorchEngine) -> None:
    (notes,) = ask(engine, REQUESTS["continue known notes"]).variations
    assert [note for note in notes if note in KNOWN] == list(KNOWN)
    assert all(4.0 <= note.onset < note.offset <= 6.0 for note in notes if note not in KNOWN)
    (notes,) = ask(engine, REQUESTS["continue in regions"]).variations
    regions = REQUESTS["continue in regions"].regions
    assert all(
        any(r.onset <= n.onset < n.offset <= r.offset and r.low <= n.pitch <= r.high for r in regions) for n in notes
    )
    (notes,) = ask(engine, REQUESTS["generate"]).variations
    assert all(0.0 <= note.onset < note.offset <= 2.0 for note in notes)
    (notes,) = ask(engine, REQUESTS["generate in a region"]).variations
    assert all(0.5 <= note.onset < note.offset <= 1.5 and 60 <= note.pitch <= 80 for note in notes)


def test_long_audio_at_another_rate_is_read_to_its_end(engine: TorchEngine) -> None:
    (notes,) = ask(engine, TRANSCRIPTION).variations
    onsets = np.array([note.onset for note in notes])
    assert onsets.max() < 25.0
    assert (np.histogram(onsets, bins=25, range=(0, 25))[0] > 0).all()


def test_short_audio_is_read(engine: TorchEngine) -> None:
    for n_samples in (1, 100, 5000):
        audio = AudioBuffer("short", np.full(n_samples, 0.1, np.float32), 48_000)
        assert len(ask(engine, Request("job", "transcribe", audio)).variations) == 1


def test_silence_gives_no_notes_and_neither_does_what_is_too_quiet(engine: TorchEngine) -> None:
    for audio in (silence(3.0), noise(3.0, level=1e-4)):
        assert ask(engine, Request("job", "transcribe", audio)).variations == ((),)
    samples = noise(6.0).samples.copy()
    samples[32_000:64_000] = 0
    (notes,) = ask(engine, Request("job", "transcribe", AudioBuffer("gap", samples, 16_000))).variations
    assert any(note.onset < 2.0 for note in notes)
    assert any(note.onset > 4.0 for note in notes)
    assert not [note for note in notes if 2.05 < note.onset < 3.85]


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_the_batch_size_changes_nothing(engine: TorchEngine, batch: int) -> None:
    other = TorchEngine(engine.adapter, engine.info, replace(engine.defaults, batch=batch))
    for name in ("transcribe long audio", "inpaint around known notes"):
        assert_near(ask(other, REQUESTS[name]), ask(engine, REQUESTS[name]))


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


@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint", "continue", "generate"])
@pytest.mark.parametrize("at", [1, 3])
def test_cancel_stops_before_the_next_evaluation(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], name: str, at: int
) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    with pytest.raises(Cancelled):
        ask(engine, changed(REQUESTS[name], steps=2), Listener(cancel_at=at))
    assert len(sizes) == at
    assert ask(engine, REQUESTS["transcribe"]).variations[0]


def test_decoding_again_samples_nothing(engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]) -> None:
    request = replace(changed(REQUESTS["inpaint around known notes"], variations=2), id="again")
    first = ask(engine, request).variations
    sizes: list[int] = []
    denoiser(sizes.append)
    threshold = engine.defaults.onset_threshold
    assert engine.redecode("again", threshold, 0.03).variations == first
    more, fewer = engine.redecode("again", 0.02, 0.03).variations, engine.redecode("again", 0.9, 0.03).variations
    assert [len(a) >= len(b) >= len(c) for a, b, c in zip(more, first, fewer, strict=True)] == [True, True]
    assert len(more[0]) > len(fewer[0])
    for notes in (*more, *fewer, *engine.redecode("again", threshold, 5.0).variations):
        assert set(KEPT) - {KNOWN[1]} <= set(notes)
    assert sizes == []


def test_decoding_long_audio_again_gives_the_very_same_notes(engine: TorchEngine) -> None:
    result = ask(engine, replace(TRANSCRIPTION, id="long"))
    assert engine.redecode("long", engine.defaults.onset_threshold, 0.03).variations == result.variations


def test_only_so_much_is_remembered(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(engine_module.REMEMBERED + 1):
        ask(engine, replace(changed(REQUESTS["transcribe"], quality="draft"), id=f"job-{number}"))
    with pytest.raises(UnknownJob, match="run it again"):
        engine.redecode("job-0", 0.5, 0.03)
    engine.redecode("job-1", 0.5, 0.03)
    monkeypatch.setattr(engine_module, "REMEMBERED_BYTES", 0)
    ask(engine, replace(REQUESTS["transcribe"], id="large"))
    engine.redecode("large", 0.5, 0.03)
    with pytest.raises(UnknownJob):
        engine.redecode(f"job-{engine_module.REMEMBERED}", 0.5, 0.03)


SHORTAGES = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory"),
    MemoryError(),
)


@pytest.mark.parametrize("shortage", SHORTAGES)
def test_where_memory_is_short_fewer_windows_go_at_once(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], shortage: Exception
) -> None:
    request = changed(TRANSCRIPTION, variations=2)
    wanted = ask(engine, request)
    sizes: list[int] = []

    def refuse(batch: int) -> None:
        sizes.append(batch)
        if batch > 1:
            raise shortage

    denoiser(refuse)
    listener = Listener()
    assert_near(ask(engine, request, listener), wanted)
    assert max(sizes) > 1
    assert listener.reports[-1][0] == listener.reports[-1][1]


@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint", "generate"])
def test_where_not_even_one_fits_it_is_said_and_the_engine_goes_on(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], name: str
) -> None:
    full = True

    def refuse(batch: int) -> None:
        if full:
            raise SHORTAGES[0]

    denoiser(refuse)
    with pytest.raises(DeviceMemory, match="too little free memory"):
        ask(engine, REQUESTS[name])
    full = False
    assert ask(engine, REQUESTS[name]).variations[0]


def test_other_faults_are_not_taken_for_a_shortage(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]
) -> None:
    def fail(batch: int) -> None:
        raise RuntimeError("shapes do not match")

    denoiser(fail)
    with pytest.raises(RuntimeError, match="shapes"):
        ask(engine, REQUESTS["transcribe"])
    assert all(is_shortage(shortage) for shortage in SHORTAGES)
    assert not is_shortage(ValueError("out of memory"))


@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint", "generate"])
def test_pictures(engine: TorchEngine, name: str) -> None:
    request = replace(REQUESTS[name], pictures=frozenset({"plot", "trajectory"}))
    pictures = ask(engine, request).pictures
    assert pictures is not None
    assert pictures.frame_rate == 62.5
    assert pictures.posterior.shape[1] == 88
    assert pictures.trajectory.shape[1:] == (640, 88)
    assert len(pictures.trajectory) > 0
    if request.audio is not None:
        assert pictures.spectrogram.shape == (-(-request.audio.seconds * 62.5 // 1), 294)
    assert pictures.posterior.max(axis=1)[int(62.5 * 1.2) : int(62.5 * 1.9)].max() > 0.5
    for array in (pictures.spectrogram, pictures.posterior, pictures.trajectory):
        assert 0.0 <= array.min() <= array.max() <= 1.0
    assert ask(engine, REQUESTS[name]).pictures is None


def test_the_posterior_shows_what_was_read_around_and_what_was_written(engine: TorchEngine) -> None:
    for regions in ((Region(10.0, 12.0),), (Region(10.0, 12.0, 60, 72),)):
        request = Request("job", "inpaint", noise(30.0), regions, pictures=frozenset({"plot"}))
        result = ask(engine, request)
        assert result.pictures is not None
        posterior = result.pictures.posterior
        read = (posterior > 0).any(axis=1)
        assert read[int(5.1 * 62.5) : int(9.9 * 62.5)].all()
        assert read[int(12.1 * 62.5) : int(16.9 * 62.5)].all()
        assert not read[: int(4.9 * 62.5)].any()
        assert not read[int(17.1 * 62.5) :].any()
        (region,) = regions
        inside = posterior[round(10.0 * 62.5) : round(12.0 * 62.5), region.low - 21 : region.high - 20]
        assert set(np.unique(inside)) == {0.0, 1.0}
        for note in result.variations[0]:
            assert posterior[round(note.onset * 62.5), note.pitch - 21] == 1.0


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


def test_context_is_read_once_whatever_the_quality(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]
) -> None:
    sizes: list[int] = []
    denoiser(sizes.append)
    hole = Request("job", "inpaint", noise(60.0), (Region(20.0, 40.0),))
    for options in (Options(), Options(quality="best"), Options(steps=3), Options(steps=3, guidance=1.0)):
        sizes.clear()
        ask(engine, replace(hole, options=options))
        steps = options.steps or engine.defaults.writing_steps[1 + (options.quality == "best")]
        assert len(sizes) == 2 + steps * -(-20 * 62.5 // LONGEST_BLOCK)


def test_a_region_of_a_long_recording_is_read_as_if_all_had_been_heard(engine: TorchEngine) -> None:
    part = Request("job", "transcribe", LONG, (Region(12.0, 14.0),))
    engine.forget()
    first = ask(engine, part)
    ask(engine, TRANSCRIPTION)
    assert first.variations[0]
    assert_near(ask(engine, part), first)


def test_what_it_is(engine: TorchEngine) -> None:
    assert engine.info.name == "tiny"
    assert engine.info.device == "cpu float32"
    assert (engine.info.sample_rate, engine.info.hop_length) == (16_000, 256)
    assert engine.info.parameters > 1000
    assert engine.defaults.batch == 3


@pytest.mark.parametrize(("precision", "named"), [("fp32", "cpu float32"), ("bf16", "cpu bfloat16")])
def test_the_daemons_engine_has_the_precision_that_is_configured(tmp_path: Path, precision: str, named: str) -> None:
    factory = EngineFactory(str(write_tiny_model(tmp_path / "tiny").path), "cpu", None, precision)
    assert factory().info.device == named


def test_devices_and_settings_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no device 'abacus' .* cpu"):
        loading.choose_device("abacus")
    with pytest.raises(CheckpointError, match="no model 'nowhere'"):
        loading.load_engine("nowhere", "cpu")
