-- @noindex
-- What is known of a MIDI item: its selected notes, those that sound, and the sound that belongs to it. Reads only.

local carve = require("carve")
local recording = require("recording")
local selection = require("selection")

local around = {}

-- Give the selected notes where the MIDI editor shows the take; they are kept, and their pitches are the bounds.
function around.selected(all)
  local kept, low, high = {}, carve.HIGH, carve.LOW
  for _, note in ipairs(all) do
    if note.selected and not note.muted then
      kept[#kept + 1] = note
      low, high = math.min(low, note.pitch), math.max(high, note.pitch)
    end
  end
  if #kept == 0 then return kept, carve.LOW, carve.HIGH end
  return kept, math.max(low, carve.LOW), math.min(high, carve.HIGH)
end

-- Give the notes that sound around the regions, on the axis of a recording. Those that the item's ends hide do not.
function around.known(all, regions, item, sound)
  local list, begin, finish = {}, selection.bounds(item)
  local t0, t1 = math.max(begin, sound.t0), math.min(finish, sound.t1)
  for _, note in ipairs(all) do
    local sounds = not note.muted and note.pitch >= carve.LOW and note.pitch <= carve.HIGH and note.offset > note.onset
    if sounds and note.onset >= t0 and note.onset < t1 and not carve.holding(regions, note.onset, note.pitch) then
      list[#list + 1] = {
        pitch = note.pitch, velocity = math.max(1, note.velocity),
        onset = note.onset - sound.t0, offset = note.offset - sound.t0,
      }
    end
  end
  return list
end

local function covers(item, t0, t1)
  local begin, finish = selection.bounds(item)
  return begin <= t0 and finish >= t1
end

-- Give the id of an item, which undo and redo leave as it is.
function around.id_of(item)
  local _, id = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
  return id
end

-- Find an item by its id, or nil.
function around.by_id(project, id)
  for i = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, i)
    if around.id_of(item) == id then return item end
  end
  return nil
end

-- Find the sound around a gap: a selected audio item over it, else the one that the notes were heard in.
local function sound_around(project, item, t0, t1)
  for _, piece in ipairs(selection.audio(project)) do
    if reaper.GetActiveTake(piece.item) and covers(piece.item, t0, t1) then return piece.item end
  end
  local _, id = reaper.GetSetMediaItemInfo_String(item, "P_EXT:diffroll_live_source", "", false)
  local source = id ~= "" and around.by_id(project, id) or nil
  return source and covers(source, t0, t1) and source or nil
end

-- Give the sound of an item from `t0` to `t1` and `margin` s on each side; silence where there is none.
function around.recording(project, item, t0, t1, margin)
  local audio = sound_around(project, item, t0, t1)
  local begin, finish = selection.bounds(audio or item)
  local from, to = math.max(begin, t0 - margin), math.min(finish, t1 + margin)
  if audio then return recording.of_item(project, audio, from, to) end
  return recording.silence(from, to)
end

-- Tell whether an item's notes come round again before `t1`.
function around.repeats(project, take, item, t1)
  if reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 0 then return false end
  local length, in_beats = reaper.GetMediaSourceLength(reaper.GetMediaItemTake_Source(take))
  local begin = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  if not in_beats then return t1 > begin + length + 0.001 end
  local first = reaper.MIDI_GetProjQNFromPPQPos(take, 0)
  return t1 > reaper.TimeMap2_QNToTime(project, first + length) + 0.001
end

return around
