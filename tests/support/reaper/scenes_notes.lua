-- Notes into the project: transcriptions, continuations and generations land where they belong.

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

scenes["the pedal comes with the notes, as far as it lies in the item"] = function(stage)
  local project = set(stage)
  stage.serve(TWO, {
    ["/diffroll/job/run"] = function(m)
      local line = require("line")
      stage.answer_lines(m.client, {
        line.write("/diffroll/job/accepted", m[2], 0),
        line.write("/diffroll/note", m[2], 0, 60, 0.5, 0.25, 90, 0),
        line.write("/diffroll/pedal", m[2], 0.5, 1.0),
        line.write("/diffroll/pedal", m[2], 3.5, 2.0),
        line.write("/diffroll/job/done", m[2], 1, 0, 80.0),
      })
    end,
  })
  stage.press("Transcribe selection")
  stage.play_out()
  local take = project.tracks[2].items[1].take
  local seen = {}
  for i, c in ipairs(take.controls) do
    seen[i] = string.format("%d %d %.2f", c.number, c.value, reaper.MIDI_GetProjTimeFromPPQPos(take, c.at))
  end
  stage.equal(table.concat(seen, ", "), "64 127 10.50, 64 0 11.50, 64 127 13.50, 64 0 14.00", "pedal")
end

