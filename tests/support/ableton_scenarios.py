"""What a user of Ableton Live does, played in a fake Live against a real daemon with the fake engine.

Each function with a world is a test; ableton_play.py plays them, under Python 3.7 as well. The fake engine answers
with a scale: note i at 0.5 i seconds, 0.25 s long, and gives known notes back as they came.
"""

from __future__ import annotations

import json

from support.live_world import WELCOME, ScriptedDaemon, World, free_port, notes_of


def scale(seconds, beat, transpose=0):
    """The fake engine's notes for so many seconds, where ``beat`` says at which beat a second is."""
    return sorted(
        (40 + i + transpose, round(beat(0.5 * i), 4), round(beat(0.5 * i + 0.25) - beat(0.5 * i), 4), 1 + i)
        for i in range(int(seconds * 2))
    )


# -- the four verbs


def transcribe_an_unwarped_session_clip(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(4), 4, scene=1, start_marker=1.0, loop_start=1.0, end_marker=3.0)
    world.song._tempo = 90.0
    _, count, where = world.done("transcribe")
    made = world.song.tracks[1]
    assert (count, where, made.name) == (4, "DiffRoll Piano", "DiffRoll Piano")
    clip = world.session_clip(made, 1)
    assert notes_of(clip) == scale(2, lambda second: second * 1.5)
    assert (clip.start_marker, clip.end_marker, clip.looping, clip.name) == (0.0, 3.0, False, "take")
    assert world.song.undo_steps == 1
    world.song.undo()
    assert [t.name for t in world.song.tracks] == ["Piano"]


def transcribe_a_warped_clip_that_changes_its_tempo(world):
    """Warp markers at 0.5 s = beat 0, 2.5 s = beat 4 (120 a minute), 3.5 s = beat 5 (60), and on at that pace."""
    track = world.song.add_track("Piano")
    markers = ((0.5, 0.0), (2.5, 4.0), (3.5, 5.0))
    clip = world.song.add_audio_clip(track, world.wav(6), 6, beats=6.0, markers=markers, pitch_coarse=-2)
    clip._end_marker = clip._loop_end = 6.0  # 4.5 s
    world.done("transcribe")
    wanted = scale(4, lambda t: 2 * t if t <= 2 else 4 + (t - 2), transpose=-2)
    assert notes_of(world.session_clip(world.song.tracks[1])) == wanted


def transcribe_a_loop_that_starts_in_its_middle(world):
    track = world.song.add_track("Piano")
    clip = world.song.add_audio_clip(track, world.wav(6), 6, beats=8.0, markers=((0.0, -2.0), (1.0, 0.0)))
    for name, value in (("looping", True), ("start_marker", 3.0), ("loop_start", 1.0), ("loop_end", 5.0)):
        setattr(clip, "_" + name, value)
    world.done("transcribe")
    made = world.session_clip(world.song.tracks[1])
    assert (made.looping, made.start_marker, made.loop_start, made.loop_end) == (True, 2.0, 0.0, 4.0)
    assert notes_of(made) == scale(2, lambda second: 2 * second)


def transcribe_into_the_arrangement_writes_loops_out(world):
    track = world.song.add_track("Piano")
    clip = world.song.add_audio_clip(track, world.wav(4), 4, at=16.0, beats=7.0, markers=((0.0, 0.0), (1.0, 2.0)))
    for name, value in (("looping", True), ("start_marker", 1.0), ("loop_start", 0.0), ("loop_end", 4.0)):
        setattr(clip, "_" + name, value)
    world.done("transcribe")
    (made,) = world.song.tracks[1].arrangement_clips
    assert (made.start_time, made.end_time, made.looping) == (16.0, 23.0, False)
    # heard from 0 to 2 s, a note a beat: three before the loop comes round, then four
    assert [note[1:3] for note in sorted(notes_of(made), key=lambda n: n[1])] == [(float(b), 0.5) for b in range(7)]
    assert [n[0] for n in sorted(notes_of(made), key=lambda n: n[1])] == [41, 42, 43, 40, 41, 42, 43]
    assert not any(slot.has_clip for slot in world.song.tracks[1].clip_slots)
    assert world.song.undo_steps == 1


