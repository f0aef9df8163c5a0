"""Daemons that misbehave, with Ableton Live: each function with a world is a test, as in ableton_scenarios.py."""

from __future__ import annotations

import tempfile

from support.error_codes import CODES
from support.live_world import WELCOME, ScriptedDaemon, World, free_port, notes_of


def there_is_no_daemon(world):
    with World(world.folder / "other", free_port()) as alone:
        alone.song.add_audio_clip(alone.song.add_track("Piano"), alone.wav(1), 1)
        assert alone.failed("transcribe")[1] == "timed-out"
        for _ in range(50):
            alone.tick()
        assert sum("diffroll-live serve" in text for text in alone.host.messages) == 1  # once, not in a loop


def the_daemon_goes_away_in_the_middle(world):
    answers = lambda message: [WELCOME] if message.address == "/diffroll/hello" else []  # noqa: E731
    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
        daemon.socket.close()
        one.until(lambda: any("diffroll-live serve" in text for text in one.host.messages))
        assert one.song.undo_steps == 0


def the_daemon_comes_up_anew_in_the_middle(world):
    def answers(message):
        if message.address == "/diffroll/hello":
            return [WELCOME]
        return [("/diffroll/status", "ready", 0, "", 0.0)] if message.address == "/diffroll/status" else []

    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc, talk = one.module("osc"), one.module("talk")
        talk.TIMEOUT = 0.05
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or any("started anew" in text for text in one.host.messages))
        assert one.song.undo_steps == 0


def the_daemon_takes_no_more_clients(world):
    full = ("/diffroll/error", "/diffroll/hello", "busy", "64 clients are connected")
    answers = lambda message: [full] if message.address == "/diffroll/hello" else []  # noqa: E731
    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or "DiffRoll: 64 clients are connected" in one.host.messages)


def every_refusal_of_every_step_is_told_and_the_job_is_over(world):
    for address in ("/diffroll/hello", "/diffroll/audio/file", "/diffroll/job/set", "/diffroll/job/run"):
        for code in CODES:
            refuse_step(world, address, code)


def refuse_step(parent, address, code):
    def answers(message):
        if message.address == address:
            about = message.args[0] if message.args and address != "/diffroll/hello" else address
            return [("/diffroll/error", about, code, "As planned.")]
        return [WELCOME] if message.address == "/diffroll/hello" else []

    with ScriptedDaemon(answers) as daemon, World(parent.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or "DiffRoll: As planned." in one.host.messages)
        assert one.song.undo_steps == 0


def a_job_that_was_never_run_is_not_waited_for(world):
    """As when the datagram with its run, or with the answer to that, is lost."""

    def answers(message):
        if message.address != "/diffroll/status":
            return [WELCOME] if message.address == "/diffroll/hello" else []
        job = next(heard.args[0] for heard in daemon.heard if heard.address == "/diffroll/job/new")
        return [("/diffroll/status", "ready", 0, "", 0.0), ("/diffroll/status/job", job, "transcribe", "new", 0.0)]

    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc, talk = one.module("osc"), one.module("talk")
        talk.PATIENCE = 0.05
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or any("did not get the whole job" in text for text in one.host.messages))


def notes_that_got_lost_are_asked_for_again(world):
    def answers(message):
        job = message.args[0] if message.args else ""
        note = ("/diffroll/note", job, 0, 60, 0.0, 0.5, 90, 0)
        return {
            "/diffroll/hello": [WELCOME],
            "/diffroll/job/run": [note, ("/diffroll/job/done", job, 2, 0, 1.0)],
            "/diffroll/job/notes": [
                note,
                ("/diffroll/note", job, 1, 62, 0.5, 0.5, 90, 0),
                ("/diffroll/job/done", job, 2, 0, 0.0),
            ],
        }.get(message.address, [])

    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or len(one.song.tracks) == 2)
        assert [n[0] for n in notes_of(one.session_clip(one.song.tracks[1]))] == [60, 62]


def only_the_job_that_was_asked_for_is_taken(world):
    """Notes of another job, no notes at all, and rubbish."""

    def answers(message):
        if message.address != "/diffroll/job/run":
            return [WELCOME] if message.address == "/diffroll/hello" else []
        job = message.args[0]
        return [
            ("/diffroll/note", "live-000", 0, 99, 0.0, 0.5, 90, 0),
            ("/diffroll/job/done", "live-000", 1, 0, 1.0),
            ("/diffroll/error", "live-000", "internal", "not ours"),
            ("/diffroll/exec", "import os"),
            ("/diffroll/note",),
            ("/diffroll/job/progress", job),
            ("/diffroll/job/done", job),
            ("/diffroll/error", "/diffroll/transport", "bad-message", "not about the job"),
            ("/diffroll/note", job, 0, 60, 0.0, 0.5, 90, 0),
            ("/diffroll/job/done", job, 1, 0, 1.0),
        ]

    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or len(one.song.tracks) == 2)
        assert [n[0] for n in notes_of(one.session_clip(one.song.tracks[1]))] == [60]
        jobs = [m.args[0] for m in daemon.heard if m.address == "/diffroll/job/run"]
        with tempfile.TemporaryDirectory() as other, World(other, daemon.port) as two:
            two.song.add_audio_clip(two.song.add_track("Piano"), two.wav(1), 1)
            two.press("transcribe")
            two.until(lambda: daemon.serve(osc) or len(two.song.tracks) == 2)
        assert len({m.args[0] for m in daemon.heard if m.address == "/diffroll/job/run"} - set(jobs)) == 1


def notes_that_are_none_are_refused(world):
    good = (0, 60, 0.0, 0.5, 90, 0)
    for bad in (
        (0, 128),
        (0, 60, float("nan"), 0.5, 90, 0),
        (0, 60, 0.0, -1.0, 90, 0),
        (-1, *good[1:]),
        ("0", *good[1:]),
    ):
        refuse_note(world, bad)


def refuse_note(parent, bad):
    def answers(message):
        reply = [("/diffroll/note", message.args[0], *bad)] if message.address == "/diffroll/job/run" else []
        return [WELCOME] if message.address == "/diffroll/hello" else reply

    with ScriptedDaemon(answers) as daemon, World(parent.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or any("a note that is none" in text for text in one.host.messages))
        assert one.song.undo_steps == 0


def live_closes_in_the_middle(world):
    answers = lambda message: [WELCOME] if message.address == "/diffroll/hello" else []  # noqa: E731
    with ScriptedDaemon(answers) as daemon:
        with World(world.folder / "other", daemon.port) as one:
            osc = one.module("osc")
            one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
            one.press("transcribe")
            one.until(lambda: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
        daemon.serve(osc)
        assert daemon.addresses()[-2:] == ["/diffroll/job/cancel", "/diffroll/audio/free"]
        assert one.surface.disconnected


def the_transport_is_told(world):
    with ScriptedDaemon(lambda message: []) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        for playing, beat in ((False, 0.0), (False, 0.0), (True, 3.0), (True, 3.5)):
            one.song._playing, one.song._time, one.song._tempo = playing, beat, 90.0
            one.tick()
        daemon.serve(osc)
        told = [message.args for message in daemon.heard]
        rounded = [tuple(round(value, 4) for value in args) for args in told]
        assert rounded == [(0, 0.0, 90.0, 0.0, 3, 4), (1, 2.0, 90.0, 3.0, 3, 4), (1, 2.3333, 90.0, 3.5, 3, 4)]
