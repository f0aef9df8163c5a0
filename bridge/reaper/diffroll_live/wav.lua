-- @noindex
-- A WAV file of 32-bit floats, written block by block.

local wav = {}
wav.__index = wav

local HEADER = "<c4I4c4c4I4I2I2I4I4I2I2c4I4"
local AT_ONCE = 128 -- values packed by one call

local function header(rate, channels, n_bytes)
  return string.pack(
    HEADER, "RIFF", 36 + n_bytes, "WAVE",
    "fmt ", 16, 3, channels, rate, rate * channels * 4, channels * 4, 32, "data", n_bytes
  )
end

-- Begin a file; nil when it cannot be written.
function wav.create(path, rate, channels)
  local file = io.open(path, "wb")
  if not file or not file:write(header(rate, channels, 0)) then return nil end
  return setmetatable({ file = file, rate = rate, channels = channels, n_bytes = 0 }, wav)
end

-- Append interleaved samples. False when the disk is full.
function wav:write(samples)
  local parts = {}
  for first = 1, #samples, AT_ONCE do
    local last = math.min(first + AT_ONCE - 1, #samples)
    parts[#parts + 1] = string.pack("<" .. ("f"):rep(last - first + 1), table.unpack(samples, first, last))
  end
  self.n_bytes = self.n_bytes + 4 * #samples
  return self.file:write(table.concat(parts)) ~= nil
end

-- Append silence, `frames` samples of each channel.
function wav:write_silence(frames)
  self.n_bytes = self.n_bytes + 4 * frames * self.channels
  return self.file:write(("\0"):rep(4 * frames * self.channels)) ~= nil
end

-- End the file. False when it is not whole.
function wav:close()
  local placed = self.file:seek("set", 0) and self.file:write(header(self.rate, self.channels, self.n_bytes))
  return self.file:close() and placed ~= nil
end

return wav
