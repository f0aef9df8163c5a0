"""Every benchmark by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diffroll_live.bench.beside_load import beside_load
from diffroll_live.bench.clips import clip, long_file
from diffroll_live.bench.figures import Figure, Progress, Settings
from diffroll_live.bench.fills import fills
from diffroll_live.bench.jam import jam
from diffroll_live.bench.live import live
from diffroll_live.bench.midi_lateness import midi
from diffroll_live.bench.panel import panel
from diffroll_live.bench.published import published
from diffroll_live.bench.requests import first_note, start
from diffroll_live.bench.transport import transport
from diffroll_live.bench.upload import upload
from diffroll_live.bench.xruns import xruns

Benchmark = Callable[[Settings, Progress], Iterator[Figure]]

#: Those that stand in for the daemon come first: before ``clip``, this process is free of torch like the daemon's.
BENCHMARKS: dict[str, Benchmark] = {
    "start": start,
    "first-note": first_note,
    "jam": jam,
    "upload": upload,
    "midi": midi,
    "file": long_file,
    "clip": clip,
    "fills": fills,
    "published": published,
}

#: Benchmarks in real time on a JACK server, run only on request.
LIVE_BENCHMARKS: dict[str, Benchmark] = {"live": live, "xruns": xruns}
TRANSPORT_BENCHMARKS: dict[str, Benchmark] = {"transport": transport}
LOAD_BENCHMARKS: dict[str, Benchmark] = {"beside-load": beside_load}

#: The panel in a browser, which only those have who develop it.
PANEL_BENCHMARKS: dict[str, Benchmark] = {"panel": panel}
