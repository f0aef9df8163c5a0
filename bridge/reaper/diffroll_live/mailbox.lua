-- @noindex
-- The way to the daemon and back: small files in the spool folder that the daemon has made. Each file appears whole,
-- by a rename, under a name that holds this script's own random id; whoever reads a file deletes it. Looking for an
-- answer is one attempt to open the one file that would come next.

local mailbox = {}
mailbox.__index = mailbox

local MAX_FILE = 8 * 1024 * 1024 -- bytes

local function joined(...)
  return table.concat({ ... }, "/")
end

-- The user's folder. On Windows REAPER's own path is tried first, since os.getenv knows no letters beyond the
-- system's code page.
local function home()
  local windows = reaper.GetOS():find("^Win") ~= nil
  if not windows then return os.getenv("HOME") end
  return reaper.GetResourcePath():match("^(.*)[/\\]AppData[/\\]Roaming[/\\]REAPER$") or os.getenv("USERPROFILE")
end

-- Where the daemon's spool is unless the settings name another folder; nil where there is no home.
function mailbox.default_folder()
  local folder = home()
  return folder and joined(folder, ".diffroll-live", "spool")
end

-- Open a mailbox with an id of its own. Nil when there is no such folder: no daemon has run here yet.
function mailbox.open(folder)
  local id = reaper.genGuid(""):gsub("%X", ""):lower():sub(1, 16)
  local self = setmetatable({ folder = folder, id = id, sent = 0, read = 0, text = nil, at = 1 }, mailbox)
  local probe = joined(folder, "in", id .. ".part")
  local file = io.open(probe, "wb")
  if not file then return nil end
  file:close()
  os.remove(probe)
  return self
end

function mailbox:_name(box, number, suffix)
  return joined(self.folder, box, string.format("%s.%06d.%s", self.id, number, suffix))
end

-- Send lines as one file; none are a goodbye, and the daemon forgets all that was asked. False when the disk is full or
-- the folder gone; nothing half-written is left then.
function mailbox:send(lines)
  local draft = self:_name("in", self.sent + 1, "part")
  local file = io.open(draft, "wb")
  if not file then return false end
  local written = file:write(table.concat(lines, "\n"), #lines > 0 and "\n" or "")
  local closed = file:close()
  if written and closed and os.rename(draft, self:_name("in", self.sent + 1, "jsonl")) then
    self.sent = self.sent + 1
    return true
  end
  os.remove(draft)
  return false
end

function mailbox:_open_next()
  local path = self:_name("out", self.read + 1, "jsonl")
  local file = io.open(path, "rb")
  if not file then return false end
  self.text, self.at = file:read(MAX_FILE) or "", 1
  file:close()
  os.remove(path)
  self.read = self.read + 1
  return true
end

-- Give the next line of an answer, or nil when there is none yet.
function mailbox:next_line()
  while self.text or self:_open_next() do
    local text, stop = self.text:match("^([^\n]*)\n()", self.at)
    if text then
      self.at = stop
      return text
    end
    self.text = nil
  end
  return nil
end

-- Take back what the daemon has not read: nobody waits for its answer any more.
function mailbox:withdraw()
  for number = 1, self.sent do
    os.remove(self:_name("in", number, "jsonl"))
  end
end

-- Where a recording for the daemon may be written.
function mailbox:recording_path()
  return joined(self.folder, "audio", self.id .. ".wav")
end

return mailbox
