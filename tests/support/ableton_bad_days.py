"""What goes wrong around Ableton Live: each function with a world is a test, as in ableton_scenarios.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.fake_live_notes import MidiNoteSpecification
from support.live_world import notes_of


def five_thousand_notes_come_back(world):
    audio, midi = world.song.add_track("Piano"), world.song.add_track("Notes", midi=True)
    world.song.add_audio_clip(audio, world.wav(60), 60)
    notes = [(21 + i % 88, 0.02 * i, 0.01, 1 + i % 127) for i in range(5000)]
    chosen = {(pitch, start) for pitch, start, _, _ in notes[9:20]}  # 0.18 to 0.39 beats, pitches 30 to 40
    clip = world.song.add_midi_clip(midi, notes, beats=120.0, selected=chosen)
    before = notes_of(clip)
    world.done("fill", "seed", 0)
    lost = [note for note in before if (note[0], note[1]) in {(pitch, round(start, 4)) for pitch, start in chosen}]
    assert len(lost) == 11
    assert notes_of(clip) == [note for note in before if note not in lost]


def paths_are_not_ascii(world):
    path = world.wav(1, name="Prélude, 夜.wav")
    world.song.add_audio_clip(world.song.add_track("Flügel 夜"), path, 1)
    assert world.done("transcribe")[2] == "DiffRoll Flügel 夜"


def what_cannot_be_done_is_said(world):
    song = world.song
    assert "Select an audio or MIDI track" in world.failed("generate")[2]
    assert "No clip is selected" in world.failed("transcribe")[2]
    track, midi = song.add_track("Piano"), song.add_track("Notes", midi=True)
    clip = song.add_midi_clip(midi, [(60, 0.0, 1.0, 80)], scene=3)
    assert "select the audio clip" in world.failed("transcribe")[2]
    assert "note" in world.failed("fill")[2]  # by themselves, the notes of a clip would all be replaced
    midi._frozen = True
    assert "unfreeze" in world.failed("fill")[2]
    track._frozen = True  # a frozen track can be heard all the same
    song.add_audio_clip(track, world.wav(2), 2)
    assert world.done("transcribe")[1:] == (4, "DiffRoll Piano")
    song.undo()
    gone = song.add_audio_clip(track, world.folder / "moved.wav", 1)
    assert world.failed("transcribe")[1:] == (
        "file-not-found",
        f"The sample {world.folder / 'moved.wav'} is not there; find it with Live's File Manager.",
    )
    gone._audio.update(file_path=str(world.wav(1)), pitch_coarse=3)
    assert "set Pitch to 0" in world.failed("transcribe")[2]
    gone._audio.update(pitch_coarse=0, sample_length=0)
    assert "nothing of the recording" in world.failed("transcribe")[2]
    gone._audio.update(warping=True, warp_markers=((0.0, 0.0), (1.0, 0.0)), sample_length=48000)
    assert "warp it anew" in world.failed("transcribe")[2]
    song.view.detail_clip = clip
    assert song.undo_steps == 0


def the_daemon_refuses(world):
    outside = Path(os.sep) / "etc" / "hostname"
    world.song.add_audio_clip(world.song.add_track("Piano"), outside, 1)
    answer = world.failed("transcribe")
    assert answer[1] == "file-refused"
    assert "allowed_folders" in answer[2]


def the_clip_is_deleted_while_waiting(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(1), 1)
    world.command("transcribe", "steps", 20)
    world.until(lambda: any("transcribe: 1 of" in text for text in world.host.messages))
    track.clip_slots[0].delete_clip()
    steps = world.song.undo_steps
    world.until(lambda: any("has been deleted" in text for text in world.host.messages))
    assert (world.song.undo_steps, len(world.song.tracks)) == (steps, 1)


def the_tempo_or_the_warping_changes_while_waiting(world):
    song, track = world.song, world.song.add_track("Piano")
    steady = ((0.0, 0.0), (1.0, 2.0))
    changes = (
        ((), lambda clip: setattr(song, "_tempo", 121.0), False),
        (steady, lambda clip: setattr(song, "_tempo", 90.0), True),  # a warped clip follows the tempo
        (steady, lambda clip: clip._audio.update(warp_markers=((0.0, 0.0), (1.0, 2.1))), False),
        (steady, lambda clip: clip._audio.update(pitch_coarse=1), False),
    )
    for scene, (markers, change, fine) in enumerate(changes):
        clip = song.add_audio_clip(track, world.wav(1), 1, scene=scene, markers=markers)
        before = len(world.host.messages)
        world.command("transcribe", "steps", 20)
        world.until(lambda before=before: any("transcribe: 1 of" in text for text in world.host.messages[before:]))
        change(clip)
        end = " notes in " if fine else "has been changed meanwhile"
        world.until(lambda before=before, end=end: end in " ".join(world.host.messages[before:]))
        assert song.undo_steps == (1 if scene else 0)


def the_track_is_deleted_while_waiting(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(1), 1)
    world.command("transcribe", "steps", 20)
    world.until(lambda: any("transcribe: 1 of" in text for text in world.host.messages))
    world.song.delete_track(0)
    world.until(lambda: any("has been deleted" in text for text in world.host.messages))
    assert world.song.tracks == ()


def the_user_edits_while_waiting(world):
    audio, midi = world.song.add_track("Piano"), world.song.add_track("Notes", midi=True)
    world.song.add_audio_clip(audio, world.wav(4), 4)
    clip = world.song.add_midi_clip(midi, [(60, 1.0, 1.0, 80)], selected={(60, 1.0)})
    world.command("fill", "steps", 20)
    world.until(lambda: any("inpaint: 1 of" in text for text in world.host.messages))
    clip.add_new_notes([MidiNoteSpecification(pitch=72, start_time=3.0, duration=0.5)])
    world.until(lambda: any("You have edited the clip" in text for text in world.host.messages))
    assert notes_of(clip) == [(60, 1.0, 1.0, 80), (72, 3.0, 0.5, 100)]
    assert world.song.undo_steps == 1


def a_write_that_fails_leaves_nothing(world):
    track = world.song.add_track("Piano")
    world.song.add_audio_clip(track, world.wav(1), 1)
    for call in ("add_new_notes", "create_clip"):
        world.song.fail.append(call)
        assert world.failed("transcribe")[1] == "internal"
        assert [t.name for t in world.song.tracks] == ["Piano"]
    world.song.add_audio_clip(track, world.wav(2), 2, at=4.0, beats=4.0)
    world.song.fail.append("duplicate_clip_to_arrangement")
    assert world.failed("transcribe")[1] == "internal"
    assert [t.name for t in world.song.tracks] == ["Piano"]
    midi = world.song.add_track("Notes", midi=True)
    mine = [(60, 0.0, 1.0, 80), (62, 0.5, 1.0, 81)]
    clip = world.song.add_midi_clip(midi, mine, selected={(60, 0.0)})
    world.song.fail.append("add_new_notes")
    assert world.failed("fill")[1] == "internal"
    assert notes_of(clip) == mine
    assert any("as the test wanted" in text for text in world.host.log)


def a_fault_of_ours_never_reaches_live(world):
    del world.song.__dict__["view"]  # nothing works without it
    world.press("transcribe")
    for _ in range(5):
        world.press("transcribe")
        world.tick()
    assert any("Log.txt" in text for text in world.host.messages)
    world.until(lambda: world.host.log[1:])
    assert sum("Traceback" in text for text in world.host.log) == 1


def what_this_live_lacks_is_said(world):
    sys.modules["Live"].Track.Track = object  # an old one
    lacks = "Track.duplicate_clip_to_arrangement (clips in the Arrangement), Track.arrangement_clips ("
    assert "lacks " + lacks in world.module("probe").findings()
