-- What is sent of an item: its file where that is exactly what it plays, its samples otherwise.

local scenes = {}

local function tone(t) return math.sin(2 * math.pi * 440 * t) end

-- A project with an audio item from 10 to 14 s whose file is really there.
local function set(stage, tempos, path)
  path = path or stage.path("take.wav")
  stage.write(path, "RIFF")
  local project = stage.rig.add_project(tempos)
  local track = stage.fake.track(project, "Piano")
  local source = { type = "WAVE", path = path, length = 30.0, sound = tone }
  local item = stage.fake.audio_item(track, 10.0, 4.0, source, { D_STARTOFFS = 2.0 })
  item.selected = true
  return project, track, item
end

local TWO = { { 60, 0.5, 0.25, 90 }, { 64, 1.0, 5.0, 80 } } -- the second rings beyond the item

scenes["the file goes by path and offset where that is exact"] = function(stage)
  local project = set(stage, nil, stage.path("Prélude – 前奏曲 №1.wav"))
  project.loop = { 11.0, 13.0 }
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  local sent = stage.was_asked("/diffroll/audio/file")[1]
  stage.equal(sent[3], stage.path("Prélude – 前奏曲 №1.wav"))
  stage.equal(sent[4], 3.0, "start in the file")
  stage.equal(sent[5], 2.0, "duration")
  stage.equal(sent[6], 11.0, "origin")
  stage.equal(#stage.was_asked("/diffroll/job/region"), 0)
  stage.equal(project.tracks[2].items[1].values.D_POSITION, 11.0)
end

-- Read a WAV file of floats that a script has written: rate, channels, samples.
local function wav(content)
  local rate, channels = string.unpack("<I4", content, 25), string.unpack("<I2", content, 23)
  local size = string.unpack("<I4", content, 41)
  assert(#content == 44 + size and string.unpack("<I2", content, 21) == 3, "not a whole WAV file")
  local samples = {}
  for at = 45, #content, 4 do samples[#samples + 1] = string.unpack("<f", content, at) end
  return rate, channels, samples
end

local function sent_samples(stage, change)
  local project, track, item = set(stage)
  change(item, project)
  local content, path
  stage.serve(TWO, { ["/diffroll/audio/file"] = function(m) content, path = stage.read(m[3]), m[3] end })
  stage.press("Transcribe selection")
  stage.play_out(2000)
  stage.equal(table.concat(stage.rig.boxes), "", "message boxes")
  assert(path:find("/spool/audio/%x+%.wav$"), "sent as " .. path)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 2)
  return wav(content)
end

local function check_tone(stage, rate, samples, speed, offset)
  for i = 1, 2000, 37 do
    stage.close(samples[i], tone(offset + (i - 1) / rate * speed), 1e-4, "sample " .. i)
  end
end

for name, change in pairs({
  ["a pitched take goes by samples"] = function(item) item.take.values.D_PITCH = 2 end,
  ["a take with stretch markers goes by samples"] = function(item) item.take.markers = 2 end,
  ["a looped take goes by samples"] = function(item) item.take.source.length, item.values.B_LOOPSRC = 3.0, 1 end,
  ["an MP3 goes by samples"] = function(item) item.take.source.type = "MP3" end,
  ["one channel of a take goes by samples"] = function(item) item.take.values.I_CHANMODE = 3 end,
  ["a reversed take goes by samples"] = function(item)
    local parent = item.take.source
    item.take.source = { kind = "PCM_source", type = "SECTION", parent = parent, length = 20.0, sound = tone }
    item.take.source.reversed = true
  end,
}) do
  scenes[name] = function(stage)
    local rate, channels, samples = sent_samples(stage, change)
    stage.equal(rate, 16000)
    stage.equal(channels, 1)
    stage.equal(#samples, 64000)
    check_tone(stage, rate, samples, 1, 2.0)
    stage.check_ticks()
  end
end

scenes["a section that plays forwards goes by path, its cut added"] = function(stage)
  local _, _, item = set(stage)
  item.take.source = { kind = "PCM_source", type = "SECTION", parent = item.take.source, section = 1.5, length = 20.0 }
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(stage.was_asked("/diffroll/audio/file")[1][4], 3.5)
end

scenes["a take at double speed is sent as it sounds, whichever axis the accessor has"] = function(stage)
  local function change(item) item.take.values.D_PLAYRATE = 2.0 end
  local rate, _, samples = sent_samples(stage, change)
  stage.equal(#samples, rate * 4)
  check_tone(stage, rate, samples, 2, 2.0)
  stage.equal(stage.rig.ext["diffroll-live/accessor"], "item")
end

scenes["an accessor that runs in the source's time is met"] = function(stage)
  stage.rig.accessors_run_in_source = true
  local rate, _, samples = sent_samples(stage, function(item) item.take.values.D_PLAYRATE = 2.0 end)
  stage.equal(#samples, rate * 4)
  check_tone(stage, rate, samples, 2, 2.0)
  stage.equal(stage.rig.ext["diffroll-live/accessor"], "source")
end

scenes["two channels stay two, and what lies beyond the item is silence"] = function(stage)
  local _, channels, samples = sent_samples(stage, function(item)
    item.take.markers = 1
    item.take.source.channels = 2
    item.take.source.sound = function(_, channel) return channel == 1 and 0.25 or -0.5 end
  end)
  stage.equal(channels, 2)
  stage.equal(samples[1], 0.25)
  stage.equal(samples[2], -0.5)
  for _, sample in ipairs(samples) do assert(sample == 0.25 or sample == -0.5, "garbage: " .. sample) end
end

scenes["a file that the daemon may not read goes by samples instead"] = function(stage)
  local project = set(stage)
  local tries = 0
  stage.serve(TWO, { ["/diffroll/audio/file"] = function(m)
    tries = tries + 1
    if tries == 1 then stage.answer(m.client, "/diffroll/error", m[2], "file-refused", "Outside.") end
    if tries == 2 then assert(m[3]:find("/spool/audio/"), m[3]) end
  end })
  stage.press("Transcribe selection")
  stage.play_out(2000)
  stage.equal(tries, 2)
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(#project.tracks, 2)
end

return scenes
