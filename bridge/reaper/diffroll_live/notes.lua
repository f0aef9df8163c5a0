-- @noindex
-- The notes of a MIDI take in project seconds, whatever the tempo does: REAPER turns them into ticks and back.

local notes = {}

local CONTROL, SUSTAIN = 0xB0, 64 -- a controller message, and the pedal's number

-- Read all notes: pitch, onset, offset in s, velocity, channel, selected, muted, and the index in the take.
function notes.read(take)
  local list = {}
  local _, count = reaper.MIDI_CountEvts(take)
  for index = 0, count - 1 do
    local ok, selected, muted, start, stop, channel, pitch, velocity = reaper.MIDI_GetNote(take, index)
    if ok then
      list[#list + 1] = {
        index = index, pitch = pitch, velocity = velocity, channel = channel, selected = selected, muted = muted,
        onset = reaper.MIDI_GetProjTimeFromPPQPos(take, start), offset = reaper.MIDI_GetProjTimeFromPPQPos(take, stop),
      }
    end
  end
  return list
end

local function ticks(take, seconds)
  return reaper.MIDI_GetPPQPosFromProjTime(take, seconds)
end

-- Add notes to a take. Each has t0 and t1 besides, in s: its ticks stay between them.
function notes.write(take, list, channel)
  for _, note in ipairs(list) do
    local first, last = math.ceil(ticks(take, note.t0) - 1e-6), math.floor(ticks(take, note.t1) + 1e-6)
    local start = math.max(first, math.floor(ticks(take, note.onset) + 0.5))
    local stop = math.min(last, math.max(start + 1, math.floor(ticks(take, note.offset) + 0.5)))
    if stop > start then
      reaper.MIDI_InsertNote(take, false, false, start, stop, channel, note.pitch, note.velocity, true)
    end
  end
  reaper.MIDI_Sort(take)
end

-- Press the sustain pedal of a take in spans of time, each an onset and an offset in s, as far as they lie in t0 to t1.
function notes.press(take, spans, t0, t1)
  for _, span in ipairs(spans) do
    local down = math.ceil(ticks(take, math.max(span.onset, t0)) - 1e-6)
    local up = math.floor(ticks(take, math.min(span.offset, t1)) + 1e-6)
    if up > down then
      reaper.MIDI_InsertCC(take, false, false, down, CONTROL, 0, SUSTAIN, 127)
      reaper.MIDI_InsertCC(take, false, false, up, CONTROL, 0, SUSTAIN, 0)
    end
  end
  reaper.MIDI_Sort(take)
end

-- Remove notes that notes.read() has given; the last first, so that the indexes of the others stay true.
function notes.delete(take, list)
  for at = #list, 1, -1 do
    reaper.MIDI_DeleteNote(take, list[at].index)
  end
end

-- A text that is the same as long as the take's events are.
function notes.hash(take)
  local ok, hash = reaper.MIDI_GetHash(take, false, "")
  return ok and hash or ""
end

return notes
