"""All scenarios of Ableton Live: ``python ableton_play.py PORT FOLDER`` plays them with the daemon at that port."""

from __future__ import annotations

import sys
import tempfile

from support import ableton_bad_daemons, ableton_bad_days, ableton_golden, ableton_of_notes, ableton_scenarios
from support.live_world import World

SCENARIOS = [
    function
    for module in (ableton_scenarios, ableton_of_notes, ableton_bad_days, ableton_bad_daemons, ableton_golden)
    for function in vars(module).values()
    if getattr(function, "__module__", "") == module.__name__ and function.__code__.co_varnames[:1] == ("world",)
]


def play(scenario, port, folder):
    """Play one in a world of its own."""
    with tempfile.TemporaryDirectory(dir=str(folder)) as name, World(name, port) as world:
        scenario(world)


if __name__ == "__main__":
    for one in SCENARIOS:
        play(one, int(sys.argv[1]), sys.argv[2])
        print(one.__name__)
