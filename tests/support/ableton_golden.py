"""The recorded exchange, with Live at one end and the recorded daemon at the other; a test."""

from __future__ import annotations

import json

from support.live_world import ScriptedDaemon, World, notes_of
from support.paths import GOLDEN

SESSION = GOLDEN / "session.jsonl"


def the_golden_exchange(world):
    """Each verb is answered as the recorded daemon answered its task; only the name of the job is ours."""
    session = [json.loads(line) for line in SESSION.read_text(encoding="utf-8").splitlines()]
    tasks = []

    def answers(message):
        if message.address == "/diffroll/job/new":
            tasks.append(message.args[1])
        if message.address == "/diffroll/hello":
            return [(line["address"], *line["args"]) for line in session if line["address"] == "/diffroll/welcome"]
        return recorded(session, tasks[-1], message.args[0]) if message.address == "/diffroll/job/run" else []

    with ScriptedDaemon(answers) as daemon, World(world.folder / "other", daemon.port) as one:
        osc, song = one.module("osc"), one.song
        piano, notes = song.add_track("Piano"), song.add_track("Notes", midi=True)
        audio = song.add_audio_clip(piano, one.wav(1), 1)
        mine = [(48, 0.5, 0.2, 80), (60, 0.0, 0.4, 80), (72, 0.8, 0.7, 80), (73, 0.6, 0.5, 80)]
        midi = song.add_midi_clip(notes, mine, selected={(48, 0.5), (72, 0.8)})
        placed = {}
        for verb, clip in (("transcribe", audio), ("fill", midi), ("continue", audio), ("generate", audio)):
            song.view.detail_clip, song.view.selected_track = clip, piano
            asked = len(one.host.messages)
            one.press(verb)
            one.until(lambda asked=asked: daemon.serve(osc) or " notes in " in "".join(one.host.messages[asked:]))
            if verb != "fill":
                placed[verb] = notes_of(one.session_clip(song.tracks[1]))
                song.delete_track(1)
    assert tasks == ["transcribe", "inpaint", "continue", "generate"]
    assert placed["transcribe"] == [(40, 0.0, 0.5, 1), (41, 1.0, 0.5, 2)]
    assert placed["continue"] == []  # the recorded notes lie within the second that was heard
    assert placed["generate"] == [(40, 0.0, 0.5, 1), (41, 1.0, 0.5, 2), (42, 2.0, 0.5, 3)]
    assert notes_of(midi) == [mine[1], mine[3]]  # the first variation writes nothing into the region


def recorded(session, task, job):
    """What was said of the recorded job of a task, from its run to the next word of the client."""
    name = {"transcribe": "listen", "inpaint": "fill", "continue": "more", "generate": "new"}[task]
    said = []
    for line in session[next(i for i, line in enumerate(session) if runs(line, name)) + 1 :]:
        if line["from"] == "client":
            return said
        said.append((line["address"], job, *line["args"][1:]))
    raise AssertionError("the session ends with a run")


def runs(line, name):
    starts = ("/diffroll/job/run", "/diffroll/transcribe", "/diffroll/continue", "/diffroll/generate")
    return line["address"] in starts and line["args"][0] == name