scenes["a transcription lands on a new track beside the source, in one undo step"] = function(stage)
  local project, track, item = set(stage)
  stage.fake.track(project, "Other")
  local before = stage.fake.picture(project)
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.rig.boxes, 0, "message boxes")
  stage.equal(#project.tracks, 3, "tracks")
  stage.equal(project.tracks[2].name, "Piano notes")
  local made = project.tracks[2].items[1]
  stage.equal(made.values.D_POSITION, 10.0)
  stage.equal(made.values.D_LENGTH, 4.0)
  stage.equal(made.ext["P_EXT:diffroll_live_source"], item.guid)
  local notes = stage.notes(made)
  stage.equal(#notes, 2)
  stage.close(notes[1][1], 10.5, 0.001, "onset")
  stage.close(notes[1][2], 10.75, 0.001, "offset")
  stage.equal(notes[1][3], 60)
  stage.equal(notes[1][4], 90)
  stage.close(notes[2][2], 14.0, 0.001, "a note ends with its item")
  stage.equal(#project.undo, 1, "undo steps")
  stage.daemon()
  stage.equal(stage.goodbyes, 1)
  reaper.Undo_DoUndo2(project)
  stage.equal(stage.fake.picture(project), before, "after undo")
end

scenes["notes lie at the right project times under tempo changes"] = function(stage)
  local project = set(stage, { { 0, 120 }, { 10.3, 60 }, { 11.7, 187 }, { 13, 33 } })
  local list = {}
  for i = 0, 30 do list[i + 1] = { 40 + i, i * 0.125, 0.1, 64 } end
  stage.serve(list)
  stage.press("Transcribe selection")
  stage.play_out()
  local notes = stage.notes(project.tracks[2].items[1])
  stage.equal(#notes, 31)
  for i, note in ipairs(notes) do
    stage.close(note[1], 10.0 + (i - 1) * 0.125, 0.002, "onset " .. i) -- half a tick at 33 beats a minute is 0.95 ms
    stage.close(note[2], 10.1 + (i - 1) * 0.125, 0.002, "offset " .. i)
  end
end

scenes["razor edits are the regions of a transcription"] = function(stage)
  local project, track, item = set(stage)
  item.selected = false
  track.razor = '10.5 11.0 "",9.0 9.5 "{env-guid}",12.0 20.0 "" 0.0 0.5'
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  local regions = stage.was_asked("/diffroll/job/region")
  stage.equal(#regions, 2)
  stage.equal(regions[1][3], 0.0)
  stage.equal(regions[1][4], 0.5)
  stage.equal(regions[2][3], 1.5)
  stage.equal(regions[2][4], 3.5, "cut to the item")
  stage.equal(regions[2][7], 1, "heard")
  stage.equal(project.tracks[2].items[1].values.D_POSITION, 10.5)
end

scenes["razor edits of a REAPER without lanes are read, too"] = function(stage)
  local _, track = set(stage)
  stage.rig.absent.P_RAZOREDITS_EXT = true
  track.razor_plain = '10.5 11.0 "" 11.5 12.0 "{env}" 12.5 13.0 ""'
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.was_asked("/diffroll/job/region"), 2)
end

scenes["several items are transcribed in turn, in one undo step"] = function(stage)
  local project, track, item = set(stage)
  local second = stage.fake.audio_item(track, 20.0, 2.0, item.take.source)
  second.selected = true
  stage.serve({ { 60, 0.5, 0.25, 90 } })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#project.tracks, 2, "one new track for one source track")
  stage.equal(#project.tracks[2].items, 2)
  stage.close(stage.notes(project.tracks[2].items[2])[1][1], 20.5, 0.001)
  stage.equal(#project.undo, 1)
end

scenes["of several selected items those under the time selection are meant"] = function(stage)
  local project, track, item = set(stage)
  stage.fake.audio_item(track, 20.0, 2.0, item.take.source).selected = true
  project.loop = { 20.5, 21.0 }
  stage.serve({ { 60, 0.25, 0.1, 90 } })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#project.tracks[2].items, 1)
  stage.equal(project.tracks[2].items[1].values.D_POSITION, 20.5)
end

scenes["items under the time selection on selected tracks are meant when none is selected"] = function(stage)
  local project, track, item = set(stage)
  item.selected, track.selected, project.loop = false, true, { 11.0, 30.0 }
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(stage.was_asked("/diffroll/audio/file")[1][6], 11.0)
end

scenes["a continuation begins where the item ends"] = function(stage)
  local project = set(stage)
  stage.serve({ { 60, 4.0, 0.5, 90 }, { 62, 7.5, 0.25, 90 } })
  stage.press("Continue")
  stage.play_out()
  local made = project.tracks[2].items[1]
  stage.equal(made.values.D_POSITION, 14.0)
  stage.equal(made.values.D_LENGTH, 8.0)
  stage.close(stage.notes(made)[1][1], 14.0, 0.001)
  stage.close(stage.notes(made)[2][1], 17.5, 0.001)
end

scenes["a continuation fills a later time selection"] = function(stage)
  local project = set(stage)
  project.loop = { 15.0, 17.0 }
  stage.serve({ { 60, 5.5, 0.5, 90 } })
  stage.press("Continue")
  stage.play_out()
  local region = stage.was_asked("/diffroll/job/region")[1]
  stage.equal(region[3], 5.0)
  stage.equal(region[4], 7.0)
  for _, option in ipairs(stage.was_asked("/diffroll/job/set")) do
    if option[3] == "seconds" then stage.equal(option[4], 3.0) end
  end
  stage.close(stage.notes(project.tracks[2].items[1])[1][1], 15.5, 0.001)
end

scenes["a generation needs no item, and begins at the edit cursor"] = function(stage)
  local project = stage.rig.add_project()
  project.cursor = 3.25
  stage.serve({ { 60, 0.5, 0.5, 90 } })
  stage.press("Generate")
  stage.play_out()
  stage.equal(#stage.was_asked("/diffroll/audio/file"), 0)
  stage.equal(stage.was_asked("/diffroll/job/new")[1][4], "")
  stage.equal(project.tracks[1].items[1].values.D_POSITION, 3.25)
  stage.close(stage.notes(project.tracks[1].items[1])[1][1], 3.75, 0.001)
end

scenes["5,000 notes come in, and no tick takes long"] = function(stage)
  local project, _, item = set(stage)
  item.values.D_LENGTH = 500.0
  item.take.source.length = 600.0
  local list = {}
  for i = 0, 4999 do list[i + 1] = { 21 + i % 88, i * 0.1 + 0.003, 0.05, 1 + i % 127 } end
  stage.serve(list)
  stage.press("Transcribe selection")
  stage.play_out(3000)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 5000)
  stage.equal(#project.undo, 1)
  stage.check_ticks()
end

scenes["settings reach the job"] = function(stage)
  local project = set(stage)
  stage.rig.inputs[1] = "best,4,17,0.5,2,0.1,0,both,transport," .. stage.path("spool")
  stage.press("Settings")
  stage.play_out()
  stage.serve(TWO)
  stage.press("Transcribe selection")
  stage.play_out()
  local got = {}
  for _, option in ipairs(stage.was_asked("/diffroll/job/set")) do got[option[3]] = option[4] end
  stage.equal(got.quality, "best")
  stage.equal(got.seed, 17)
  stage.equal(got.temperature, 0.5)
  stage.equal(got.deliver, "both")
  stage.equal(got.when, "transport")
  stage.equal(stage.goodbyes, 0, "goodbyes, which would end the notes that sound")
  stage.equal(got.hear, nil)
  stage.equal(#project.tracks, 2)
end

return scenes
