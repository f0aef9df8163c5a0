-- What goes wrong with files, items, tracks and projects, before a job and during it. Nothing is half done.

local scenes = {}

local ONE = { { 60, 0.5, 0.25, 90 } }

local function set(stage)
  local path = stage.path("take.wav")
  stage.write(path, "RIFF")
  local project = stage.rig.add_project()
  local track = stage.fake.track(project, "Piano")
  local source = { type = "WAVE", path = path, length = 30.0, sound = function() return 0.5 end }
  local item = stage.fake.audio_item(track, 10.0, 4.0, source)
  item.selected = true
  return project, track, item
end

scenes["a file that was moved is named"] = function(stage)
  set(stage)
  os.remove(stage.path("take.wav"))
  stage.press("Transcribe selection")
  stage.one_box("take%.wav")
end

scenes["a take without a source is told of"] = function(stage)
  local _, _, item = set(stage)
  item.take.source = nil
  stage.press("Transcribe selection")
  stage.one_box("no source")
end

scenes["an empty item is told of"] = function(stage)
  local project, track, item = set(stage)
  item.selected = false
  stage.fake.empty_item(track, 20.0, 2.0).selected = true
  stage.press("Transcribe selection")
  stage.one_box("no source")
end

scenes["an item without sound is told of"] = function(stage)
  local _, _, item = set(stage)
  item.take.markers, item.take.offline = 1, true
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.one_box("offline")
end

scenes["nothing selected is told of"] = function(stage)
  local _, _, item = set(stage)
  item.selected = false
  stage.press("Transcribe selection")
  stage.press("Continue")
  stage.equal(#stage.rig.boxes, 2)
  assert(stage.rig.boxes[1]:find("Select an audio item"))
  assert(stage.rig.boxes[2]:find("continued"))
end

scenes["an item that is deleted while it is read is told of"] = function(stage)
  local project, track, item = set(stage)
  item.take.markers, item.values.D_LENGTH = 1, 25.0
  stage.serve(ONE)
  stage.press("Transcribe selection")
  for _ = 1, 5 do stage.daemon() stage.tick() end
  track.items = {}
  stage.play_out()
  stage.one_box("deleted")
end

scenes["an item that is changed while it is read is told of"] = function(stage)
  local _, _, item = set(stage)
  item.take.markers, item.values.D_LENGTH = 1, 25.0
  stage.serve(ONE)
  stage.press("Transcribe selection")
  for _ = 1, 5 do stage.daemon() stage.tick() end
  item.take.changed = true
  stage.play_out()
  stage.one_box("changed while")
end

scenes["a source that is deleted while the daemon works still gets its notes"] = function(stage)
  local project, track = set(stage)
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.daemon()
  stage.tick()
  track.items = {}
  stage.play_out()
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["a track that is deleted while the daemon works leaves the notes a place at the end"] = function(stage)
  local project = set(stage)
  stage.fake.track(project, "Other")
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.daemon()
  stage.tick()
  table.remove(project.tracks, 1)
  stage.play_out()
  stage.equal(#project.tracks, 2)
  stage.equal(project.tracks[2].name, "diffroll-live")
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["two projects are open: the notes land where the key was pressed"] = function(stage)
  local project = set(stage)
  local other = stage.rig.add_project()
  stage.fake.track(other, "Elsewhere")
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.rig.front = 2
  stage.play_out()
  stage.equal(#project.tracks, 2)
  stage.equal(#other.tracks, 1)
  stage.equal(stage.rig.front, 2)
end

scenes["a project that is closed meanwhile is told of"] = function(stage)
  set(stage)
  local other = stage.rig.add_project()
  stage.serve(ONE)
  stage.press("Transcribe selection")
  table.remove(stage.rig.projects, 1)
  stage.rig.front = 1
  stage.play_out()
  stage.one_box("closed meanwhile")
  stage.equal(#other.tracks, 0)
end

scenes["an item that REAPER refuses leaves nothing behind"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  local insert = stage.fake.track
  stage.fake.track = function(...)
    local track = insert(...)
    track.refuses = true
    return track
  end
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.one_box("no MIDI item")
  stage.equal(stage.fake.picture(project), before)
end

return scenes
