"""The soak in short form: a real JACK server, a real daemon with its real model, every kind of trouble once or more."""

from __future__ import annotations

import pytest

from diffroll_live.bench import soak
from diffroll_live.bench.figures import Settings
from diffroll_live.bench.soak import BETWEEN, EVERY, Soak


@pytest.mark.realtime
@pytest.mark.timeout(300)  # in real time, on a machine that may be busy
def test_everything_at_once_comes_out_even(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SETTLE", 2.0)
    monkeypatch.setattr(soak, "SECONDS", 2.5)
    monkeypatch.setattr(soak, "EVERY", dict.fromkeys(EVERY, 0.3))
    monkeypatch.setattr(soak, "BETWEEN", dict.fromkeys(BETWEEN, 0.01))
    told: list[tuple[int, int]] = []
    with Soak(Settings(None, "cpu")) as rig:
        balance = rig.run(1 / 60, lambda done, total: told.append((done, total)))
    assert balance.is_even, balance.lines()
    assert set(balance.done) == {*EVERY, *BETWEEN}
    assert balance.notes.on > 0
    assert balance.replies["audio/reconnected"] > 0
    assert "input that never came back" not in balance.replies
    assert told[-1] == (1, 1)