def fill_the_selected_notes_and_nothing_else(world):
    audio, midi = world.song.add_track("Piano"), world.song.add_track("Notes", midi=True)
    world.song.add_audio_clip(audio, world.wav(8), 8, beats=16.0, markers=((0.0, 0.0), (1.0, 2.0)))
    mine = [(45, 3.0, 0.5, 90), (47, 4.0, 0.5, 91), (49, 5.5, 0.5, 92), (90, 4.5, 1.0, 93), (50, 12.0, 1.0, 94)]
    mine.append((48, 4.25, 0.5, 95))  # within the region, but not selected
    chosen = ((47, 4.0), (49, 5.5))
    clip = world.song.add_midi_clip(midi, mine, beats=16.0, selected=chosen)
    before = {n.note_id: n.pitch for n in clip.get_notes_extended(0, 128, 0.0, 100.0)}
    world.done("fill", "seed", 0)
    # the scale has pitches 44 (at 2 s, beat 4) and 45 (2.5 s, beat 5): below the selected 47..49
    kept = [n for n in mine if (n[0], n[1]) not in chosen]
    assert notes_of(clip) == sorted((p, s, d, v) for p, s, d, v in kept)
    assert all(before[n.note_id] == n.pitch for n in clip.get_notes_extended(0, 128, 0.0, 100.0))
    assert world.song.undo_steps == 1
    world.song.undo()
    assert notes_of(clip) == sorted(mine)
    world.done("fill", "seed", 4)  # moves the scale up by four
    assert notes_of(clip) == sorted([*kept, (48, 4.0, 0.25, 9), (49, 5.0, 0.5, 10)])


def fill_follows_clips_that_start_at_different_places(world):
    audio, midi = world.song.add_track("Piano"), world.song.add_track("Notes", midi=True)
    world.song.add_audio_clip(audio, world.wav(8), 8, at=32.0, beats=12.0, markers=((0.0, 0.0), (1.0, 2.0)))
    audio.arrangement_clips[0]._start_marker = 1.0  # beat 32 is content beat 1
    clip = world.song.add_midi_clip(midi, [(60, 0.0, 1.0, 80)], at=35.0, beats=4.0)  # beat 35 is content beat 4
    clip._end_marker = 2.0  # no note selected: the brace, content beats 4..6 of the recording, 2..3 s
    world.done("fill", "seed", 0)
    assert notes_of(clip) == [(44, 0.0, 0.5, 5), (45, 1.0, 0.5, 6)]
    assert world.song.undo_steps == 1


def fill_what_an_audio_clip_plays_from_what_surrounds_it(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(6), 6, start_marker=2.0, loop_start=2.0, end_marker=3.0)
    world.done("fill", "seed", 0)
    assert notes_of(world.session_clip(world.song.tracks[1])) == [(44, 0.0, 0.5, 5), (45, 1.0, 0.5, 6)]


def notes_last_until_the_pedal_is_lifted(world):
    """Or until their key is struck again, since a clip takes no controllers."""

    def answer(message):
        if message.address == "/diffroll/hello":
            return [WELCOME]
        if message.address != "/diffroll/job/run":
            return []
        job = message.args[0]
        notes = [(60, 0.0, 0.5), (64, 0.25, 0.25), (60, 1.0, 0.25), (67, 2.5, 0.25)]
        rows = [("/diffroll/note", job, at, *note, 80, 0) for at, note in enumerate(notes)]
        rows += [("/diffroll/pedal", job, 0.25, 1.75), ("/diffroll/pedal", job, "none", 1.0)]
        return [*rows, ("/diffroll/job/done", job, len(notes), 0, 1.0)]

    with ScriptedDaemon(answer) as daemon, World(world.folder / "other", daemon.port) as one:
        osc = one.module("osc")
        one.song._tempo = 60.0
        one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(3), 3)
        one.press("transcribe")
        one.until(lambda: daemon.serve(osc) or len(one.song.tracks) == 2)
        ends = [
            (pitch, begin, round(begin + length, 2))
            for pitch, begin, length, _ in notes_of(one.session_clip(one.song.tracks[1]))
        ]
        assert ends == [(60, 0.0, 1.0), (60, 1.0, 2.0), (64, 0.25, 2.0), (67, 2.5, 2.75)]


