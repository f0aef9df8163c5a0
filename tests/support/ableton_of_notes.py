"""Clips of notes in Ableton Live without a recording: each function with a world is a test."""

from __future__ import annotations

from support.live_world import WELCOME, ScriptedDaemon, World, notes_of


def fill_goes_by_the_notes_where_there_is_no_audio(world):
    midi = world.song.add_track("Notes", midi=True)
    mine = [(45, 3.0, 0.5, 90), (47, 4.0, 0.5, 91), (49, 5.5, 0.5, 92), (50, 12.0, 1.0, 94)]
    chosen = ((47, 4.0), (49, 5.5))
    clip = world.song.add_midi_clip(midi, mine, beats=16.0, selected=chosen)
    world.done("fill", "seed", 4)  # the fake engine writes nothing so late
    assert notes_of(clip) == [note for note in mine if note[:2] not in chosen]
    assert world.song.undo_steps == 1
    world.song.undo()
    with ScriptedDaemon(lambda message: [WELCOME] if message.address == "/diffroll/hello" else []) as daemon:
        with World(world.folder / "other", daemon.port, context_seconds=4.0) as one:
            osc = one.module("osc")
            one.song.add_midi_clip(one.song.add_track("Notes", midi=True), mine, beats=16.0, selected=chosen)
            one.press("fill")
            one.until(lambda osc=osc: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
        said = [(message.address.rpartition("/")[2], message.args[1:]) for message in daemon.heard]
        assert ("new", ("inpaint", "")) in said
        assert ("region", (4.0, 5.0, 47, 49, 0)) in said  # beats 4 to 6, after four seconds of context
        assert [args for name, args in said if name == "note"] == [(45, 3.5, 0.25, 90), (50, 8.0, 0.5, 94)]
        assert ("tempo", (0.0, 120.0, 3, 4, -4.0)) in said


def continue_goes_on_where_a_clip_of_notes_ends(world):
    """The last note ends a beat before the clip does."""
    with ScriptedDaemon(lambda message: [WELCOME] if message.address == "/diffroll/hello" else []) as daemon:
        with World(world.folder / "other", daemon.port) as one:
            osc, midi = one.module("osc"), one.song.add_track("Notes", midi=True)
            one.song.add_midi_clip(midi, [(60, 0.0, 1.0, 80), (62, 1.0, 2.0, 81)], at=16.0, beats=4.0)
            one.press("continue")
            one.until(lambda osc=osc: daemon.serve(osc) or "/diffroll/job/run" in daemon.addresses())
        said = {message.address.rpartition("/")[2]: message.args[1:] for message in daemon.heard if message.args}
        assert said["new"] == ("inpaint", "")
        assert said["region"] == (2.0, 10.0, 21, 108, 0)
        assert said["note"] == (62, 0.5, 1.0, 81)
        assert said["tempo"] == (0.0, 120.0, 3, 4, 16.0)
        options = {message.args[1]: message.args[2] for message in daemon.heard if len(message.args) == 3}
        assert options["origin"] == 8.0
        assert "seconds" not in options
        assert "/diffroll/audio/file" not in daemon.addresses()
