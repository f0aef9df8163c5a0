"""What the arguments of a client's messages may be, from the tables that the daemon checks them by.

A row is for a message's field, or for a field of that name in any message. A field without a row takes anything of its
type.
"""

from __future__ import annotations

from typing import Any

from diffroll_live.audio.chunks import MAX_CHUNK_BYTES, MAX_CHUNKS
from diffroll_live.audio.pcm import FORMATS, MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from diffroll_live.limits import CONTROLS, LIMITS, LIVE, MAX_REGIONS, TEMPO, Limit
from diffroll_live.live_types import LiveSettings
from diffroll_live.music.regions import LAST_SECOND
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.osc import jam_messages as j
from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc import messages as m
from diffroll_live.osc import watch_messages as w
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.jam.sources import SOURCES
from diffroll_live.server.job_settings import JobSettings
from diffroll_live.types import TASKS

Range = dict[str, Any]  # as OSCQuery has it: MIN and MAX, or VALS


def _between(low: float, high: float) -> Range:
    return {"MIN": low, "MAX": high}


def _one_of(names: Any) -> Range:
    return {"VALS": [*names]}


def _limit(limit: Any) -> Range:
    assert isinstance(limit, Limit)
    return _between(limit.low, limit.high)


_PITCH = _between(LOW_PITCH, HIGH_PITCH)
_SECOND = _between(0.0, LAST_SECOND)
_FLAG = _one_of((0, 1))

#: By the name of a field, whatever the message.
BY_NAME: dict[str, Range] = {
    "pitch": _PITCH,
    "low": _PITCH,
    "high": _PITCH,
    "t0": _SECOND,
    "t1": _SECOND,
    "seconds": _limit(LIMITS["seconds"]),
    "threshold": _limit(LIMITS["threshold"]),
    "min_note": _limit(LIMITS["min_note"]),
    "hear": _FLAG,
    "on": _FLAG,
    "playing": _FLAG,
    "task": _one_of(TASKS),
}
#: Where a message is more particular.
BY_FIELD: dict[tuple[type[Any], str], Range] = {
    (m.Hello, "reply_port"): _between(0, 65_535),
    (m.Hello, "max_datagram"): _between(0, 65_507),
    (m.AudioOpen, "sample_rate"): _between(MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    (m.AudioOpen, "channels"): _between(1, MAX_CHANNELS),
    (m.AudioOpen, "format"): _one_of(FORMATS),
    (m.AudioOpen, "chunk_bytes"): _between(1, MAX_CHUNK_BYTES),
    (m.AudioOpen, "latency_ms"): _between(0.0, LIVE["latency"].high),  # type: ignore[attr-defined]  # a Limit
    (m.AudioListen, "latency_ms"): _between(0.0, LIVE["latency"].high),  # type: ignore[attr-defined]
    (m.AudioChunk, "index"): _between(0, MAX_CHUNKS - 1),
    (m.LiveSet, "key"): _one_of(LiveSettings.OPTIONS),
    (jobs.JobNote, "velocity"): _between(1, 127),
    (jobs.JobNote, "t"): _SECOND,
    (jobs.JobTempo, "bpm"): _limit(TEMPO),
    (jobs.JobSet, "key"): _one_of(JobSettings.OPTIONS),
    (jobs.JobRegionSet, "key"): _one_of(CONTROLS),
    (jobs.JobRegionSet, "region"): _between(0, MAX_REGIONS - 1),
    (jobs.JobNote, "locked"): _FLAG,
    (jobs.JobPlay, "variation"): _between(0, LIMITS["variations"].high - 1),
    (j.JamStart, "source"): _one_of(SOURCES),
    (j.JamSet, "key"): _one_of(JamSettings.OPTIONS),
    (j.JamNote, "velocity"): _between(0, 127),
    (j.JamNote, "pitch"): _between(0, 127),
    (w.JobPicture, "kind"): _one_of(("posterior", "trajectory")),
}


def range_of(message: type[Any], field: str) -> Range | None:
    """Give the range of a field, or None where it has none of its own."""
    return BY_FIELD.get((message, field)) or BY_NAME.get(field)
