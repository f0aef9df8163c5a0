-- What goes wrong with the daemon, and what it says that it should not. Nothing is half done.

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

local function untouched(stage, project, before)
  stage.equal(stage.fake.picture(project), before)
  stage.equal(#project.undo, 0, "undo steps")
end

scenes["no daemon has ever run: said once, with how to start it"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  os.rename(stage.path("spool"), stage.path("gone"))
  stage.press("Transcribe selection")
  stage.one_box("diffroll%-live serve")
  stage.equal(stage.tick(), false, "nothing goes on")
  os.rename(stage.path("gone"), stage.path("spool"))
  untouched(stage, project, before)
end

scenes["no daemon runs now: said once, and the request is taken back"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.one_box("diffroll%-live serve")
  stage.equal(#stage.list(stage.path("spool/in")), 0, "requests that a later daemon would find")
  untouched(stage, project, before)
end

scenes["a daemon that is restarted mid-job is asked again"] = function(stage)
  local project = set(stage)
  -- the first daemon takes the job and dies: nothing is answered until another one runs
  stage.serve(ONE, { ["/diffroll/job/run"] = function()
    stage.daemon = function()
      stage.take_messages()
      if stage.rig.clock > 8 then stage.serve(ONE) end
    end
  end })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(#stage.was_asked("/diffroll/hello"), 2)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
  stage.equal(#project.undo, 1)
end

scenes["a daemon that has forgotten the job is asked again at once"] = function(stage)
  local project = set(stage)
  stage.serve(ONE, { ["/diffroll/job/run"] = function() stage.serve(ONE) end })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.was_asked("/diffroll/hello"), 2)
  assert(stage.rig.clock < 5, "it took " .. stage.rig.clock)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["a daemon that dies mid-job is missed, and told of once"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  stage.serve(ONE, { ["/diffroll/job/run"] = function() stage.daemon = function() stage.take_messages() end end })
  stage.press("Transcribe selection")
  stage.play_out(2000)
  stage.one_box("diffroll%-live serve")
  untouched(stage, project, before)
end

scenes["a slow daemon that answers pings is waited for"] = function(stage)
  local project = set(stage)
  local job
  stage.serve(ONE, { ["/diffroll/job/run"] = function(m) job = m end })
  stage.press("Transcribe selection")
  for _ = 1, 3000 do
    stage.daemon()
    assert(stage.tick(), "the script gave up")
  end
  stage.answer(job.client, "/diffroll/note", job[2], 0, 60, 0.5, 0.25, 90, 0)
  stage.answer(job.client, "/diffroll/job/done", job[2], 1, 0, 1.0)
  stage.play_out()
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["REAPER that has slept for a while does not blame the daemon"] = function(stage)
  local project = set(stage)
  local job
  stage.serve(ONE, { ["/diffroll/job/run"] = function(m) job = m end })
  stage.press("Transcribe selection")
  for _ = 1, 200 do
    stage.daemon()
    stage.tick()
  end
  stage.rig.clock = stage.rig.clock + 3600
  stage.tick()
  stage.daemon()
  stage.answer(job.client, "/diffroll/note", job[2], 0, 60, 0.5, 0.25, 90, 0)
  stage.answer(job.client, "/diffroll/job/done", job[2], 1, 0, 1.0)
  stage.play_out()
  stage.equal(#stage.was_asked("/diffroll/hello"), 1)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["REAPER closes mid-job: the job is cancelled, and nothing is said"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  stage.serve(ONE, { ["/diffroll/job/run"] = function() end })
  stage.press("Transcribe selection")
  for _ = 1, 10 do stage.daemon() stage.tick() end
  stage.close_scripts()
  stage.daemon()
  stage.equal(stage.goodbyes, 1)
  stage.equal(#stage.rig.boxes, 0)
  untouched(stage, project, before)
end

scenes["REAPER closes while samples are read: the accessor is given back"] = function(stage)
  local _, _, item = set(stage)
  item.take.markers = 1
  item.values.D_LENGTH = 25.0
  stage.serve(ONE)
  stage.press("Transcribe selection")
  for _ = 1, 5 do stage.daemon() stage.tick() end
  stage.equal(stage.rig.accessors, 1)
  stage.close_scripts()
end

scenes["Cancel takes the job back"] = function(stage)
  local project = set(stage)
  local before = stage.fake.picture(project)
  stage.serve(ONE, { ["/diffroll/job/run"] = function() end })
  stage.press("Transcribe selection")
  for _ = 1, 60 do stage.daemon() stage.tick() end
  stage.press("Cancel")
  stage.play_out()
  stage.daemon()
  stage.one_box("cancelled")
  stage.equal(stage.goodbyes, 1)
  untouched(stage, project, before)
end

scenes["Cancel between two items ends both"] = function(stage)
  local project, track, item = set(stage)
  stage.fake.audio_item(track, 20.0, 2.0, item.take.source).selected = true
  local before = stage.fake.picture(project)
  stage.serve(ONE)
  stage.press("Transcribe selection")
  local cancel
  local serve = stage.daemon
  stage.daemon = function()
    serve()
    if #stage.was_asked("/diffroll/job/run") == 1 and not cancel then
      stage.tick() -- the first job is done now
      cancel = true
      stage.press("Cancel")
    end
  end
  stage.play_out()
  stage.one_box("cancelled")
  stage.equal(#stage.was_asked("/diffroll/job/run"), 1)
  untouched(stage, project, before)
end

scenes["Cancel with nothing to cancel says so"] = function(stage)
  set(stage)
  stage.press("Cancel")
  stage.one_box("No job")
end

scenes["an earlier Cancel does not touch the next job"] = function(stage)
  local project = set(stage)
  stage.rig.ext["diffroll-live/cancel"] = "{an old one}"
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#project.tracks, 2)
end

scenes["results of jobs that were not asked for are passed over"] = function(stage)
  local project = set(stage)
  stage.serve({}, { ["/diffroll/job/run"] = function(m)
    stage.answer(m.client, "/diffroll/note", "another", 0, 61, 0.5, 0.25, 90, 0)
    stage.answer(m.client, "/diffroll/job/done", "another", 1, 0, 1.0)
    stage.answer(m.client, "/diffroll/note", m[2], 0, 60, 0.5, 0.25, 90, 0)
    stage.answer(m.client, "/diffroll/note", m[2], 1, 62, 0.5, 0.25, 90, 1) -- another variation
    stage.answer(m.client, "/diffroll/job/done", m[2], 1, 0, 1.0)
  end })
  stage.press("Transcribe selection")
  stage.play_out()
  local notes = stage.notes(project.tracks[2].items[1])
  stage.equal(#notes, 1)
  stage.equal(notes[1][3], 60)
end

scenes["lines that are no messages, and notes that are none, are passed over"] = function(stage)
  local project = set(stage)
  stage.serve({}, { ["/diffroll/job/run"] = function(m)
    local lines = { "", "os.exit(1)", '{"a": 1}', "[[1]]", '["/diffroll/note"]', "[" .. ("9"):rep(400) .. "]" }
    for _, rest in ipairs({ '0, 60.5, 0.5, 0.25, 90, 0', '0, 200, 0.5, 0.25, 90, 0', '0, 60, "os.exit()", 0.25, 90, 0',
      '0, 60, 1e999, 0.25, 90, 0', '0, 60, 0.5, 0.25, 0, 0', '1e9, 60, 0.5, 0.25, 90, 0',
      '-1, 60, 0.5, 0.25, 90, 0' }) do
      lines[#lines + 1] = '["/diffroll/note", "' .. m[2] .. '", ' .. rest .. "]"
    end
    lines[#lines + 1] = '["/diffroll/job/progress", "' .. m[2] .. '", "x", 4]'
    lines[#lines + 1] = '["/diffroll/job/progress", "' .. m[2] .. '", 1e999, 4]'
    stage.answer_lines(m.client, lines)
    stage.answer(m.client, "/diffroll/note", m[2], 0, 60, 0.5, 0.25, 90, 0)
    stage.answer(m.client, "/diffroll/job/done", m[2], 1, 0, 1.0)
  end })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(#stage.notes(project.tracks[2].items[1]), 1)
end

scenes["notes that are missing are asked for again, once"] = function(stage)
  local project = set(stage)
  local function done(m) stage.answer(m.client, "/diffroll/job/done", m[2], 2, 0, 1.0) end
  local function note(m, index) stage.answer(m.client, "/diffroll/note", m[2], index, 60 + index, 0.5, 0.25, 90, 0) end
  stage.serve({}, {
    ["/diffroll/job/run"] = function(m) note(m, 0) done(m) end,
    ["/diffroll/job/notes"] = function(m) note(m, 0) note(m, 1) done(m) end,
  })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.equal(#stage.notes(project.tracks[2].items[1]), 2)
end

-- The codes that PROTOCOL.md lists.
local function codes(stage)
  local file = assert(io.open(stage.bridge .. "/../PROTOCOL.md"))
  local section, found = file:read("a"):match("\n## Errors\n(.-)\n## "), {}
  file:close()
  for code in section:gmatch("\n| `([a-z-]+)` |") do found[#found + 1] = code end
  assert(#found > 20, "few codes")
  return found
end

scenes["every refusal of every step is told, and the job is over"] = function(stage)
  local project, _, item = set(stage)
  local before = stage.fake.picture(project)
  item.take.markers = 1 -- its samples are sent: there is no other way to try
  for _, address in ipairs({ "/diffroll/hello", "/diffroll/audio/file", "/diffroll/job/set", "/diffroll/job/run" }) do
    for _, code in ipairs(codes(stage)) do
      local function refuse(m) stage.answer(m.client, "/diffroll/error", m[2], code, "As planned.") end
      stage.serve(ONE, { [address] = refuse })
      stage.rig.boxes = {}
      stage.press("Transcribe selection")
      stage.play_out()
      stage.one_box("As planned")
    end
  end
  untouched(stage, project, before)
end

scenes["an error of the daemon is shown in its own words"] = function(stage)
  local project = set(stage)
  stage.serve({}, { ["/diffroll/job/run"] = function(m)
    stage.answer(m.client, "/diffroll/error", m[2], "out-of-memory", "The device has too little memory; use less.")
  end })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.one_box("too little memory")
  stage.equal(#project.tracks, 1)
end

scenes["a daemon of another protocol is told of"] = function(stage)
  set(stage)
  stage.serve({}, { ["/diffroll/hello"] = function(m)
    stage.answer(m.client, "/diffroll/welcome", 2, "9", "x", "y", 16000, 1.0)
  end })
  stage.press("Transcribe selection")
  stage.play_out()
  stage.one_box("another protocol")
end

scenes["the usual spool folder is under the user's home"] = function(stage)
  package.path = stage.bridge .. "/diffroll_live/?.lua;" .. package.path
  local mailbox = require("mailbox")
  stage.equal(mailbox.default_folder(), os.getenv("HOME") .. "/.diffroll-live/spool")
  stage.rig.system = "Win64"
  stage.rig.resources = "C:\\Users\\Zoë\\AppData\\Roaming\\REAPER"
  stage.equal(mailbox.default_folder(), "C:\\Users\\Zoë/.diffroll-live/spool")
end

return scenes
