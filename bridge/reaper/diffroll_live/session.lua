-- One job of the daemon, from hello to its last note. Goes on by tick(), never waits, and ends exactly once, with
-- `done(notes)` or `failed(text)`. Believes only what comes under its own job's name.

local line = require("line")
local mailbox = require("mailbox")

local session = {}
session.__index = session

local PROTOCOL = 1
local BUFFER = "take"
local BUDGET = 0.0005 -- s of one tick
local HELLO = 5.0 -- s until no answer means no daemon
local PING = 2.0 -- s between questions whether it is still there, and still has the job
local SILENCE = 10.0 -- s without a word until it is not
local RESTARTS = 2 -- times that a job is asked for again
local MAX_NOTES = 50000
local UNREADABLE = { ["file-refused"] = true, ["file-not-found"] = true, ["bad-audio"] = true }

session.NO_DAEMON = "No diffroll-live daemon answers. Start it in a terminal, wait for \"Ready\", then try again:\n\n"
  .. "    diffroll-live serve"

-- Begin a job. `request` has task, regions, notes, options, `plays` when its notes sound on the daemon's MIDI port, and a
-- recording unless it is generate; `on` has the functions progress(share), done(notes) and failed(text).
function session.start(folder, request, on)
  local self = setmetatable({ folder = folder, request = request, on = on, restarts = 0 }, session)
  self:_connect()
  return self
end

function session:_connect()
  self.state, self.notes, self.asked_again, self.known = "hello", {}, false, false
  self.count = 0 -- of different notes
  self.mailbox = mailbox.open(self.folder)
  self.job = self.mailbox and "reaper-" .. self.mailbox.id -- random: nobody else's answer fits
  self.heard, self.pinged = reaper.time_precise(), reaper.time_precise()
  if not self.mailbox or not self.mailbox:send({ line.write("/diffroll/hello", "REAPER") }) then
    self:_end("failed", session.NO_DAEMON)
  end
end

function session:_end(how, what)
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
  self.on[how](what)
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
    self:_end("failed", problem)
  elseif ready then
    self.state = "waiting"
    if not self.mailbox:send(self:_job_lines()) then self:_end("failed", session.NO_DAEMON) end
  end
end

-- Once more from the start: the daemon has gone, or was restarted and knows nothing of us.
function session:_restart()
  self.mailbox:withdraw()
  self.mailbox:send({})
  if self.request.recording then self.request.recording:discard() end
  if self.restarts >= RESTARTS then
    self:_end("failed", session.NO_DAEMON)
    return
  end
  self.restarts = self.restarts + 1
  if self.request.recording and self.request.recording.by_samples then self.request.recording.path = nil end
  self:_connect()
end

local function is_note(index, pitch, t, duration, velocity)
  return math.type(index) == "integer" and math.type(pitch) == "integer" and math.type(velocity) == "integer"
    and type(t) == "number" and type(duration) == "number" and index >= 0 and index < MAX_NOTES
    and pitch >= 0 and pitch <= 127 and velocity >= 1 and velocity <= 127
    and t == t and math.abs(t) < 1e6 and duration > 0 and duration < 1e6
end

local HEAR = {}

HEAR["/diffroll/welcome"] = function(self, protocol, _, _, _, sample_rate)
  if self.state ~= "hello" then return end
  if protocol ~= PROTOCOL or math.type(sample_rate) ~= "integer" or sample_rate < 1 then
    self:_end("failed", "The daemon speaks another version of the protocol; install scripts and daemon of one version.")
    return
  end
  self.sample_rate, self.state = sample_rate, "preparing"
end

HEAR["/diffroll/status/job"] = function(self, job)
  self.known = self.known or job == self.job
end

-- The end of an answer that names all our jobs: a daemon that leaves out this one was started after it was asked.
HEAR["/diffroll/pong"] = function(self)
  if self.state == "waiting" and not self.known then self:_restart() end
  self.known = false
end

HEAR["/diffroll/job/progress"] = function(self, job, step, steps)
  if job == self.job and type(step) == "number" and type(steps) == "number" then
    self.on.progress(step / math.max(1, steps))
  end
end

HEAR["/diffroll/note"] = function(self, job, index, pitch, t, duration, velocity, variation)
  if job == self.job and variation == 0 and is_note(index, pitch, t, duration, velocity) then
    if not self.notes[index] then self.count = self.count + 1 end
    self.notes[index] = { pitch = pitch, onset = t, offset = t + duration, velocity = velocity }
  end
end

HEAR["/diffroll/job/done"] = function(self, job, wanted)
  if job ~= self.job or self.state ~= "waiting" then return end
  if self.count == wanted then
    self:_end("done", self.notes)
  elseif self.asked_again then
    self:_end("failed", "Some notes of the answer are missing; try again.")
  else
    self.asked_again = true
    self.mailbox:send({ line.write("/diffroll/job/notes", self.job) })
  end
end

HEAR["/diffroll/job/cancelled"] = function(self, job)
  if job == self.job then self:_end("failed", "The job was cancelled.") end
end

HEAR["/diffroll/error"] = function(self, about, code, text)
  if self.state == "over" then return end
  local sound = self.request.recording
  if about == BUFFER and UNREADABLE[code] and sound and sound.give_up_path and sound:give_up_path() then
    self:_restart()
  else
    self:_end("failed", "The daemon says: " .. tostring(text))
  end
end

function session:_read(deadline)
  local box = self.mailbox
  local text = box:next_line()
  while text do
    self.heard = reaper.time_precise()
    local message = line.read(text)
    local hear = message and HEAR[message[1]]
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
      self:_end("failed", session.NO_DAEMON)
    else
      self:_restart()
    end
  elseif self.state == "waiting" and now - self.pinged > PING then
    self.pinged = now
    self.mailbox:send({ line.write("/diffroll/status"), line.write("/diffroll/ping", 1) })
  end
end

-- Do what there is to do now, for half a millisecond at most.
function session:tick()
  if self.state == "over" then return end
  local now = reaper.time_precise()
  local mailbox_now = self.mailbox
  self:_read(now + BUDGET)
  if self.mailbox == mailbox_now and self.state == "preparing" then self:_prepare(now + BUDGET) end
  if self.state ~= "over" then self:_watch(now) end
end

-- Take the job back: the user has asked for that, or REAPER ends.
function session:cancel()
  self:_end("failed", "The job was cancelled.")
end

return session
