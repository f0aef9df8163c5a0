"""Training that is cut off and resumed, that meets a full disk or the folder of another run."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import pytest
import torch
from support.full_disk import files_limited_to
from support.training_material import SMALL, Folders
from support.training_runs import SCHEDULE, run, same

from diffroll_live.errors import Cancelled, FileError, FileMissing, RequestError
from diffroll_live.files.atomic import DRAFTS
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.precision import PRECISIONS
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.record import Report
from diffroll_live.training.runs.states import read_state
from diffroll_live.training.runs.subjects import compact

pytest_plugins = ["support.training_fixtures"]


class Cut(BaseException):
    """Ends a run between two steps, as a kill does."""


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A forked child has no other, and two add up in another order than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def cut_at(last: int) -> Report:
    def report(step: int, parts: dict[str, float]) -> None:
        if step == last:
            raise Cut

    return report


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
def test_a_run_killed_while_it_saves_goes_on_from_the_save_before(material, tmp_path, monkeypatch, one_thread):
    whole = run(material, tmp_path / "whole")
    child = os.fork()
    if not child:
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("n_bytes", [0, 20_000])
def test_a_full_disk_leaves_the_last_save(material, tmp_path, n_bytes):
    run(material, tmp_path, replace(SCHEDULE, steps=2))
    before = (tmp_path / "state.pt").read_bytes()
    with files_limited_to(n_bytes), pytest.raises(FileError, match="free some space"):
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


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_end_saves_its_last_step_and_goes_on_from_there(material, tmp_path, number):
    """It is asked in step 3, while it saves every second step."""
    whole = run(material, tmp_path / "whole")

    def ask(step: int, parts: dict[str, float]) -> None:
        if step == 3:
            os.kill(os.getpid(), number)

    with pytest.raises(Cancelled, match="step 3"):
        run(material, tmp_path / "cut", SCHEDULE, ask)
    assert read_state(tmp_path / "cut/state.pt")["step"] == 3
    assert same(run(material, tmp_path / "cut").network.state_dict(), whole.network.state_dict())
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
