"""The fake engine in replicas: the name of a job may ask for a fault there. As a program, it deploys that engine.

``cluster_engine.py FOLDER ADDRESS REPLICAS``: a core for each; ``FOLDER`` remembers what has died once.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from diffroll_live.cli.app import run
from diffroll_live.cli.commands import cluster
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.types import RequestPlan, Result
from support.fake_engine import INFO, FakeEngine

if TYPE_CHECKING:
    from diffroll_live.turn_types import Answer


class ReplicaEngine(FakeEngine):
    """Knows jobs by the names that their clients gave them, whatever daemon they are of."""

    def __init__(self, folder: Path, sha256: str) -> None:
        super().__init__()
        self.info = replace(INFO, sha256=sha256)
        self._folder = folder

    def answer(self, plan: RequestPlan, control) -> Answer:
        return super().answer(replace(plan, id=_own(plan.id)), control)

    def redecode(self, request_id: str, threshold: float, min_note: float) -> Result:
        return super().redecode(_own(request_id), threshold, min_note)

    def _break_down(self, plan: RequestPlan) -> None:
        if plan.id.startswith("dies-once") and not (self._folder / plan.id).exists():
            (self._folder / plan.id).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        super()._break_down(plan)


def _own(request_id: str) -> str:
    return request_id.rpartition("/")[2]


@dataclass(frozen=True)
class ReplicaEngineFactory:
    """Makes the engine in a replica."""

    folder: Path
    sha256: str

    def __call__(self) -> ReplicaEngine:
        return ReplicaEngine(self.folder, self.sha256)


if __name__ == "__main__":
    folder, address, replicas = sys.argv[1:]
    factory = ReplicaEngineFactory(Path(folder), find_model("compact").sha256)
    cluster.EngineFactory = lambda *_: factory  # type: ignore[assignment,misc]
    sys.exit(run(["cluster", "deploy", "--engine", address, "--replicas", replicas]))
