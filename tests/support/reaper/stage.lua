-- What scenes play on: a REAPER with one project, keys to press, time that passes, a stand-in for the daemon in the
-- spool folder, and the means to look at what came of it.

local fake = require("fake_project")
local rig = require("fake_reaper")

local stage = { rig = rig, fake = fake, asked = {}, goodbyes = 0, ticks = {} }

stage.step = 1 / 30 -- s between two ticks of a deferred script, about REAPER's

local OURS = { "answers", "around", "carve", "continuing", "dialog", "filling", "findings", "line", "mailbox", "notes",
  "placing", "recording", "run", "selection", "session", "settings", "tempo", "transcribing", "wav" }

stage.bridge, stage.folder = nil, nil -- set by play.lua

function stage.path(name)
  return stage.folder .. "/" .. name
end

-- Say what ticks cost, in ms of the processor.
function stage.tick_times()
  table.sort(stage.ticks)
  local function at(share) return 1000 * stage.ticks[math.max(1, math.floor(share * #stage.ticks + 0.5))] end
  local form = "%d ticks: median %.2f ms, 95 %% %.2f ms, longest %.2f ms"
  return form:format(#stage.ticks, at(0.5), at(0.95), at(1))
end

-- Check that half of the ticks, at least, cost less than a millisecond: a loaded machine has slow ones, too.
function stage.check_ticks()
  table.sort(stage.ticks)
  local median = stage.ticks[(#stage.ticks + 1) // 2]
  assert(median < 0.001, string.format("a tick costs %.3f ms", 1000 * median))
end

-- Press a key: run an action as REAPER does, in a state of its own.
function stage.press(action)
  for _, name in ipairs(OURS) do package.loaded[name] = nil end
  rig.script = stage.bridge .. "/diffroll-live_" .. action .. ".lua"
  reaper.SetExtState("diffroll-live", "spool", stage.path("spool"), true)
  dofile(rig.script)
end

-- Let a tick pass for all deferred functions.
function stage.tick()
  rig.clock = rig.clock + stage.step
  local due = rig.deferred
  rig.deferred = {}
  for _, f in ipairs(due) do
    local begin = os.clock()
    f()
    table.insert(stage.ticks, os.clock() - begin)
  end
  return #rig.deferred > 0
end

-- Tick, and let the daemon answer, until no script is deferred any more.
function stage.play_out(limit)
  for _ = 1, limit or 900 do
    if stage.daemon then stage.daemon() end
    if not stage.tick() then return end
  end
  error("the script goes on and on")
end

-- REAPER ends, or the user terminates the script.
function stage.close_scripts()
  rig.deferred = {}
  for _, f in ipairs(rig.exits) do f() end
  rig.exits = {}
end

function stage.list(folder)
  local names = {}
  local pipe = io.popen('ls "' .. folder .. '"')
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end
function stage.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read("a")
  file:close()
  return content
end

function stage.write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

-- What scripts put into the spool, in order: a listing of the folder that costs no process.
local arrived = {}
local rename = os.rename
os.rename = function(from, to)
  if to:find("/spool/in/", 1, true) then table.insert(arrived, to) end
  return rename(from, to)
end

-- The messages that scripts have sent and nobody has read, in order; reading takes them away.
function stage.take_messages()
  local line, messages = require("line"), {}
  for _, path in ipairs(arrived) do
    local client = path:match("/(%x+)%.%d+%.jsonl$")
    local content = stage.read(path)
    if content == "" then stage.goodbyes = stage.goodbyes + 1 end
    for text in (content or ""):gmatch("[^\n]+") do
      local message = assert(line.read(text), "not a line: " .. text)
      message.client = client
      messages[#messages + 1] = message
      stage.asked[#stage.asked + 1] = message
    end
    os.remove(path)
  end
  arrived = {}
  return messages
end

local written = {}
-- Answer a client with raw lines, as one file.
function stage.answer_lines(client, lines)
  written[client] = (written[client] or 0) + 1
  local path = stage.path(string.format("spool/out/%s.%06d", client, written[client]))
  stage.write(path .. ".part", table.concat(lines, "\n") .. "\n")
  os.rename(path .. ".part", path .. ".jsonl")
end

function stage.answer(client, ...)
  stage.answer_lines(client, { require("line").write(...) })
end

-- A stand-in for the daemon. `notes` is a list of { pitch, t, duration, velocity }, or a function of all messages.
function stage.serve(notes, changes)
  local jobs = {}
  local answers = {
    ["/diffroll/job/new"] = function(m) jobs[m.client] = m[2] end,
    ["/diffroll/status"] = function(m)
      stage.answer(m.client, "/diffroll/status", "busy", 0, "", 0.5)
      local job = jobs[m.client]
      if job then stage.answer(m.client, "/diffroll/status/job", job, "transcribe", "running", 0.5) end
    end,
    ["/diffroll/hello"] = function(m)
      stage.answer(m.client, "/diffroll/welcome", 1, "0.1.0", "fake", "cpu", 16000, 600.0)
    end,
    ["/diffroll/ping"] = function(m) stage.answer(m.client, "/diffroll/pong", m[2]) end,
    ["/diffroll/audio/file"] = function(m) stage.answer(m.client, "/diffroll/audio/ready", m[2], m[5] + 0.0, 16000) end,
    ["/diffroll/job/run"] = function(m)
      local line, lines = require("line"), {}
      local list_of = type(notes) == "function" and notes(stage.asked) or notes
      lines[1] = line.write("/diffroll/job/accepted", m[2], 0)
      lines[2] = line.write("/diffroll/job/progress", m[2], 1, 4)
      for i, n in ipairs(list_of) do
        lines[#lines + 1] = line.write("/diffroll/note", m[2], i - 1, n[1], n[2] + 0.0, n[3] + 0.0, n[4], 0)
      end
      lines[#lines + 1] = line.write("/diffroll/job/done", m[2], #list_of, 0, 80.0)
      for first = 1, #lines, 128 do
        stage.answer_lines(m.client, { table.unpack(lines, first, math.min(first + 127, #lines)) })
      end
    end,
  }
  for address, answer in pairs(changes or {}) do answers[address] = answer end
  stage.daemon = function()
    for _, message in ipairs(stage.take_messages()) do
      if answers[message[1]] then answers[message[1]](message) end
    end
  end
end

function stage.was_asked(address)
  local found = {}
  for _, message in ipairs(stage.asked) do
    if message[1] == address then found[#found + 1] = message end
  end
  return found
end

-- The notes of an item as { onset, offset, pitch, velocity } in project seconds.
function stage.notes(item)
  local list_of = {}
  for i, n in ipairs(item.take.notes) do
    list_of[i] = { fake.seconds(item.take, n.start), fake.seconds(item.take, n.stop), n.pitch, n.velocity }
  end
  return list_of
end

function stage.equal(got, wanted, what)
  if got ~= wanted then error(string.format("%s: %s, not %s", what or "value", tostring(got), tostring(wanted)), 2) end
end

function stage.close(got, wanted, tolerance, what)
  if math.abs(got - wanted) <= tolerance then return end
  error(string.format("%s: %.9f, not %.9f", what or "value", got, wanted), 2)
end

function stage.one_box(pattern)
  stage.equal(#rig.boxes, 1, "message boxes (" .. table.concat(rig.boxes, " | ") .. ")")
  assert(rig.boxes[1]:find(pattern), "the box says: " .. rig.boxes[1])
end

-- What must be true after every scene.
function stage.check_tidy()
  stage.equal(rig.refresh, 0, "PreventUIRefresh")
  stage.equal(rig.accessors, 0, "accessors left open")
  for _, project in ipairs(rig.projects) do stage.equal(project.open_blocks, 0, "undo blocks left open") end
  for _, box in ipairs({ "in", "out", "audio" }) do
    for _, name in ipairs(stage.list(stage.path("spool/" .. box))) do
      assert(not name:find("%.part$"), "a draft is left: " .. name)
    end
  end
  stage.equal(#stage.list(stage.path("spool/audio")), 0, "recordings left in the spool")
end

return stage
