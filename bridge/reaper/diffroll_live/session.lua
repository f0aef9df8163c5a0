-- @noindex
-- One job of the daemon, from hello to its last note. Goes on by tick(), never waits, and ends exactly once, with
-- `done(notes)` or `failed(text)`. Believes only what comes under its own job's name.

local answers = require("answers")
local line = require("line")
local mailbox = require("mailbox")

local session = {}
session.__index = session

local BUFFER = answers.BUFFER
local BUDGET = 0.0005 -- s of one tick
local HELLO = 5.0 -- s until no answer means no daemon
local PING = 2.0 -- s between questions whether it is still there, and still has the job
local SILENCE = 10.0 -- s without a word until it is not
local PAUSE = 1.0 -- s between two ticks beyond which REAPER has slept, or shown a dialog: no fault of the daemon's
local RESTARTS = 2 -- times that a job is asked for again

session.NO_DAEMON = "No diffroll-live daemon answers. Start it in a terminal, wait for \"Ready\", then try again:\n\n"
  .. "    diffroll-live serve"

-- Begin a job. `request` has task, regions, notes, tempi, options, `plays` when its notes sound on the daemon's MIDI
-- port, and a recording unless it is generate; `on` has the functions progress(share), done(notes, pedal), failed(text).
function session.start(folder, request, on)
  local self = setmetatable({ folder = folder, request = request, on = on, restarts = 0 }, session)
  self:_connect()
  return self
end

function session:_connect()
  self.state, self.notes, self.asked_again, self.known = "hello", {}, false, false
  self.count = 0 -- of different notes
  self.pedal = {} -- from when it is down, to when
  self.mailbox = mailbox.open(self.folder)
  self.job = self.mailbox and "reaper-" .. self.mailbox.id -- random: nobody else's answer fits
  local now = reaper.time_precise()
  self.heard, self.pinged, self.ticked = now, now, now
  if not self.mailbox or not self.mailbox:send({ line.write("/diffroll/hello", "REAPER") }) then
    self:finish("failed", session.NO_DAEMON)
  end
end

-- End, once: `how` is "done" with the notes, or "failed" with a sentence.
function session:finish(how, what)
  if self.state == "over" then return end
  local greeted = self.state ~= "hello"
  self.state = "over"
  if self.request.recording then self.request.recording:discard() end
  if self.mailbox then self.mailbox:withdraw() end
  if greeted and how == "done" and self.request.plays then -- a goodbye would end the notes that sound
    self.mailbox:send({ line.write("/diffroll/audio/free", BUFFER) })
  elseif greeted then
    self.mailbox:send({})
  end
  self.on[how](what, self.pedal)
end

-- The lines of the whole job.
function session:_job_lines()
  local request, lines = self.request, {}
  local function say(...) lines[#lines + 1] = line.write(...) end
  local sound = request.recording
  if sound then say("/diffroll/audio/file", BUFFER, sound.path, sound.start, sound.t1 - sound.t0, sound.t0) end
  say("/diffroll/job/new", self.job, request.task, sound and BUFFER or "")
  for _, region in ipairs(request.regions) do
    say("/diffroll/job/region", self.job, region.t0, region.t1, region.low, region.high, region.hear)
  end
  for _, note in ipairs(request.notes) do
    say("/diffroll/job/note", self.job, note.pitch, note.onset, note.offset - note.onset, note.velocity)
  end
  for _, row in ipairs(request.tempi) do
    say("/diffroll/job/tempo", self.job, row.t, row.bpm, row.numerator, row.denominator, row.beat)
  end
  for _, option in ipairs(request.options) do
    say("/diffroll/job/set", self.job, option.key, option.value)
  end
  say("/diffroll/job/run", self.job)
  return lines
end

function session:_prepare(deadline)
  local sound = self.request.recording
  local ready, problem = true, nil
  if sound then ready, problem = sound:prepare(self.mailbox:recording_path(), self.sample_rate, deadline) end
  if ready == nil then
    self:finish("failed", problem)
  elseif ready then
    self.state = "waiting"
    if not self.mailbox:send(self:_job_lines()) then self:finish("failed", session.NO_DAEMON) end
  end
end

-- Once more from the start: the daemon has gone, or was restarted and knows nothing of us.
function session:restart()
  self.mailbox:withdraw()
  self.mailbox:send({})
  if self.request.recording then self.request.recording:discard() end
  if self.restarts >= RESTARTS then
    self:finish("failed", session.NO_DAEMON)
    return
  end
  self.restarts = self.restarts + 1
  if self.request.recording and self.request.recording.by_samples then self.request.recording.path = nil end
  self:_connect()
end

function session:_read(deadline)
  local box = self.mailbox
  local text = box:next_line()
  while text do
    self.heard = reaper.time_precise()
    local message = line.read(text)
    local hear = message and answers.TO[message[1]]
    if hear then hear(self, table.unpack(message, 2)) end
    if self.state == "over" or self.mailbox ~= box or reaper.time_precise() >= deadline then return end
    text = box:next_line()
  end
end

function session:_watch(now)
  local patience = self.state == "hello" and HELLO or SILENCE
  if self.state == "preparing" then
    self.heard = now -- nothing is asked meanwhile, so nothing need be answered
  elseif now - self.heard > patience then
    if self.state == "hello" then
      self:finish("failed", session.NO_DAEMON)
    else
      self:restart()
    end
  elseif self.state == "waiting" and now - self.pinged > PING then
    self.pinged = now
    self.mailbox:send({ line.write("/diffroll/status"), line.write("/diffroll/ping", 1) })
  end
end

-- Do what there is to do now, for half a millisecond at most.
function session:tick()
  if self.state == "over" then return end
  local now, box = reaper.time_precise(), self.mailbox
  if now - self.ticked > PAUSE then self.heard = self.heard + now - self.ticked end
  self.ticked = now
  self:_read(now + BUDGET)
  if self.mailbox == box and self.state == "preparing" then self:_prepare(now + BUDGET) end
  if self.state ~= "over" then self:_watch(now) end
end

-- Take the job back: the user has asked for that, or REAPER ends.
function session:cancel()
  self:finish("failed", "The job was cancelled.")
end

return session
