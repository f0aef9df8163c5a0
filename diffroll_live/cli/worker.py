"""The worker that a configuration asks for: its engine is in a process beside the daemon, or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffroll_live.cli.engine_factory import IMPORTS, EngineFactory
from diffroll_live.config import Config

if TYPE_CHECKING:
    from diffroll_live.worker.queue import Worker


def make_worker(config: Config) -> Worker:
    """Make a worker, not started yet. Raises CheckpointError where a cluster's model must be here too and is not."""
    from diffroll_live.worker.queue import Worker

    engine = config.engine
    factory = EngineFactory(engine.model or None, engine.device, engine.threads or None, engine.precision)
    if not engine.address:
        return Worker(factory, config.server.queue_size, imports=IMPORTS)
    from diffroll_live.cluster.daemon_process import main
    from diffroll_live.cluster.link import ClusterEngine
    from diffroll_live.model.checkpoints.folder import DEFAULT_MODEL, find_model

    sha256 = find_model(engine.model or DEFAULT_MODEL).sha256
    return Worker(ClusterEngine(engine.address, sha256, factory), config.server.queue_size, entry=main)
