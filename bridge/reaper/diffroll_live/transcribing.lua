-- @noindex
-- From audio items to notes on new tracks: transcribe what is selected. Generate needs no item.

local around = require("around")
local carve = require("carve")
local placing = require("placing")
local recording = require("recording")
local selection = require("selection")

local transcribing = {}

local HEAR = 1

-- The options of a job, as the settings have them.
function transcribing.options(settings, fields)
  local options = {}
  for _, field in ipairs(fields) do
    if field.job then options[#options + 1] = { key = field.key, value = settings[field.key] } end
  end
  return options
end

-- A stretch of the project, all pitches, on the axis of a buffer that begins at `origin`.
function transcribing.region(span, origin, hear)
  return { t0 = span.t0 - origin, t1 = span.t1 - origin, low = carve.LOW, high = carve.HIGH, hear = hear }
end

-- A job over one item. Its piece says where the notes will lie.
function transcribing.job_of(project, piece, task, options)
  local first, last = piece.spans[1], piece.spans[#piece.spans]
  local sound, problem = recording.of_item(project, piece.item, first.t0, last.t1)
  if not sound then return nil, problem end
  local request = { task = task, recording = sound, regions = {}, notes = {}, options = options }
  return {
    request = request, origin = first.t0,
    piece = {
      track = reaper.GetMediaItemTrack(piece.item), t0 = first.t0, t1 = last.t1, source = around.id_of(piece.item),
    },
  }
end

-- Jobs that transcribe the selection, one an item. Nil and a sentence when there is nothing to transcribe.
function transcribing.transcribe(project, _, options)
  local jobs, pieces = {}, selection.audio(project)
  if #pieces == 0 then return nil, "Select an audio item, or a stretch of one by a time selection or a razor edit." end
  if #pieces > selection.MAX_ITEMS then return nil, "Select at most " .. selection.MAX_ITEMS .. " items at once." end
  for _, piece in ipairs(pieces) do
    local job, problem = transcribing.job_of(project, piece, "transcribe", options)
    if not job then return nil, problem end
    if #piece.spans > 1 then
      for i, span in ipairs(piece.spans) do job.request.regions[i] = transcribing.region(span, job.origin, HEAR) end
    end
    jobs[#jobs + 1] = job
  end
  return jobs
end

-- One job from nothing, in the time selection or from the edit cursor on.
function transcribing.generate(project, settings, options)
  local time = selection.time(project)
  local t0 = time and time.t0 or reaper.GetCursorPositionEx(project)
  local seconds = time and time.t1 - time.t0 or settings.seconds
  if seconds < 0.1 or seconds > 600 then return nil, "Select between 0.1 and 600 s to fill." end
  local track = reaper.CountSelectedTracks(project) > 0 and reaper.GetSelectedTrack(project, 0) or nil
  local request = {
    task = "generate", regions = {}, notes = {}, options = transcribing.with(options, "seconds", seconds),
  }
  return { { request = request, origin = t0, piece = { track = track, t0 = t0, t1 = t0 + seconds } } }
end

-- Give options with one of them changed.
function transcribing.with(options, key, value)
  local changed = {}
  for i, option in ipairs(options) do
    changed[i] = option.key == key and { key = key, value = value } or option
  end
  return changed
end

-- Put the notes and the pedal of finished jobs on new tracks, in one undo step. Gives true and their number, or false and a sentence.
function transcribing.place(project, jobs, name)
  local pieces, total = {}, 0
  for i, job in ipairs(jobs) do
    job.piece.notes, job.piece.pedal = job.notes, job.pedal
    pieces[i] = job.piece
  end
  local fine, problem = placing.as_one_step(project, name, function() total = placing.new_tracks(project, pieces) end)
  if fine then return true, total end
  return false, "REAPER has refused the notes (" .. tostring(problem) .. "); the project is as it was."
end

return transcribing
