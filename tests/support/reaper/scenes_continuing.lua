-- What comes after MIDI items: which notes are told, what bounds the new ones, and where they lie.

local gap = require("gap")

local scenes = {}

-- The item of gap.set(), 0 to 20 s, with nothing but itself selected.
local function set(stage)
  local project, track, item = gap.set(stage)
  project.loop = { 0.0, 0.0 }
  return project, track, item
end

local function continue(stage, new)
  stage.serve(gap.with_known(new))
  stage.press("Continue")
  stage.play_out()
end

scenes["a MIDI item is continued from its notes"] = function(stage)
  local project, _, item = set(stage)
  local before = #item.take.notes
  continue(stage, { { 60, 20.25, 0.5, 90 }, { 61, 40.0, 0.5, 90 } })
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(stage.was_asked("/diffroll/job/new")[1][3], "continue")
  stage.equal(#stage.was_asked("/diffroll/job/note"), 40)
  stage.equal(#stage.was_asked("/diffroll/job/region"), 0)
  local made = project.tracks[2].items[1]
  stage.equal(made.values.D_POSITION, 20.0)
  stage.equal(made.values.D_LENGTH, 8.0)
  stage.equal(#stage.notes(made), 1, "what lies in the item and beyond the end is left out")
  stage.close(stage.notes(made)[1][1], 20.25, 0.001)
  stage.equal(#item.take.notes, before)
  stage.equal(#project.undo, 1)
end

scenes["a time selection in a MIDI item ends it earlier, and one behind it is filled"] = function(stage)
  local project = set(stage)
  project.loop = { 4.0, 10.0 }
  continue(stage, {})
  stage.equal(#stage.was_asked("/diffroll/job/note"), 20, "all that leads there")
  stage.equal(project.tracks[2].items[1].values.D_POSITION, 10.0)
  project.loop = { 21.0, 23.0 }
  continue(stage, {})
  local region = stage.was_asked("/diffroll/job/region")[1]
  stage.equal(region[3], 21.0)
  stage.equal(region[4], 23.0)
end

scenes["notes selected in the editor bound the pitches of a continuation"] = function(stage)
  local _, _, item = set(stage)
  stage.rig.editor = { kind = "HWND", take = item.take }
  item.take.notes[3].selected, item.take.notes[6].selected = true, true -- pitches 52 and 55
  continue(stage, {})
  local region = stage.was_asked("/diffroll/job/region")[1]
  stage.equal(region[3], 20.0)
  stage.equal(region[4], 28.0)
  stage.equal(region[5], 52)
  stage.equal(region[6], 55)
end

scenes["the sound that the notes were heard in goes with them"] = function(stage)
  local project, _, item = set(stage)
  local path = stage.path("source.flac")
  stage.write(path, "fLaC")
  local source = { type = "FLAC", path = path, length = 60.0 }
  local audio = stage.fake.audio_item(stage.fake.track(project, "Take"), 0.0, 20.0, source)
  item.ext["P_EXT:diffroll_live_source"] = audio.guid
  continue(stage, {})
  stage.equal(stage.was_asked("/diffroll/audio/file")[1][3], path)
  stage.equal(stage.was_asked("/diffroll/audio/file")[1][5], 20.0)
end

scenes["what cannot be continued is told of"] = function(stage)
  local _, _, item = set(stage)
  item.take.notes = {}
  stage.press("Continue")
  stage.one_box("no notes")
  item.selected, stage.rig.boxes = false, {}
  stage.press("Continue")
  stage.one_box("audio or MIDI item")
end

return scenes
