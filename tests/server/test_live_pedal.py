"""The sustain pedal of one live input: it moves when its notes would, and nothing leaves it down."""

from __future__ import annotations

from typing import Any

import pytest
from support.live_bench import LiveBench

from diffroll_live.limits import set_option
from diffroll_live.live_types import LiveEstimate
from diffroll_live.midi.pedal import PEDAL
from diffroll_live.osc.pedal_replies import LivePedal
from diffroll_live.worker.messages import LiveEstimated


class PedalBench(LiveBench):
    """A session whose estimates have a pedal from 0.2 to 0.6 s and no notes."""

    def answer(self, *_: object) -> None:
        edge = self.now - 100.0
        pedal = ((0.2, 0.6 if edge > 0.6 else float("inf")),) if edge > 0.2 else ()
        self.session.on_event(LiveEstimated(1, LiveEstimate(edge - 1.0, edge, 0.5, (), (), pedal), 0.01))

    def play(self, hops: int) -> None:
        for _ in range(hops):
            self.feed()
            self.answer()

    @property
    def moves(self) -> list[tuple[int, float]]:
        return [(reply.down, round(reply.t, 6)) for reply in self.client.sent if isinstance(reply, LivePedal)]


def test_the_pedal_goes_down_and_up_when_its_notes_would() -> None:
    bench = PedalBench(latency_ms=200.0)
    bench.play(16)
    assert bench.moves == [(1, 0.2), (0, 0.6)]
    assert bench.midi.calls == [("on", PEDAL, 100.4), ("off", PEDAL, 100.8)]


@pytest.mark.parametrize("how", ["close", "interrupt", "off"])
def test_a_pedal_that_is_down_is_lifted(how: str) -> None:
    bench = PedalBench(latency_ms=200.0)
    bench.play(8)
    assert [down for down, _ in bench.moves] == [1]
    if how == "off":
        bench.session.settings = set_option(bench.session.settings, "pedal", "off")
        bench.play(1)
    else:
        getattr(bench.session, how)()
    assert [down for down, _ in bench.moves] == [1, 0]
    assert [call[:2] for call in bench.midi.calls if call[0] != "cancel"] == [("on", PEDAL), ("off", PEDAL)]


@pytest.mark.parametrize(("settings", "moves", "calls"), [({"pedal": "off"}, 0, 0), ({"deliver": "osc"}, 2, 0)])
def test_the_pedal_goes_where_it_is_wanted(settings: dict[str, Any], moves: int, calls: int) -> None:
    bench = PedalBench(latency_ms=200.0, **settings)
    bench.play(16)
    assert (len(bench.moves), len(bench.midi.calls)) == (moves, calls)
