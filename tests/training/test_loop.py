"""Training that is cut off and gone on with, that meets no numbers, no disk or another's folder, and its export."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.training_material import SMALL, UNHEARD, Folders
from torch.nn.utils import parameters_to_vector

from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import CheckpointError, DeviceMemory, FileError, FileMissing, InternalError, RequestError
from diffroll_live.files.atomic import DRAFTS
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.examples.batches import ROLLS
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.export import export, read_card
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.record import Report
from diffroll_live.training.runs.states import read_state
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import PRECISIONS, Schedule, Trainer, _in_bfloat16

pytest_plugins = ["support.training_fixtures"]
SCHEDULE = Schedule(6, batch=2, warm_up=2)


class Cut(BaseException):
    """Ends a run between two steps, as a kill does."""


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    monkeypatch.setattr(loop, "REPORT_EVERY", 1)


def run(
    material: Material, out: Path, schedule: Schedule = SCHEDULE, report: Report = lambda step, parts: None
) -> Trainer:
    return train(material, schedule, out, subject=compact(SMALL), workers=0, report=report)


def cut_at(last: int) -> Report:
    def report(step: int, parts: dict[str, float]) -> None:
        if step == last:
            raise Cut

    return report


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """No file can become larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@torch.no_grad()
def distance(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    return sum(float((a - b).square().sum()) for a, b in zip(one, other, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(material, tmp_path, precision):
    schedule = replace(SCHEDULE, precision=precision)
    whole = run(material, tmp_path / "whole", schedule)
    for last in (1, 3, 5):
        with pytest.raises(Cut):
            run(material, tmp_path / "cut", schedule, cut_at(last))
    (tmp_path / "cut/.0a.part").write_bytes(b"half of a state")
    cut = run(material, tmp_path / "cut", schedule)
    assert cut.step == whole.step == 6
    assert same(cut.network.state_dict(), whole.network.state_dict())
    assert same(cut.averaged.state_dict(), whole.averaged.state_dict())
    kept, expected = (read_state(tmp_path / name / "state.pt") for name in ("cut", "whole"))
    for name, moments in expected["optimiser"]["state"].items():
        assert same(kept["optimiser"]["state"][name], moments)
    assert (tmp_path / "cut/losses.csv").read_text() == (tmp_path / "whole/losses.csv").read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_run_killed_while_it_saves_goes_on_from_the_save_before(material, tmp_path, monkeypatch):
    whole = run(material, tmp_path / "whole")
    child = os.fork()
    if not child:
        torch.set_num_threads(1)
        monkeypatch.setattr(torch, "save", partial(half_saved, whole=torch.save, last=4))
        run(material, tmp_path / "killed")
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (draft,) = (tmp_path / "killed").glob(DRAFTS)
    assert draft.stat().st_size == 5000
    assert read_state(tmp_path / "killed/state.pt")["step"] == 2
    again = run(material, tmp_path / "killed")
    assert same(again.network.state_dict(), whole.network.state_dict())
    assert (tmp_path / "killed/losses.csv").read_text() == (tmp_path / "whole/losses.csv").read_text()
    assert not list((tmp_path / "killed").glob(DRAFTS))


def half_saved(state: dict[str, Any], file: BinaryIO, whole: Callable[[Any, Any], None], last: int) -> None:
    """Save a state, but be killed halfway through that of step ``last``."""
    if state["step"] == last:
        data = io.BytesIO()
        whole(state, data)
        file.write(data.getvalue()[:5000])
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    whole(state, file)


def test_losses_are_recorded(material, tmp_path):
    seen: list[tuple[int, dict[str, float]]] = []
    run(material, tmp_path, report=lambda step, parts: seen.append((step, parts)))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    lines = (tmp_path / "losses.csv").read_text().splitlines()
    assert lines[0].split(",") == ["step", *seen[0][1]]
    assert [float(value) for value in lines[-1].split(",")] == pytest.approx([6, *seen[-1][1].values()], abs=1e-5)


@pytest.mark.slow
def test_the_record_has_means(material, tmp_path, monkeypatch):
    singly: list[float] = []
    run(material, tmp_path / "singly", report=lambda step, parts: singly.append(parts["total"]))
    monkeypatch.setattr(loop, "REPORT_EVERY", 3)
    means: list[float] = []
    run(material, tmp_path / "means", report=lambda step, parts: means.append(parts["total"]))
    assert means == pytest.approx([sum(singly[:3]) / 3, sum(singly[3:]) / 3])


@pytest.mark.slow
def test_steps_learn_and_the_average_follows(material, tmp_path):
    trainer = Trainer(compact(SMALL), replace(SCHEDULE, steps=100), "cpu")
    begin = [p.detach().clone() for p in trainer.network.parameters()]
    batch = next(loop.loader(material, RollGeometry(16_000, 256), batch=2, seed=1, first=0, workers=0))
    totals = [trainer.learn(batch)["total"] for _ in range(20)]
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])
    average, network = trainer.averaged.parameters(), trainer.network.parameters()
    old, mean, new = (parameters_to_vector(parameters).detach() for parameters in (begin, average, network))
    assert 0 < (mean - old).norm() < (new - old).norm()


def test_the_learning_rate_rises_stays_and_falls():
    schedule = Schedule(1000, rate=1.0, warm_up=100, fall=0.25)
    rates = [schedule.rate_at(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[99:750] == pytest.approx([1.0] * 651)
    assert rates[750:] == sorted(rates[750:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_a_finished_run_can_be_made_longer(material, tmp_path):
    run(material, tmp_path, replace(SCHEDULE, steps=2))
    assert run(material, tmp_path, replace(SCHEDULE, steps=3)).step == 3
    assert json.loads((tmp_path / "settings.json").read_text())["schedule"]["steps"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "material_change", "sentence"),
    [
        ({"batch": 3}, {}, "schedule.batch = 2, not 3"),
        ({"seed": 1}, {}, "schedule.seed = 0, not 1"),
        ({"rate": 1e-3}, {}, "schedule.rate = 0.002, not 0.001"),
        ({"precision": "float32"}, {}, "schedule.precision = bfloat16, not float32"),
        ({}, {"without": ("pedalled",)}, r"material\.corpus\.pedalled = 1, not None"),
        ({}, {"unheard": ""}, r"material\.pianos"),
        ({}, {"seconds": 1.024}, r"material\.seconds = 0\.512, not 1\.024"),
    ],
)
def test_a_run_is_not_gone_on_with_otherwise(material, tmp_path, schedule, material_change, sentence):
    run(material, tmp_path, replace(SCHEDULE, steps=2))
    state, settings = (tmp_path / "state.pt").read_bytes(), (tmp_path / "settings.json").read_bytes()
    with pytest.raises(RequestError, match=sentence):
        run(replace(material, **material_change), tmp_path, replace(SCHEDULE, **schedule))
    assert (tmp_path / "state.pt").read_bytes() == state
    assert (tmp_path / "settings.json").read_bytes() == settings


@pytest.mark.slow
def test_another_network_is_told_even_in_a_state_without_settings(material, tmp_path):
    trainer = run(material, tmp_path, replace(SCHEDULE, steps=2))
    state = read_state(tmp_path / "state.pt")
    del state["settings"]
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(RequestError, match=r"network\.width = 16, not 8"):
        train(material, SCHEDULE, tmp_path, subject=compact(replace(SMALL, width=8)), workers=0)
    assert run(material, tmp_path, replace(SCHEDULE, steps=2)).step == trainer.step
    assert run(material, tmp_path, replace(SCHEDULE, steps=3)).step == 3
    assert "settings" not in state
    assert read_state(tmp_path / "state.pt")["settings"]["schedule"]["batch"] == 2


def test_no_numbers_stop_the_run_and_the_batch_is_kept(material, tmp_path):
    schedule = replace(SCHEDULE, rate=1e30, warm_up=1)
    with pytest.raises(InternalError, match=r"not finite: .*total.*batch-\d\.safetensors") as caught:
        run(material, tmp_path, schedule)
    (kept,) = tmp_path.glob("batch-*.safetensors")
    assert str(kept) in caught.value.text
    batch = load_file(kept)
    assert batch.keys() == {"samples", "edge", *ROLLS}
    assert len(batch["samples"]) == 2


def test_a_step_without_numbers_changes_nothing(material, tmp_path):
    trainer = run(material, tmp_path, replace(SCHEDULE, steps=1))
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    batch = next(loop.loader(material, RollGeometry(16_000, 256), batch=2, seed=0, first=0, workers=0))
    batch["samples"][0, 100] = np.nan
    with pytest.raises(FloatingPointError, match="total"):
        trainer.learn(batch)
    assert same(trainer.network.state_dict(), before)
    assert trainer.step == 1


@pytest.mark.slow
@pytest.mark.parametrize("n_bytes", [0, 20_000])
def test_a_full_disk_leaves_the_last_save(material, tmp_path, n_bytes):
    run(material, tmp_path, replace(SCHEDULE, steps=2))
    before = (tmp_path / "state.pt").read_bytes()
    with disk_of(n_bytes), pytest.raises(FileError, match="free some space"):
        run(material, tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert not list(tmp_path.glob(DRAFTS))
    assert run(material, tmp_path).step == 6


def test_a_folder_that_cannot_be_made(material, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="choose another one"):
        run(material, tmp_path / "file" / "run")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-200], lambda data: b"no state at all"])
def test_a_damaged_state_is_refused(material, tmp_path, damage: Callable[[bytes], bytes]):
    run(material, tmp_path, replace(SCHEDULE, steps=2))
    path = tmp_path / "state.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match="damaged"):
        run(material, tmp_path)


def test_a_state_that_is_none(tmp_path):
    with pytest.raises(FileMissing, match="no saved run"):
        read_state(tmp_path / "state.pt")
    torch.save({"step": 1}, tmp_path / "state.pt")
    with pytest.raises(FileError, match="of this version"):
        read_state(tmp_path / "state.pt")


def test_precisions_that_cannot_be(material, tmp_path, monkeypatch):
    with pytest.raises(RequestError, match=r"no precision 'int3'.*bfloat16, float32"):
        run(material, tmp_path, replace(SCHEDULE, precision="int3"))


@pytest.mark.parametrize(
    ("device", "function", "answer"),
    [("cpu", "torch.cpu.get_capabilities", dict), ("cuda", "torch.cuda.is_bf16_supported", lambda **kind: False)],
)
def test_without_bfloat16_the_arithmetic_is_float32_and_that_is_said(caplog, monkeypatch, device, function, answer):
    monkeypatch.setattr(function, answer)
    assert not _in_bfloat16("bfloat16", torch.device(device))
    (said,) = caplog.messages
    assert "no bfloat16" in said
    assert "float32" in said


def test_too_little_memory_is_said(material, tmp_path, monkeypatch):
    def short(*args: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 1 TiB")

    monkeypatch.setattr(Trainer, "learn", short)
    with pytest.raises(DeviceMemory, match="2 windows per step"):
        run(material, tmp_path)


@pytest.mark.slow
def test_a_run_becomes_a_model(material, tmp_path):
    trainer = run(material, tmp_path / "run")
    (tmp_path / "card.md").write_text("# a card\n")
    decode = {"onset_threshold": 0.35, "frame_threshold": 0.4}
    folder = export(
        tmp_path / "run/state.pt",
        tmp_path / "mine",
        read_card(tmp_path / "card.md"),
        decode=decode,
        sampling={},
        version="1.2",
    )
    engine = load_engine(str(tmp_path / "mine"), "cpu", warm=False)
    assert (folder.name, engine.info.name, engine.info.version) == ("mine", "mine", "1.2")
    assert (engine.defaults.onset_threshold, engine.defaults.frame_threshold) == (0.35, 0.4)
    for name, value in engine.adapter.network.state_dict().items():
        assert torch.equal(value.float(), trainer.averaged.state_dict()[name].bfloat16().float()), name
    assert engine.adapter.network.config == SMALL
    assert (tmp_path / "mine/CARD.md").read_text() == "# a card\n"
    said = json.loads((tmp_path / "mine/config.json").read_text())["training"]
    assert said["steps"] == 6
    assert said["material"]["unheard"] == UNHEARD
    with pytest.raises(FileError, match="exists already"):
        export(tmp_path / "run/state.pt", tmp_path / "mine", "", decode={}, sampling={}, version="1")


def test_an_export_that_cannot_be(material, tmp_path):
    with pytest.raises(FileMissing, match="no saved run"):
        export(tmp_path / "state.pt", tmp_path / "mine", "", decode={}, sampling={}, version="1")
    with pytest.raises(FileMissing, match="no card"):
        read_card(tmp_path / "card.md")
    with pytest.raises(FileError, match="cannot be read"):
        read_card(tmp_path)
    run(material, tmp_path, replace(SCHEDULE, steps=1))
    with pytest.raises(CheckpointError, match="name must be"):
        export(tmp_path / "state.pt", tmp_path / "a name", "", decode={}, sampling={}, version="1")