def fill_hears_its_region_if_it_is_told_to(world):
    with ScriptedDaemon(lambda message: [WELCOME] if message.address == "/diffroll/hello" else []) as daemon:
        for options, hear in (({}, 0), ({"hear": 1, "seconds": 3.0}, 1)):
            with World(world.folder / "other", daemon.port, options=options) as one:
                osc = one.module("osc")
                one.song.add_audio_clip(one.song.add_track("Piano"), one.wav(1), 1)
                one.press("fill")
                one.until(lambda osc=osc: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
            region = next(message.args for message in daemon.heard if message.address == "/diffroll/job/region")
            assert region[1:] == (0.0, 1.0, 21, 108, hear)
            assert not any(message.args[1] in ("hear", "seconds") for message in daemon.heard if len(message.args) == 3)
            daemon.heard.clear()


def the_daemon_hears_of_the_bars_and_tempi_that_a_clip_plays_in(world):
    """The song is in 3/4: session bars are counted from the clip's beat 0, arrangement bars from the song's."""
    with ScriptedDaemon(lambda message: [WELCOME] if message.address == "/diffroll/hello" else []) as daemon:
        for at, shift in ((None, 0.0), (16.0, 16.0)):
            with World(world.folder / "other", daemon.port) as one:
                osc, markers = one.module("osc"), ((0.5, 0.0), (2.5, 4.0), (3.5, 5.0))
                place = {} if at is None else {"at": at}
                clip = one.song.add_audio_clip(
                    one.song.add_track("Piano"), one.wav(6), 6, beats=6.0, markers=markers, **place
                )
                clip._end_marker = clip._loop_end = 6.0  # 4.5 s
                one.press("continue")
                one.until(lambda osc=osc: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
            rows = [message.args[1:] for message in daemon.heard if message.address == "/diffroll/job/tempo"]
            close = [tuple(round(value, 3) for value in row) for row in rows]
            assert close == [(0.0, 120.0, 3, 4, shift), (2.0, 60.0, 3, 4, 4.0 + shift)]
            daemon.heard.clear()


def fill_stays_within_one_round_of_a_loop(world):
    audio, midi = world.song.add_track("Piano"), world.song.add_track("Notes", midi=True)
    clip = world.song.add_audio_clip(audio, world.wav(4), 4, beats=4.0, markers=((0.0, 0.0), (1.0, 2.0)))
    clip._looping, clip._loop_end = True, 4.0
    world.song.add_midi_clip(midi, [(60, 3.0, 2.0, 80)], beats=8.0, selected={(60, 3.0)})
    assert "comes round" in world.failed("fill")[2]


def a_live_that_tells_no_sample_rate_will_do(world):
    clip = world.song.add_audio_clip(world.song.add_track("Piano"), world.wav(1), 1)
    clip._audio["sample_rate"] = None
    assert world.done("transcribe")[1] == 2


def continue_goes_behind_the_clip(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(4), 4, at=8.0, beats=4.0, markers=((0.0, 0.0), (1.0, 2.0)))
    answer = world.done("continue", "seconds", 3.0, "seed", 1)  # the fake engine writes from 0 on, over the 2 s heard
    (made,) = world.song.tracks[1].arrangement_clips
    assert (made.start_time, made.end_time, made.name) == (12.0, 18.0, "take, continued")
    assert answer[1] == 0
    assert notes_of(made) == []


def continue_in_the_session_takes_the_next_free_track(world):
    track = world.song.add_track("Piano")
    clip = world.song.add_audio_clip(track, world.wav(2), 2)
    world.done("transcribe")
    world.done("transcribe")
    assert [t.name for t in world.song.tracks] == ["Piano", "DiffRoll Piano", "DiffRoll Piano"]
    world.song.view.detail_clip = clip
    world.done("continue", "seconds", 1.0)
    assert world.session_clip(world.song.tracks[1]).name == "take, continued"


def generate_needs_no_clip(world):
    world.song.add_track("Drums")
    world.song.view.selected_track, world.song.view.selected_scene = world.song.tracks[0], world.song.scenes[2]
    world.done("generate", "seconds", 2.0, "seed", 3)
    clip = world.session_clip(world.song.tracks[1], 2)
    assert [n[0] for n in notes_of(clip)] == [43, 44, 45, 46]
    assert clip.end_marker == 4.0


def our_track_is_used_again_where_it_has_room(world):
    track = world.song.add_track("Piano")
    for scene in (0, 1):
        world.song.add_audio_clip(track, world.wav(1), 1, scene=scene)
        world.done("transcribe")
    assert len(world.song.tracks) == 2
    world.song.tracks[1]._frozen = True
    world.song.add_audio_clip(track, world.wav(1), 1, scene=2)
    world.done("transcribe")
    assert len(world.song.tracks) == 3


def nothing_in_the_arrangement_is_overwritten(world):
    track, ours = world.song.add_track("Piano"), world.song.add_track("DiffRoll Piano", midi=True)
    mine = world.song.add_midi_clip(ours, [(60, 0.0, 1.0, 80)], at=6.0)
    world.song.add_audio_clip(track, world.wav(4), 4, at=4.0, beats=4.0, markers=((0.0, 0.0), (1.0, 2.0)))
    world.done("transcribe")
    assert ours.arrangement_clips == (mine,)
    assert len(world.song.tracks) == 3


# -- ways to press


def buttons_reach_the_script(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(1), 1)
    world.surface.build_midi_map(object())
    assert sorted(world.host.forwarded) == [("cc", 15, number) for number in range(102, 107)]
    world.surface.receive_midi_chunk([(0xBF, 102, 127), (0x90, 102, 127), (0xBF, 102, 0), (0xF0, 1, 2, 0xF7)])
    world.until(lambda: "DiffRoll: transcribe: 2 notes in DiffRoll Piano" in world.host.messages)
    assert sum("asked" in text for text in world.host.messages) == 1


def commands_are_checked(world):
    world.song.add_audio_clip(world.song.add_track("Piano"), world.wav(1), 1)
    for words in (("seconds", -1.0), ("quality", "worst"), ("save", "/tmp/x.mid"), ("seed", "1"), ("seed",)):
        assert world.failed("generate", *words)[1] == "bad-option"
    assert world.failed("explode")[1] == "unknown-address"
    assert world.failed("cancel")[1] == "unknown-job"
    world.asker.sendto(b"rubbish", ("127.0.0.1", world.command_port))
    assert world.run("hello")[2].startswith("Live 12.1.11 with Python")
    assert "has all that is needed" in world.host.log[0]


def one_job_at_a_time_and_cancel(world):
    world.song.add_audio_clip(world.song.add_track("Piano"), world.wav(1), 1)
    world.command("transcribe", "steps", 300)
    world.until(lambda: any("transcribe: 2 of" in text for text in world.host.messages))
    world.command("transcribe")
    world.until(lambda: any(answer[:2] == ("failed", "busy") for answer in world.answers()))
    world.press("cancel")
    world.until(lambda: any(answer[:2] == ("failed", "cancelled") for answer in world.answers()))
    assert world.song.undo_steps == 0
    world.done("transcribe")


def settings_are_checked(world):
    settings = world.module("settings")
    for wrong in (["x"], {"port": 1}, {"daemon_port": 0}, {"options": {"save": "x"}}, {"buttons": {"fill": ["cc", 1]}}):
        path = world.folder / "settings.json"
        path.write_text(json.dumps(wrong), encoding="utf-8")
        refused = None
        try:
            settings.load(path)
        except world.module("failures").Failure as failure:
            refused = failure.code
        assert refused == "bad-option", wrong
    with World(world.folder / "other", free_port(), buttons={"fill": ["note", 1, 36]}, seconds=3) as one:
        one.surface.build_midi_map(None)
        assert ("note", 0, 36) in one.host.forwarded
        one.surface.receive_midi((0x90, 36, 0))  # a note's end
        one.tick()
        assert one.host.messages == []
        one.surface.receive_midi((0x90, 36, 1))
        one.tick()
        assert one.host.messages == ["DiffRoll: No clip is selected; click a clip, then press again."]
