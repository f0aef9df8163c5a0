-- @noindex
-- What could come after an item: after the sound of an audio item, or after the notes of a MIDI item.

local around = require("around")
local notes = require("notes")
local selection = require("selection")
local transcribing = require("transcribing")

local continuing = {}

local MEMORY = 30.0 -- s of a MIDI item that the daemon is told of
local LONGEST = 600 -- s of a continuation

-- Give what of an item is to be continued, and whether the time selection is elsewhere.
local function heard(project, item)
  local spans = selection.within(item, { selection.time(project) })
  if #spans > 0 then return spans[1], false end
  return selection.within(item, {})[1], true
end

-- The job of a MIDI item. Notes selected in the MIDI editor are the bounds of the pitches written.
local function of_notes(project, take, in_editor, options)
  local item, all = reaper.GetMediaItemTake_Item(take), notes.read(take)
  local span, apart = heard(project, item)
  if around.repeats(project, take, item, span.t1) then return nil, "The item repeats its notes; glue it first." end
  local begin = math.max(selection.bounds(item), span.t1 - MEMORY)
  local sound, problem = around.recording(project, item, begin, span.t1, 0)
  if not sound then return nil, problem end
  local request = { task = "continue", recording = sound, regions = {}, options = options }
  request.notes = around.known(all, {}, item, sound)
  if sound.silent and #request.notes == 0 then return nil, "There are no notes to be continued." end
  local kept, low, high = around.selected(in_editor and all or {})
  return {
    request = request, origin = sound.t0, apart = apart, bounds = #kept > 0 and { low = low, high = high } or nil,
    piece = { track = reaper.GetMediaItemTrack(item), t1 = span.t1 },
  }
end

-- The job of an audio item.
local function of_sound(project, piece, options)
  local job, problem = transcribing.job_of(project, piece, "continue", options)
  if job then job.apart = piece.apart end
  return job, problem
end

-- Say where a job writes: from the end of what is continued for as long as the settings say, or through a time
-- selection that begins later. Gives nil and a sentence when that is too far.
local function write_after(job, settings, options, time)
  local finish, span = job.piece.t1, { t0 = job.piece.t1, t1 = job.piece.t1 + settings.seconds }
  local later = job.apart and time and time.t0 >= finish
  if later then span = time end
  local seconds = span.t1 - finish
  if seconds > LONGEST then
    return nil, "A continuation is at most 600 s long; select a stretch nearer to the item."
  end
  if later or job.bounds then
    local region = transcribing.region(span, job.origin, 0)
    if job.bounds then region.low, region.high = job.bounds.low, job.bounds.high end
    job.request.regions[1] = region
  end
  job.piece.t0, job.piece.t1 = span.t0, span.t1
  job.request.options = transcribing.with(options, "seconds", seconds)
  return { job }
end

-- One job that continues the first selected audio item, or else the MIDI item that is meant: from the end of the time
-- selection in it, or from its own.
function continuing.continue(project, settings, options)
  local piece, take, in_editor = selection.audio(project)[1], selection.midi_take(project)
  if not piece and not take then return nil, "Select the audio or MIDI item that is to be continued." end
  local job, problem
  if piece then
    job, problem = of_sound(project, piece, options)
  else
    job, problem = of_notes(project, take, in_editor, options)
  end
  if not job then return nil, problem end
  return write_after(job, settings, options, selection.time(project))
end

return continuing
