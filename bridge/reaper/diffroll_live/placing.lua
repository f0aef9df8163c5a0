-- @noindex
-- Notes into the project, in one undo step each time: a new item on a new track, or the gap of an item that is there.

local carve = require("carve")
local notes = require("notes")

local placing = {}

local ALL = -1 -- what an undo step may hold
local SLACK = 0.005 -- s that an onset may lie before its place, since numbers are rounded on their way

-- Tell whether a project is still open.
function placing.is_open(project)
  local index = 0
  while true do
    local other = reaper.EnumProjects(index)
    if not other then return false end
    if other == project then return true end
    index = index + 1
  end
end

-- Do something to a project, in front or not, as one undo step. An error inside is undone and given as a sentence.
function placing.as_one_step(project, name, change)
  local front = reaper.EnumProjects(-1)
  if front ~= project then reaper.SelectProjectInstance(project) end
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local fine, problem = pcall(change)
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(project, name, ALL)
  if not fine then reaper.Undo_DoUndo2(project) end
  if front ~= project then reaper.SelectProjectInstance(front) end
  reaper.UpdateArrange()
  return fine, problem
end

-- Give the notes that start in [t0, t1), with these bounds; what rings on is ended there.
local function bounded(list, t0, t1)
  local inside = {}
  for _, note in pairs(list) do
    if note.onset >= t0 - SLACK and note.onset < t1 then
      inside[#inside + 1] = {
        pitch = note.pitch, velocity = note.velocity, onset = math.max(note.onset, t0), offset = note.offset,
        t0 = t0, t1 = t1,
      }
    end
  end
  table.sort(inside, function(a, b) return a.onset < b.onset or a.onset == b.onset and a.pitch < b.pitch end)
  return inside
end

local function new_track(project, beside)
  local after = beside and reaper.ValidatePtr2(project, beside, "MediaTrack*")
  local index = after and reaper.GetMediaTrackInfo_Value(beside, "IP_TRACKNUMBER") or reaper.CountTracks(project)
  index = math.tointeger(index) or math.floor(index)
  local name = after and select(2, reaper.GetSetMediaTrackInfo_String(beside, "P_NAME", "", false)) or ""
  reaper.InsertTrackAtIndex(index, true)
  local track = reaper.GetTrack(project, index)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name == "" and "diffroll-live" or name .. " notes", true)
  return track
end

-- Put notes, and spans of the pedal, into a new item from t0 to t1 on `track`. `source` is the id of the item they were heard in, or nil.
-- Gives their number.
function placing.new_item(track, t0, t1, list, source, pedal)
  local item = reaper.CreateNewMIDIItemInProj(track, t0, t1, false)
  local take = item and reaper.GetActiveTake(item)
  assert(take, "REAPER has made no MIDI item")
  local inside = bounded(list, t0, t1)
  notes.write(take, inside, 0)
  notes.press(take, pedal or {}, t0, t1)
  if source then reaper.GetSetMediaItemInfo_String(item, "P_EXT:diffroll_live_source", source, true) end
  return #inside
end

-- Put each piece { track, t0, t1, notes, source, pedal } on a new track beside its track, one track for all that share it.
function placing.new_tracks(project, pieces)
  local made, total = {}, 0
  for _, piece in ipairs(pieces) do
    local key = piece.track or project
    made[key] = made[key] or new_track(project, piece.track)
    total = total + placing.new_item(made[key], piece.t0, piece.t1, piece.notes, piece.source, piece.pedal)
  end
  return total
end

local function outside(take, regions)
  local list = {}
  for _, note in ipairs(notes.read(take)) do
    if note.muted or not carve.holding(regions, note.onset, note.pitch) then
      list[#list + 1] = string.format(
        "%d %d %d %.6f %.6f", note.pitch, note.velocity, note.channel, note.onset, note.offset
      )
    end
  end
  table.sort(list)
  return table.concat(list, "\n")
end

-- Give when a note has to end: with the item, or where a note that stays begins on its key.
local function free_until(note, staying, finish)
  for _, other in ipairs(staying) do
    if other.pitch == note.pitch and other.onset > note.onset then finish = math.min(finish, other.onset) end
  end
  return finish
end

-- Replace the notes of `take` that start in the regions (project seconds, kept notes cut out) by those of `list` that
-- do, which may ring into what follows. Everything else in the item stays as it is, or this is an error. Gives the
-- number of new notes.
function placing.fill(take, regions, list)
  local before, old, staying, new = outside(take, regions), {}, {}, {}
  local item, channel = reaper.GetMediaItemTake_Item(take), nil
  local finish = reaper.GetMediaItemInfo_Value(item, "D_POSITION") + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  for _, note in ipairs(notes.read(take)) do
    channel = channel or note.channel
    local inside = not note.muted and carve.holding(regions, note.onset, note.pitch)
    table.insert(inside and old or staying, note)
  end
  for _, note in pairs(list) do
    local region = carve.holding(regions, note.onset, note.pitch)
    if region then
      for _, fitted in ipairs(bounded({ note }, region.t0, region.t1)) do
        fitted.t1 = free_until(fitted, staying, finish)
        new[#new + 1] = fitted
      end
    end
  end
  notes.delete(take, old)
  notes.write(take, new, channel or 0)
  assert(outside(take, regions) == before, "notes beside the gap would have changed")
  return #new
end

return placing
