-- @noindex
-- The sound of a stretch of an item, for the daemon: by path and offset where that is exactly what the item plays,
-- by samples that REAPER gives otherwise. Samples are read a little at a time, so that the user interface goes on.

local wav = require("wav")

local recording = {}
recording.__index = recording

-- Files that libsndfile decodes as REAPER does. The first samples of an MP3 are a matter of taste, so it is not here.
local SAME = { WAVE = true, AIFF = true, FLAC = true, VORBIS = true }
local BLOCK = 1024 -- frames read by one call
local CLOSE = 1e-6 -- s
local SILENT_RATE = 8000 -- Hz

-- Follow sections to the source that has a file: the source, its path, and the seconds that sections have cut off
-- before. Nil for what plays backwards.
local function rooted(source)
  local cut = 0.0
  while reaper.GetMediaSourceType(source) == "SECTION" do
    local is_section, offset, _, reversed = reaper.PCM_Source_GetSectionInfo(source)
    if not is_section or reversed then return nil end
    local parent = reaper.GetMediaSourceParent(source)
    if not parent then return nil end
    source, cut = parent, cut + offset
  end
  return source, reaper.GetMediaSourceFileName(source), cut
end

-- Give path and offset in s when the file at that place is what is heard at `t0`..`t1` of the item, else nil.
local function exact(item, take, t0, t1)
  local function of(name) return reaper.GetMediaItemTakeInfo_Value(take, name) end
  if of("D_PLAYRATE") ~= 1 or of("D_PITCH") ~= 0 or of("I_CHANMODE") ~= 0 then return nil end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then return nil end
  local source = reaper.GetMediaItemTake_Source(take)
  local start = of("D_STARTOFFS") + t0 - reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local length, in_beats = reaper.GetMediaSourceLength(source)
  if in_beats or start < -CLOSE or start + t1 - t0 > length + CLOSE then return nil end
  local root, path, cut = rooted(source)
  if not root or not SAME[reaper.GetMediaSourceType(root)] or not utf8.len(path) then return nil end
  return path, math.max(0.0, start) + cut
end

-- Describe the sound of an item from `t0` to `t1`, project seconds inside it. Nil and a sentence when there is none.
function recording.of_item(project, item, t0, t1)
  local take = reaper.GetActiveTake(item)
  local source = take and reaper.GetMediaItemTake_Source(take)
  if not source then return nil, "The item has no audio: its take has no source." end
  local root, file = rooted(source)
  if root and file ~= "" and not reaper.file_exists(file) then
    return nil, "The item's file is not where it was: " .. file .. ". Show REAPER where it is, then try again."
  end
  local path, start = exact(item, take, t0, t1)
  local self = { project = project, item = item, take = take, t0 = t0, t1 = t1, path = path, start = start }
  self.channels = math.max(1, reaper.GetMediaSourceNumChannels(source))
  self.by_samples = path == nil
  return setmetatable(self, recording)
end

-- Describe silence from `t0` to `t1`: where the notes around a gap say all there is to say.
function recording.silence(t0, t1)
  return setmetatable({ t0 = t0, t1 = t1, silent = true, by_samples = true }, recording)
end

-- Send samples after all, since the daemon cannot read the file. False when that is what was done already.
function recording:give_up_path()
  if self.by_samples then return false end
  self.by_samples, self.path = true, nil
  return true
end

function recording:_fail(text)
  self:close()
  return nil, text
end

-- Say how fast a take's accessor runs through its source. Not documented for a play rate other than 1, so the
-- accessor's own end is looked at: it is that of the item, or that of the source.
local function accessor_speed(accessor, length, rate)
  local span = reaper.GetAudioAccessorEndTime(accessor) - reaper.GetAudioAccessorStartTime(accessor)
  local in_source = math.abs(span - length * rate) < math.abs(span - length)
  return (rate ~= 1 and in_source) and rate or 1.0
end

function recording:_open(path, sample_rate)
  local length = reaper.GetMediaItemInfo_Value(self.item, "D_LENGTH")
  self.accessor = reaper.CreateTakeAudioAccessor(self.take)
  if not self.accessor then return false end
  self.speed = accessor_speed(self.accessor, length, reaper.GetMediaItemTakeInfo_Value(self.take, "D_PLAYRATE"))
  reaper.SetExtState("diffroll-live", "accessor", self.speed == 1 and "item" or "source", false)
  self.rate = math.max(1, math.floor(sample_rate / self.speed)) -- Hz, of what is asked for
  self.at = self.t0 - reaper.GetMediaItemInfo_Value(self.item, "D_POSITION") -- s from the item's start
  self.left = math.floor((self.t1 - self.t0) * self.speed * self.rate + 0.5) -- frames
  self.buffer = reaper.new_array(BLOCK * self.channels)
  self.file = wav.create(path, math.floor(self.rate * self.speed + 0.5), self.channels)
  self.written_to = path
  return self.file ~= nil
end

-- Read one block. Beyond an item's end REAPER leaves the buffer as it was, so it is cleared first.
function recording:_read_block()
  local frames = math.min(BLOCK, self.left)
  self.buffer.clear()
  local got = reaper.GetAudioAccessorSamples(
    self.accessor, self.rate, self.channels, self.at * self.speed, frames, self.buffer
  )
  self.sounded = self.sounded or got == 1
  self.left, self.at = self.left - frames, self.at + frames / self.rate / self.speed
  return got >= 0 and self.file:write(self.buffer.table(1, frames * self.channels))
end

function recording:_finish(file)
  self.file = nil
  local whole = file:close()
  self:close()
  if not whole then return self:_fail("The spool folder cannot be written; free some space on its disk.") end
  self.path, self.start = self.written_to, 0.0
  return true
end

function recording:_write_silence(path)
  self.written_to = path
  local file = wav.create(path, SILENT_RATE, 1)
  if not file or not file:write_silence(math.ceil((self.t1 - self.t0) * SILENT_RATE)) then
    return self:_fail("The spool folder cannot be written; free some space on its disk.")
  end
  return self:_finish(file)
end

-- Go on making the recording readable until the clock says `deadline` (of time_precise). True when `path` and
-- `start` are there, false when there is more to do, nil and a sentence when it cannot be had.
function recording:prepare(path, sample_rate, deadline)
  if self.path then return true end
  if self.silent then return self:_write_silence(path) end
  local there = reaper.ValidatePtr2(self.project, self.item, "MediaItem*")
  if not there or not reaper.ValidatePtr2(self.project, self.take, "MediaItem_Take*") then
    return self:_fail("The item was deleted before it was heard.")
  end
  if not self.file and not self:_open(path, sample_rate) then
    return self:_fail("The item's sound cannot be read, or not be written into the spool folder.")
  end
  if reaper.AudioAccessorStateChanged(self.accessor) then
    return self:_fail("The item was changed while it was being read; try again.")
  end
  while self.left > 0 and reaper.time_precise() < deadline do
    if not self:_read_block() then
      return self:_fail("The item's sound cannot be read; free some space on the disk.")
    end
  end
  if self.left > 0 then return false end
  if not self.sounded then return self:_fail("REAPER has no sound for this item; is its file offline?") end
  return self:_finish(self.file)
end

-- Let go of REAPER's accessor and of an unfinished file.
function recording:close()
  if self.file then self.file:close() end
  if self.accessor then reaper.DestroyAudioAccessor(self.accessor) end
  self.file, self.accessor, self.buffer = nil, nil, nil
end

-- Delete what was written for the daemon.
function recording:discard()
  self:close()
  if self.written_to then os.remove(self.written_to) end
end

return recording
