"""The messages that answer a status: what the daemon does, how each client stands, and the asking client's jobs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """Report what the daemon is doing; ``load`` is the busy share of the last ten seconds."""

    state: str  # ready, busy or restarting
    queued: int
    job: str  # the asking client's running job
    load: float  # 0..1


@dataclass(frozen=True, slots=True)
class StatusClient:
    """Report how a client that has work stands: what of it waits and has begun, and its share of the computing."""

    client: str
    waiting: int
    running: int
    share: float  # 0..1, of the last ten seconds
    wait: float  # s for a first turn, so far or of the last job


@dataclass(frozen=True, slots=True)
class StatusJob:
    """Report how one of the asking client's jobs stands."""

    job: str
    task: str
    state: str
    progress: float  # 0..1
