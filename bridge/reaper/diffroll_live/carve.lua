-- @noindex
-- Rectangles of time and pitch, with the notes cut out that the user wants to keep. Pure; times are in seconds.

local carve = {}

carve.LOW, carve.HIGH = 21, 108 -- the piano's
carve.MAX_REGIONS = 256 -- of one job
local SHORTEST = 0.03 -- s; less holds no note
local ROUNDING = 1e-6 -- s that an onset may lie before its region: ticks and seconds are not quite each other's

-- Give the free stretches of [t0, t1) between notes of one pitch, as { t0, t1 } pairs.
local function gaps(t0, t1, notes)
  table.sort(notes, function(a, b) return a.onset < b.onset end)
  local free, at = {}, t0
  for _, note in ipairs(notes) do
    if note.onset - at >= SHORTEST then free[#free + 1] = { at, note.onset } end
    at = math.max(at, note.offset, note.onset + SHORTEST)
  end
  if t1 - at >= SHORTEST then free[#free + 1] = { at, t1 } end
  return free
end

local function by_pitch(region, kept)
  local notes = {}
  for _, note in ipairs(kept) do
    local inside = note.offset > region.t0 and note.onset < region.t1
    if inside and note.pitch >= region.low and note.pitch <= region.high then
      notes[note.pitch] = notes[note.pitch] or {}
      table.insert(notes[note.pitch], note)
    end
  end
  return notes
end

local function add(regions, t0, t1, low, high, hear)
  if t1 - t0 >= SHORTEST then
    regions[#regions + 1] = { t0 = t0, t1 = t1, low = low, high = high, hear = hear }
  end
end

-- Cut kept notes out of a region { t0, t1, low, high, hear }: bands of pitches without any, gaps in the others.
function carve.around(region, kept)
  local regions, notes, first = {}, by_pitch(region, kept), region.low
  for pitch = region.low, region.high + 1 do
    if pitch > region.high or notes[pitch] then
      if pitch > first then add(regions, region.t0, region.t1, first, pitch - 1, region.hear) end
      for _, gap in ipairs(notes[pitch] and gaps(region.t0, region.t1, notes[pitch]) or {}) do
        add(regions, gap[1], gap[2], pitch, pitch, region.hear)
      end
      first = pitch + 1
    end
  end
  return regions
end

-- Give the region in which a note starts, or nil.
function carve.holding(regions, onset, pitch)
  onset = onset + ROUNDING
  for _, region in ipairs(regions) do
    if onset >= region.t0 and onset < region.t1 and pitch >= region.low and pitch <= region.high then
      return region
    end
  end
  return nil
end

return carve
