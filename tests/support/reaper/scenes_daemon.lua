-- With the real daemon in the spool: what the keys do, from the selection to the notes.

local scenes = {}

-- Real time passes between ticks, and less of it for the scripts: a loaded machine may keep them waiting.
local function play_out(stage)
  stage.step = 1 / 300
  stage.daemon = function() os.execute("sleep 0.02") end
  stage.play_out(6000)
end

local function set(stage, seconds)
  local project = stage.rig.add_project({ { 0, 97 }, { 11.1, 150 } })
  local track = stage.fake.track(project, "Piano")
  local function sound(t) return math.sin(2000 * t) end
  local source = { type = "WAVE", path = stage.path("take.wav"), length = seconds, sound = sound }
  local item = stage.fake.audio_item(track, 10.0, seconds, source)
  item.selected = true
  return project, track, item
end

-- The fake engine's notes: a scale of half seconds from pitch 40 and velocity 1.
local function check_scale(stage, notes, count)
  stage.equal(#notes, count, "notes")
  for i, note in ipairs(notes) do
    stage.close(note[1], 10.0 + (i - 1) * 0.5, 0.001, "onset")
    stage.equal(note[3], 39 + i, "pitch")
    stage.equal(note[4], i, "velocity")
  end
end

scenes["a file is transcribed"] = function(stage)
  local project = set(stage, 3.0)
  stage.press("Transcribe selection")
  play_out(stage)
  stage.equal(table.concat(stage.rig.boxes), "")
  check_scale(stage, stage.notes(project.tracks[2].items[1]), 6)
end

scenes["samples are transcribed"] = function(stage)
  local project, _, item = set(stage, 3.0)
  item.take.markers = 1
  stage.press("Transcribe selection")
  play_out(stage)
  stage.equal(table.concat(stage.rig.boxes), "")
  check_scale(stage, stage.notes(project.tracks[2].items[1]), 6)
end

scenes["a gap is filled"] = function(stage)
  local project, track = set(stage, 3.0)
  table.remove(track.items)
  local three = { { 10.2, 10.4, 0, 70, 99 }, { 11.2, 11.4, 0, 71, 98 }, { 13.2, 13.4, 0, 72, 97 } }
  local item = stage.fake.midi_item(track, 10.0, 14.0, three)
  item.selected = true
  project.loop = { 11.0, 12.0 }
  stage.press("Fill region")
  play_out(stage)
  stage.equal(table.concat(stage.rig.boxes), "")
  local pitches = {}
  for i, note in ipairs(stage.notes(item)) do pitches[i] = note[3] end
  stage.equal(table.concat(pitches, " "), "70 42 43 72")
end

-- The fake engine writes nothing beyond what it has heard, so the new item is empty; it is there all the same.
scenes["an item is continued"] = function(stage)
  local project, track = set(stage, 3.0)
  stage.press("Continue")
  play_out(stage)
  track.items[1].selected = false
  stage.fake.midi_item(track, 20.0, 22.0, { { 20.2, 20.4, 0, 70, 99 } }).selected = true
  stage.press("Continue")
  play_out(stage)
  stage.equal(table.concat(stage.rig.boxes), "")
  stage.equal(project.tracks[3].items[1].values.D_POSITION, 13.0)
  stage.equal(project.tracks[2].items[1].values.D_POSITION, 22.0)
end

scenes["notes are generated"] = function(stage)
  local project = stage.rig.add_project()
  project.loop = { 4.0, 7.0 }
  stage.press("Generate")
  play_out(stage)
  stage.equal(#stage.notes(project.tracks[1].items[1]), 6)
end

scenes["a wrong file is told in the daemon's words"] = function(stage)
  local project, _, item = set(stage, 3.0)
  item.take.source.path = stage.path("broken.wav")
  item.take.offline = true
  stage.press("Transcribe selection")
  play_out(stage)
  stage.one_box("offline") -- the daemon could not read it, so its samples were asked for
  stage.equal(#project.tracks, 1)
end

-- The test stops, kills and starts daemons between these words.
local function turn(word)
  print(word)
  io.stdout:flush()
  assert(io.read(), "the test is over")
end

scenes["a daemon is killed and started anew in the middle of a job"] = function(stage)
  local project = set(stage, 3.0)
  stage.press("Transcribe selection")
  turn("greeted")
  for _ = 1, 5 do stage.tick() end
  turn("asked")
  for _ = 1, 12 do -- s in which nothing is heard
    stage.rig.clock = stage.rig.clock + 0.95
    stage.tick()
  end
  play_out(stage)
  stage.equal(table.concat(stage.rig.boxes), "")
  check_scale(stage, stage.notes(project.tracks[2].items[1]), 6)
  stage.equal(#project.undo, 1)
end

return scenes
