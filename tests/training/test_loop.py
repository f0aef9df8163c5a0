"""The steps of training: what they learn, at which rate and precision, what is recorded, and what stops them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.training_material import SMALL, Folders
from support.training_runs import SCHEDULE, run, same
from torch.nn.utils import parameters_to_vector

from diffroll_live.errors import DeviceMemory, FileError, InternalError, RequestError
from diffroll_live.evaluation.figures import draw_losses
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.examples.batches import ROLLS
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.precision import in_bfloat16
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.record import read_losses
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule, Trainer

pytest_plugins = ["support.training_fixtures"]


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512)


@pytest.mark.slow
def test_losses_are_recorded(material, tmp_path):
    seen: list[tuple[int, dict[str, float]]] = []
    run(material, tmp_path, report=lambda step, parts: seen.append((step, parts)))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    lines = (tmp_path / "losses.csv").read_text().splitlines()
    assert lines[0].split(",") == ["step", *seen[0][1]]
    assert [float(value) for value in lines[-1].split(",")] == pytest.approx([6, *seen[-1][1].values()], abs=1e-5)
    read = read_losses(tmp_path / "losses.csv", "total")
    assert [value for _, value in read] == pytest.approx([parts["total"] for _, parts in seen], abs=1e-5)
    assert draw_losses([read, read], "total").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "said"),
    [("step,total\n", "no losses yet"), ("step,hole\n1,2\n", "no column 'total'"), ("step,total\n1,x\n", "cannot be")],
)
def test_a_record_that_is_none_is_refused_in_a_sentence(tmp_path, text, said):
    (tmp_path / "losses.csv").write_text(text)
    with pytest.raises(FileError, match=said):
        read_losses(tmp_path / "losses.csv", "total")
    with pytest.raises(FileError, match="cannot be read"):
        read_losses(tmp_path / "none.csv", "total")


@pytest.mark.slow
def test_the_record_has_means(material, tmp_path):
    singly: list[float] = []
    run(material, tmp_path / "singly", report=lambda step, parts: singly.append(parts["total"]))
    means: list[float] = []
    run(material, tmp_path / "means", report=lambda step, parts: means.append(parts["total"]), report_every=3)
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


@pytest.mark.slow
def test_no_numbers_stop_the_run_and_the_batch_is_kept(material, tmp_path):
    schedule = replace(SCHEDULE, rate=1e30, warm_up=1)
    with pytest.raises(InternalError, match=r"not finite: .*total.*batch-\d\.safetensors") as caught:
        run(material, tmp_path, schedule)
    (kept,) = tmp_path.glob("batch-*.safetensors")
    assert str(kept) in caught.value.text
    batch = load_file(kept)
    assert batch.keys() == {"samples", "edge", "pedal", "trust", *ROLLS}
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


def test_precisions_that_cannot_be(material, tmp_path, monkeypatch):
    with pytest.raises(RequestError, match=r"no precision 'int3'.*bfloat16, float32"):
        run(material, tmp_path, replace(SCHEDULE, precision="int3"))


@pytest.mark.parametrize(
    ("device", "function", "answer"),
    [("cpu", "torch.cpu.get_capabilities", dict), ("cuda", "torch.cuda.is_bf16_supported", lambda **kind: False)],
)
def test_without_bfloat16_the_arithmetic_is_float32_and_that_is_said(caplog, monkeypatch, device, function, answer):
    monkeypatch.setattr(function, answer)
    assert not in_bfloat16("bfloat16", torch.device(device))
    (said,) = caplog.messages
    assert "no bfloat16" in said
    assert "float32" in said


def test_too_little_memory_is_said(material, tmp_path, monkeypatch):
    def short(*args: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 1 TiB")

    monkeypatch.setattr(Trainer, "learn", short)
    with pytest.raises(DeviceMemory, match="2 windows per step"):
        run(material, tmp_path)
