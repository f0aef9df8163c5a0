"""Runs that several processes share, and the other network and record that a run can have."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from support.asking import ask
from support.paths import TESTS
from support.training_material import SMALL, Folders

from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import FileMissing, RequestError
from diffroll_live.model.networks.diffroll import DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import MelConfig
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.processes import ALONE, Draws, Share
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.export import export
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.states import read_state
from diffroll_live.training.runs.subjects import Subject, compact, diffroll
from diffroll_live.training.runs.trainer import Schedule
from diffroll_live.types import AudioBuffer, Options, Request

pytest_plugins = ["support.training_fixtures"]
SCHEDULE = Schedule(3, batch=4, warm_up=2, precision="float32")
TINY = DiffRollConfig(residual_channels=8, residual_layers=2, kernel_size=3, n_mels=32, steps=10)


def tiny_diffroll() -> Subject:
    return diffroll(TINY, MelConfig(n_mels=32))


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(material, tmp_path):
    whole = train(material, SCHEDULE, tmp_path / "one", subject=compact(SMALL), workers=0)
    script = tmp_path / "shared.py"
    script.write_text(f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from pathlib import Path, PosixPath
from support.training_material import SMALL
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule
from diffroll_live.training.examples.windows import Material
loop.REPORT_EVERY = 1
loop.train({material!r}, {SCHEDULE!r}, Path({str(tmp_path / "two")!r}), subject=compact(SMALL), workers=0, threads=1)
""")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    state = read_state(tmp_path / "two/state.pt")
    assert state["step"] == 3
    for name, value in whole.network.state_dict().items():
        assert torch.allclose(state["network"][name], value, atol=2e-5), name
    assert len((tmp_path / "two/losses.csv").read_text().splitlines()) == 1 + 3, "one process writes"
    longer = train(material, replace(SCHEDULE, steps=4), tmp_path / "two", subject=compact(SMALL), workers=0)
    assert longer.step == 4, "any number of processes goes on with it"


def test_what_is_drawn_for_a_batch_is_the_same_however_it_is_shared():
    def draw(share: Share) -> torch.Tensor:
        draws = Draws(torch.Generator().manual_seed(1), share)
        n = 4 // share.count
        return torch.cat([draws.uniform(n)[:, None], draws.normal(torch.Size((n, 3)))], dim=1)

    shared = torch.cat([draw(Share(rank, 2)) for rank in range(2)])
    assert torch.equal(shared, draw(ALONE))
    with pytest.raises(RequestError, match="3 windows per step cannot be split between 2 processes"):
        Share(0, 2).size(3)


@pytest.mark.slow
def test_diffroll_is_trained_by_the_same_code_and_can_be_used(material, tmp_path):
    clips = replace(material, stage="paired", edge_share=0.0, seconds=1.024)
    schedule = Schedule(30, batch=2, rate=3e-3, warm_up=2)
    losses: list[float] = []
    loop_reports = loop.REPORT_EVERY
    loop.REPORT_EVERY = 1
    try:
        trainer = train(
            clips,
            schedule,
            tmp_path / "run",
            subject=tiny_diffroll(),
            workers=0,
            report=lambda step, parts: losses.append(parts["total"]),
        )
    finally:
        loop.REPORT_EVERY = loop_reports
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    export(tmp_path / "run/state.pt", tmp_path / "mine", "# mine\n", decode={}, sampling={"steps": 10}, version="1")
    engine = load_engine(str(tmp_path / "mine"), "cpu", warm=False)
    assert engine.adapter.network.config == TINY
    for name, value in engine.adapter.network.state_dict().items():
        assert torch.equal(value.float(), trainer.averaged.state_dict()[name].bfloat16().float()), name
    audio = AudioBuffer("take", torch.zeros(32_000).numpy(), 16_000)
    result = ask(engine, Request("x", "transcribe", audio, options=Options(steps=2)))
    assert len(result.variations) == 1
    rolls = train(
        replace(clips, stage="rolls", bank=None), Schedule(1, batch=1), tmp_path / "rolls", subject=tiny_diffroll()
    )
    assert rolls.step == 1


@pytest.mark.slow
def test_tensorboard_gets_the_losses(material, tmp_path, monkeypatch):
    accumulator = import_module("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setattr(loop, "REPORT_EVERY", 1)
    totals: list[float] = []
    train(
        material,
        SCHEDULE,
        tmp_path,
        subject=compact(SMALL),
        workers=0,
        board=True,
        report=lambda step, parts: totals.append(parts["total"]),
    )
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("total")] == [1, 2, 3]
    assert [event.value for event in events.Scalars("total")] == pytest.approx(totals, rel=1e-5)


def test_without_tensorboard_it_is_said(material, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(FileMissing, match=r"diffroll-live\[train\]"):
        train(material, SCHEDULE, tmp_path, subject=compact(SMALL), workers=0, board=True)
