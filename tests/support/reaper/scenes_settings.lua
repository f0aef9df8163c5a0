-- The dialog, what it stores, and what it reports.

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

scenes["settings that make no sense are asked for again, and nothing of them is stored"] = function(stage)
  set(stage)
  local spool = stage.path("spool")
  local rest = ",8,0,1,1,0.03,0,osc,now," .. spool
  stage.rig.inputs = { "superb" .. rest, "draft" .. rest .. ",with,commas" }
  stage.press("Settings")
  stage.play_out()
  stage.one_box("Quality")
  stage.equal(stage.rig.ext["diffroll-live/quality"], "draft")
  stage.equal(stage.rig.ext["diffroll-live/spool"], spool .. ",with,commas")
end

scenes["settings report what was found"] = function(stage)
  set(stage)
  stage.rig.inputs = { "draft,8,0,1,1,0.03,0,osc,now," .. stage.path("spool") }
  stage.serve({})
  stage.press("Settings")
  stage.play_out()
  local report = table.concat(stage.rig.console)
  for _, part in ipairs({ "model fake", "30 ticks a second", "with lanes", "not met yet", "7.0/fake" }) do
    assert(report:find(part, 1, true), report)
  end
end

scenes["a stored setting that makes no sense is the default again"] = function(stage)
  set(stage)
  stage.rig.ext["diffroll-live/density"] = "lots"
  stage.serve(ONE)
  stage.press("Transcribe selection")
  stage.play_out()
  for _, option in ipairs(stage.was_asked("/diffroll/job/set")) do
    if option[3] == "density" then stage.equal(option[4], 1) end
  end
end

return scenes
