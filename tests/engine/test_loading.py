"""Model folders that are not as they were: refused by name, before anything is computed and before anyone connects."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.running import RunningDaemon
from support.tiny import write_tiny_model

from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.engine.progress import SilentControl
from diffroll_live.errors import CheckpointError, ChecksumMismatch, UnknownJob
from diffroll_live.types import RequestPlan


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny").path / "weights.safetensors"


def test_missing_weights_are_named(weights: Path) -> None:
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
        load_engine(str(weights.parent), "cpu", warm=False)


@pytest.mark.slow
def test_a_daemon_does_not_start_on_altered_weights(weights: Path, tmp_path: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(ChecksumMismatch, match=r"weights\.safetensors is not the file"):
        RunningDaemon(tmp_path, EngineFactory(str(weights.parent), "cpu", 1)).__enter__()


@pytest.mark.slow
def test_what_a_daemon_loads_has_run_one_window_and_runs_the_rest_when_it_is_idle(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[RequestPlan] = []
    run = TorchEngine.run
    monkeypatch.setattr(TorchEngine, "run", lambda self, *asked: (ran.append(asked[0]), run(self, *asked))[1])
    engine = EngineFactory(str(weights.parent), "cpu", 1)()
    assert [bool(plan.hidden) for plan in ran] == [False]
    while engine.tune(SilentControl()):
        pass
    assert [bool(plan.hidden) for plan in ran] == [False, True, False]
    with pytest.raises(UnknownJob):
        engine.redecode("warm-up", 0.5, 0.0)
