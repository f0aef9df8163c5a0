-- Gaps in MIDI items, and what the user does to them meanwhile: no edit is lost.

local gap = require("gap")
local set, with_known, fill = gap.set, gap.with_known, gap.fill

local scenes = {}

local YES, NO = 6, 7

-- The user does something while the daemon works.
local function meanwhile(stage, change, answer)
  stage.rig.answers = { answer }
  stage.serve(with_known({ { 77, 8.1, 0.3, 99 } }))
  stage.press("Fill region")
  stage.daemon()
  stage.tick()
  change()
  stage.play_out()
end

scenes["an edit meanwhile is kept, and the notes can be had on a new track"] = function(stage)
  local project, _, item = set(stage)
  local edited
  meanwhile(stage, function()
    reaper.MIDI_InsertNote(item.take, false, false, 100, 200, 0, 33, 44, true)
    edited = stage.fake.picture(project)
  end, YES)
  stage.one_box("was edited")
  stage.equal(#project.tracks, 2)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
  stage.close(stage.notes(project.tracks[2].items[1])[1][1], 8.1, 0.001)
  reaper.Undo_DoUndo2(project)
  stage.equal(stage.fake.picture(project), edited, "the edit")
end

scenes["an edit meanwhile is kept, and nothing is written when the user wants nothing"] = function(stage)
  local project, _, item = set(stage)
  local edited
  meanwhile(stage, function()
    reaper.MIDI_DeleteNote(item.take, 0)
    edited = stage.fake.picture(project)
  end, NO)
  stage.equal(stage.fake.picture(project), edited)
  stage.equal(#project.undo, 0)
end

scenes["a clip that is deleted meanwhile loses nothing"] = function(stage)
  local project, track = set(stage)
  meanwhile(stage, function() table.remove(track.items, 1) end, YES)
  stage.one_box("is gone")
  stage.equal(#project.tracks, 2)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["an item that undo has made anew is found again"] = function(stage)
  local project, track, item = set(stage)
  local again
  meanwhile(stage, function()
    again = stage.fake.midi_item(track, 0.0, 20.0)
    again.take.notes, again.guid = item.take.notes, item.guid
    table.remove(track.items, 1)
  end)
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(#again.take.notes, 37)
end

scenes["a track that is frozen meanwhile is left alone"] = function(stage)
  local project, track = set(stage)
  meanwhile(stage, function()
    track.items = {}
    local stem = { type = "WAVE", path = stage.path("frozen.wav"), length = 20.0 }
    stage.fake.audio_item(track, 0.0, 20.0, stem).values.C_LOCK = 1
  end, NO)
  stage.one_box("frozen")
  stage.equal(#project.tracks, 1)
  stage.equal(#track.items, 1)
end

scenes["a locked item is left alone"] = function(stage)
  local project, _, item = set(stage)
  local before = stage.fake.picture(project)
  meanwhile(stage, function() item.values.C_LOCK = 1 end, NO)
  stage.one_box("is locked")
  stage.equal(stage.fake.picture(project), before)
end

scenes["a write that would touch notes beside the gap is undone"] = function(stage)
  local project, _, item = set(stage)
  local before = stage.fake.picture(project)
  stage.rig.meddle = function(take) take.notes[1].velocity = 1 end
  fill(stage, { { 77, 8.1, 0.3, 99 } })
  stage.one_box("beside the gap would have changed")
  stage.equal(stage.fake.picture(project), before)
end

scenes["a gap in one project is filled while another is in front"] = function(stage)
  local project, _, item = set(stage)
  local other = stage.rig.add_project()
  stage.fake.track(other, "Elsewhere")
  stage.serve(with_known({ { 77, 8.1, 0.3, 99 } }))
  stage.press("Fill region")
  stage.rig.front = 2
  stage.play_out()
  stage.equal(#project.undo, 1)
  stage.equal(#other.undo, 0)
  stage.equal(#item.take.notes, 37)
  stage.equal(stage.rig.front, 2, "the project in front")
end

return scenes
