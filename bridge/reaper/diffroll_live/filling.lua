-- @noindex
-- The gap in a MIDI item: what surrounds it goes to the daemon, what comes back lands in the gap and nowhere else.

local around = require("around")
local carve = require("carve")
local notes = require("notes")
local placing = require("placing")
local selection = require("selection")

local filling = {}

local AROUND = 10.0 -- s of what surrounds the gap, on each side
local YES_NO, YES = 4, 6 -- of REAPER's message box

-- Give the regions to write in, project seconds, the kept notes cut out.
local function regions_of(spans, all, in_editor, hear)
  local kept, low, high = around.selected(in_editor and all or {})
  local regions = {}
  for _, span in ipairs(spans) do
    local whole = { t0 = span.t0, t1 = span.t1, low = low, high = high, hear = hear }
    for _, region in ipairs(low <= high and carve.around(whole, kept) or {}) do regions[#regions + 1] = region end
  end
  return regions
end

-- Give regions on the axis of a recording. There is nothing to hear in silence.
local function on_axis(regions, sound)
  local moved = {}
  for i, region in ipairs(regions) do
    moved[i] = {
      t0 = region.t0 - sound.t0, t1 = region.t1 - sound.t0, low = region.low, high = region.high,
      hear = sound.silent and 0 or region.hear,
    }
  end
  return moved
end

local function refusal(project, spans, take, item)
  if #spans == 0 then return "Say which part is to be filled: a time selection or a razor edit over the MIDI item." end
  if around.repeats(project, take, item, spans[#spans].t1) then
    return "The item repeats its notes; glue it first, then fill."
  end
  return nil
end

-- The one job that fills the selected gap. Nil and a sentence when there is none.
function filling.fill(project, settings, options)
  local take, in_editor = selection.midi_take(project)
  if not take then return nil, "Select a MIDI item, or open it in the MIDI editor." end
  local item = reaper.GetMediaItemTake_Item(take)
  local spans = selection.gaps(project, item)
  local problem = refusal(project, spans, take, item)
  if problem then return nil, problem end
  local all = notes.read(take)
  local regions = regions_of(spans, all, in_editor, settings.hear)
  if #regions == 0 then return nil, "The selected notes leave no room in the gap; select fewer." end
  if #regions > carve.MAX_REGIONS then return nil, "So many selected notes cannot be kept at once; select fewer." end
  local t0, t1 = spans[1].t0, spans[#spans].t1
  local sound, silence = around.recording(project, item, t0, t1, AROUND)
  if not sound then return nil, silence end
  local list = around.known(all, regions, item, sound)
  if sound.silent and #list == 0 then
    return nil, "Nothing surrounds the gap: select an audio item over it, too, or leave some notes around it."
  end
  local request = { task = "inpaint", recording = sound, notes = list, options = options }
  request.regions = on_axis(regions, sound)
  return { {
    request = request, origin = sound.t0, take = take, id = around.id_of(item), regions = regions,
    hash = notes.hash(take),
    piece = { track = reaper.GetMediaItemTrack(item), t0 = t0, t1 = t1 },
  } }
end

-- Give the item of a job as it is now, whatever undo and redo have made of it, and its take; nil when it is gone.
local function found_again(project, job)
  local item = around.by_id(project, job.id)
  local take = item and reaper.GetActiveTake(item)
  if take and reaper.TakeIsMIDI(take) then return item, take end
  return nil
end

-- Say why the gap cannot be written any more, or nil.
local function obstacle(project, job)
  local item, take = found_again(project, job)
  if not item then return "The item is gone, or its track was frozen." end
  if math.floor(reaper.GetMediaItemInfo_Value(item, "C_LOCK")) % 2 == 1 then return "The item is locked." end
  if notes.hash(take) ~= job.hash then return "The item was edited while the notes were written." end
  job.take = take
  return nil
end

local function inside(job)
  local list = {}
  for _, note in pairs(job.notes) do
    if carve.holding(job.regions, note.onset, note.pitch) then list[#list + 1] = note end
  end
  return list
end

-- Put the notes into the gap, in one undo step; where that would harm an edit, ask. Gives true and the number of
-- notes, or false and a sentence; nil when the user wants none.
function filling.place(project, jobs, name)
  local job, total = jobs[1], 0
  local problem = obstacle(project, job)
  if problem then
    local question = problem .. " Nothing was overwritten.\n\nPut the new notes on a new track instead?"
    if reaper.ShowMessageBox(question, "diffroll-live", YES_NO) ~= YES then return nil end
  end
  job.piece.notes = inside(job)
  local fine, trouble = placing.as_one_step(project, name, function()
    if problem then
      total = placing.new_tracks(project, { job.piece })
    else
      total = placing.fill(job.take, job.regions, job.notes)
    end
  end)
  if fine then return true, total end
  return false, "REAPER has refused the notes (" .. tostring(trouble) .. "); the project is as it was."
end

return filling
