-- @noindex
-- What the daemon's messages mean to a session. Whatever is not of this session's own job, or is not what the protocol
-- says, is passed over.

local line = require("line")

local answers = { TO = {} }

answers.BUFFER = "take" -- the name of a session's only buffer

local PROTOCOL = 1
local MAX_NOTES = 50000
local UNREADABLE = { ["file-refused"] = true, ["file-not-found"] = true, ["bad-audio"] = true }

local function is_note(index, pitch, t, duration, velocity)
  return math.type(index) == "integer" and math.type(pitch) == "integer" and math.type(velocity) == "integer"
    and type(t) == "number" and type(duration) == "number" and index >= 0 and index < MAX_NOTES
    and pitch >= 0 and pitch <= 127 and velocity >= 1 and velocity <= 127
    and t == t and math.abs(t) < 1e6 and duration > 0 and duration < 1e6
end

answers.TO["/diffroll/welcome"] = function(self, protocol, _, _, _, sample_rate)
  if self.state ~= "hello" then return end
  if protocol ~= PROTOCOL or math.type(sample_rate) ~= "integer" or sample_rate < 1 then
    self:finish("failed", "The daemon speaks another protocol; install scripts and daemon of one version.")
    return
  end
  self.sample_rate, self.state = sample_rate, "preparing"
end

answers.TO["/diffroll/status/job"] = function(self, job)
  self.known = self.known or job == self.job
end

-- The end of an answer that names all our jobs: a daemon that leaves out this one was started after it was asked.
answers.TO["/diffroll/pong"] = function(self)
  if self.state == "waiting" and not self.known then self:restart() end
  self.known = false
end

answers.TO["/diffroll/job/progress"] = function(self, job, step, steps)
  if job == self.job and math.type(step) == "integer" and math.type(steps) == "integer" then
    self.on.progress(step / math.max(1, steps))
  end
end

answers.TO["/diffroll/note"] = function(self, job, index, pitch, t, duration, velocity, variation)
  if job == self.job and variation == 0 and is_note(index, pitch, t, duration, velocity) then
    if not self.notes[index] then self.count = self.count + 1 end
    self.notes[index] = { pitch = pitch, onset = t, offset = t + duration, velocity = velocity }
  end
end

-- The spans of the pedal come after all notes, and once more with them.
answers.TO["/diffroll/pedal"] = function(self, job, t, duration)
  if job == self.job and type(t) == "number" and type(duration) == "number" and duration > 0 then
    self.pedal[t] = t + duration
  end
end

answers.TO["/diffroll/job/done"] = function(self, job, wanted)
  if job ~= self.job or self.state ~= "waiting" then return end
  if self.count == wanted then
    self:finish("done", self.notes)
  elseif self.asked_again then
    self:finish("failed", "Some notes of the answer are missing; try again.")
  else
    self.asked_again = true
    self.mailbox:send({ line.write("/diffroll/job/notes", self.job) })
  end
end

answers.TO["/diffroll/job/cancelled"] = function(self, job)
  if job == self.job then self:finish("failed", "The job was cancelled.") end
end

answers.TO["/diffroll/error"] = function(self, about, code, text)
  if self.state == "over" then return end
  local sound = self.request.recording
  if about == answers.BUFFER and UNREADABLE[code] and sound and sound.give_up_path and sound:give_up_path() then
    self:restart()
  else
    self:finish("failed", "The daemon says: " .. tostring(text))
  end
end

return answers
