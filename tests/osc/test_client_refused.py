"""Whatever the daemon answers, and whatever it leaves unanswered, the client comes to an end and can go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from support.error_codes import CODES
from support.refusing_daemon import ANSWERS, RefusingDaemon, refuse

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.errors import Cancelled, DiffrollError, Incomplete, TimedOut, UnknownJob
from diffroll_live.osc import client as client_module
from diffroll_live.osc import messages as m
from diffroll_live.osc import replies as r
from diffroll_live.osc import status_replies as s
from diffroll_live.osc.client import Client
from diffroll_live.osc.job_messages import JobRun
from diffroll_live.types import AudioBuffer, NoteEvent, Options, Request

REQUEST = Request(
    "x", "transcribe", AudioBuffer("tone", np.full(16_000, 0.1, np.float32), 16_000), options=Options(seed=1)
)
STEPS = ("AudioOpen", "AudioChunk", "AudioClose", "JobNew", "JobSet", "JobRun")


class Silent:
    """A Control that nobody hears."""

    def progress(self, step: int, steps: int) -> None: ...

    def notes(self, notes: Any) -> None: ...

    def estimate(self, estimate: Any) -> None: ...

    def grid(self, meter: Any) -> None: ...


def leaves(kind: type[DiffrollError]) -> Iterator[str]:
    yield kind.code
    for child in kind.__subclasses__():
        yield from leaves(child)


def test_the_protocol_lists_every_code():
    assert sorted(CODES) == sorted(set(leaves(DiffrollError)))
    assert set(exit_codes.BY_ERROR) == set(CODES)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", CODES)
def test_every_refusal_of_every_step_is_raised_and_the_next_task_is_done(code, step):
    with RefusingDaemon(**{step: refuse(code)}) as daemon:
        client = Client("127.0.0.1", daemon.port)
        if step == "AudioOpen":
            daemon.answers[m.AudioFree] = refuse("unknown-buffer")
        with pytest.raises(DiffrollError, match="As planned") as raised:
            client.run(REQUEST, Silent())
        assert raised.value.code == code
        daemon.answers = dict(ANSWERS)
        assert client.run(REQUEST, Silent()).variations == ((NoteEvent(0.0, 0.5, 60, 90),),)
        client.close()


@pytest.mark.parametrize("code", CODES)
def test_a_refused_hello_is_raised(code):
    with RefusingDaemon(Hello=refuse(code)) as daemon, pytest.raises(DiffrollError, match="As planned") as raised:
        Client("127.0.0.1", daemon.port)
    assert raised.value.code == code


@pytest.mark.parametrize("code", CODES)
def test_send_ends_with_the_exit_code_of_the_refusal(code, tmp_path, capsys):
    soundfile.write(tmp_path / "take.wav", np.full(1600, 0.1), 16_000)
    with RefusingDaemon(AudioOpen=refuse(code), AudioFree=refuse("unknown-buffer")) as daemon:
        words = ["send", "transcribe", str(tmp_path / "take.wav"), "--port", str(daemon.port)]
        assert run([*words, "-o", str(tmp_path / "out.mid")]) == exit_codes.BY_ERROR[code]
    assert "As planned" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [
        ("AudioClose", lambda closing: (r.AudioMissing(closing.buffer, (0,)),), Incomplete),
        ("JobRun", lambda asked: (r.JobCancelled(asked.job),), Cancelled),
    ],
)
def test_an_answer_that_ends_nothing_well_ends_the_wait(step, answer, error):
    with RefusingDaemon(**{step: answer}) as daemon:
        client = Client("127.0.0.1", daemon.port)
        with pytest.raises(error):
            client.run(REQUEST, Silent())
        client.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("AudioOpen", TimedOut),
        ("AudioClose", TimedOut),
        ("JobRun", UnknownJob),
        ("AudioFree", None),
        ("Ping", None),
    ],
)
def test_a_daemon_that_lives_but_leaves_a_step_unanswered_is_not_waited_for_for_ever(monkeypatch, step, error):
    monkeypatch.setattr(client_module, "SILENCE", 0.02)
    monkeypatch.setattr(client_module, "ANSWER", 0.1)
    monkeypatch.setattr(client_module, "TIMEOUT", 0.5)
    with RefusingDaemon(**{step: lambda _: ()}) as daemon:
        client = Client("127.0.0.1", daemon.port)
        if error is None:
            assert client.run(REQUEST, Silent()).variations
        else:
            with pytest.raises(error):
                client.run(REQUEST, Silent())
        client.close()


def test_a_job_that_waits_for_long_is_waited_for(monkeypatch):
    """The daemon says nothing until it has been asked three times how the job stands."""
    monkeypatch.setattr(client_module, "SILENCE", 0.02)
    asked: list[m.StatusQuery] = []
    jobs: list[str] = []

    def status(message: m.StatusQuery) -> tuple[Any, ...]:
        asked.append(message)
        if len(asked) < 3:
            return s.Status("busy", 1, "", 1.0), s.StatusJob(jobs[0], "transcribe", "queued", 0.0)
        return ANSWERS[JobRun](JobRun(jobs[0]))

    with RefusingDaemon(JobRun=lambda asked: jobs.append(asked.job) or (), StatusQuery=status) as daemon:
        client = Client("127.0.0.1", daemon.port)
        assert client.run(REQUEST, Silent()).variations == ((NoteEvent(0.0, 0.5, 60, 90),),)
        client.close()


def test_a_stream_of_other_things_keeps_nobody_waiting_for_ever(monkeypatch):
    monkeypatch.setattr(client_module, "SILENCE", 0.05)
    monkeypatch.setattr(client_module, "ANSWER", 0.2)

    def chatter(_: Any) -> Iterator[Any]:
        while True:  # until the client hangs up
            yield r.AudioLevel("other", -20.0, -10.0)

    with RefusingDaemon(JobRun=chatter) as daemon:
        client = Client("127.0.0.1", daemon.port)
        with pytest.raises(TimedOut, match="how its jobs stand"):
            client.run(REQUEST, Silent())
        client.close()
