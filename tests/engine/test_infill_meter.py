"""Whose bars and beats a fill is written in: the client's, the DAW's if the music keeps to them, or an estimate."""

from __future__ import annotations

import numpy as np
import pytest
from support.asking import planned

from diffroll_live.engine.infill.meter import meter_for
from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.types import Region, Request, RequestPlan


def asked(meter: MeterMap | None) -> RequestPlan:
    return planned(Request("job", "generate", None, (Region(3.0, 5.0),), meter=meter))


def march(bpm: float = 100.0, n_beats: int = 32) -> np.ndarray:
    """A bass on each bar of four, chords between, eighths above."""
    beat, rows = 60.0 / bpm, []
    for index in range(n_beats):
        low = 40 + (0, 5, 7)[index // 4 % 3]
        rows.append((index * beat, (index + 1) * beat, low if index % 4 == 0 else low + 19, 80))
        rows += [((index + half) * beat, (index + half + 0.4) * beat, 72 + index % 5, 64) for half in (0.0, 0.5)]
    return np.array(sorted(rows))


def test_what_the_client_says_is_never_doubted() -> None:
    given = steady_meter(133.0)
    assert meter_for(asked(given), march()) is given


@pytest.mark.parametrize(("bpm", "source"), [(100.0, "transport"), (87.0, "estimated")])
def test_the_daws_tempo_is_believed_where_the_music_keeps_to_it(bpm: float, source: str) -> None:
    meter = meter_for(asked(steady_meter(bpm, source="transport")), march())
    assert meter.source == source
    assert meter.tempo.tempo_at(6.0) == pytest.approx(100.0, rel=0.02)


def test_where_nobody_knows_steps_are_short_and_without_bars() -> None:
    rng = np.random.default_rng(3)
    onset = np.sort(rng.uniform(0.0, 30.0, 150))
    free = np.stack([onset, onset + 0.3, rng.integers(30, 90, 150), np.full(150, 64)], 1)
    meter = meter_for(asked(None), free)
    assert (meter.source, meter.confidence, meter.tempo.tempo_at(0.0)) == ("none", 0.0, 300.0)
    nothing = meter_for(asked(None), free[:0])
    assert (nothing.source, nothing.confidence, nothing.first_bar(0.0)) == ("estimated", 0.0, pytest.approx(0.6))
