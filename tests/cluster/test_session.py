"""A session without a cluster: answers, failures there, and silence, which is never waited out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from diffroll_live.cluster.session import Session
from diffroll_live.errors import EngineLost

ADDRESS = "ray://192.0.2.7:10001"


class Ray:
    """Computes at once what it is asked to; ``waits`` are the answers to how far it is."""

    def __init__(self, *waits: bool) -> None:
        self._waits = list(waits)

    def remote(self, **_: Any) -> Callable[[Any], Any]:
        return lambda function: type("Remote", (), {"remote": staticmethod(lambda *words: lambda: function(*words))})

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        done = self._waits.pop(0)
        return (references, []) if done else ([], references)

    def get(self, reference: Callable[[], Any]) -> Any:
        return reference()


def test_what_takes_long_is_waited_for_while_the_cluster_answers() -> None:
    assert Session(Ray(False, False, True), ADDRESS, 30.0).compute(max, 2, 3) == 3


@pytest.mark.parametrize("question", ["remote", "wait", "get"])
def test_a_cluster_that_does_not_answer_is_lost(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    silence = threading.Event()
    monkeypatch.setattr(Ray, question, lambda *_, **__: silence.wait())
    with pytest.raises(EngineLost, match=f"The cluster at {ADDRESS} has not answered for 0 s; look at the network"):
        Session(Ray(True), ADDRESS, 0.05).compute(max, 2, 3)
    silence.set()


def test_a_connection_that_breaks_is_said() -> None:
    def fail() -> None:
        raise ConnectionError("the other end is gone")

    with pytest.raises(EngineLost, match=r"is gone \(the other end is gone\)"):
        Session(Ray(True), ADDRESS, 30.0).compute(fail)
