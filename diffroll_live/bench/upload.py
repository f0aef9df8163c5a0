"""Audio over UDP with packet loss: dropped chunks are reported and resent until the buffer is complete."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from diffroll_live.bench.daemon import Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings
from diffroll_live.bench.material import SAMPLE_RATE, piece

CHUNK_BYTES = 4000  # some systems drop datagrams that are much larger
DROPPED = 20  # one in this many datagrams is not sent
CHANNELS = 2


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a buffer arrived."""

    seconds: float
    resent: int  # datagrams


def upload(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Send stereo floats in random order, every twentieth datagram dropped, until the daemon has them all."""
    samples = np.repeat(piece(settings.upload_seconds).samples[:, None], CHANNELS, axis=1)
    data = samples.astype("<f4").tobytes()
    with running_daemon(settings) as daemon, Link(daemon.port) as link:
        deliveries = Repetitions(settings, progress).repeat(partial(deliver, link, data))
    what = f"{settings.upload_seconds:g} s of {SAMPLE_RATE / 1000:g} kHz stereo float over UDP"
    chunks = -(-len(data) // CHUNK_BYTES)
    note = f"complete each time; {chunks} datagrams in random order, every {DROPPED}th dropped"
    yield Figure(f"{what}, arrived", "s", tuple(each.seconds for each in deliveries), note=note)
    yield Figure(f"{what}, resent", "datagrams", tuple(float(each.resent) for each in deliveries))


def deliver(link: Link, data: bytes) -> Delivery:
    """Send a buffer; return when the daemon has verified its checksum and reported it ready."""
    begin = time.perf_counter()
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    frames = len(data) // (4 * CHANNELS)
    opening = ("line", SAMPLE_RATE, CHANNELS, frames, "f32", CHUNK_BYTES)
    window = link.ask("/diffroll/audio/open", *opening, answer="/diffroll/audio/opened").arguments[1]
    assert isinstance(window, int)
    checksum = zlib.crc32(data)
    closing = ("line", len(chunks), checksum - (checksum >> 31 << 32))
    missing, sent = list(range(len(chunks))), 0
    shuffle = random.Random(0).shuffle  # noqa: S311 - the same order each time
    while missing:
        shuffle(missing)
        for index in missing:
            sent += 1
            if sent % DROPPED:
                link.send("/diffroll/audio/chunk", "line", index, chunks[index])
            if sent % window == 0:
                link.ask("/diffroll/ping", sent, answer="/diffroll/pong")  # until it has received them
        missing = _close(link, closing)
    return Delivery(time.perf_counter() - begin, sent - len(chunks))


def _close(link: Link, closing: tuple[str, int, int]) -> list[int]:
    """Close the buffer; return the missing chunks, which may take several messages."""
    link.send("/diffroll/audio/close", *closing)
    link.send("/diffroll/ping", 0)
    missing: list[int] = []
    while True:
        reply = link.until("/diffroll/audio/ready", "/diffroll/audio/missing", "/diffroll/pong")
        if reply.address == "/diffroll/audio/ready":
            return []
        if reply.address == "/diffroll/audio/missing":
            missing.extend(int(index) for index in reply.arguments[1:])  # type: ignore[arg-type]
        elif missing:
            return missing
