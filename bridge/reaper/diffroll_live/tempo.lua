-- @noindex
-- The project's bars and tempi around a stretch, as the rows of /diffroll/job/tempo. Reads only.

local tempo = {}

tempo.MOST = 4096 -- rows of one job
local AROUND = 8.0 -- s after a stretch, since notes ring into what follows
local SAME = 1e-4 -- quarter notes a minute; closer tempi are one
local CLOSE = 1e-6 -- s, quarter notes
local SLOWEST, FASTEST = 4, 1000 -- quarter notes a minute that the daemon takes

-- Give the places, in quarter notes, where a row may be needed: the bar line before `first`, each quarter note after
-- it, since a tempo may glide, and each of the project's own marks.
local function places(project, first, last)
  local _, at = reaper.TimeMap_QNToMeasures(project, first)
  local list = {}
  while at < last and #list < tempo.MOST do
    list[#list + 1] = at
    local _, _, bar_end = reaper.TimeMap_QNToMeasures(project, at + CLOSE)
    at = math.min(at + 1, bar_end)
  end
  for i = 0, reaper.CountTempoTimeSigMarkers(project) - 1 do
    local _, time = reaper.GetTempoTimeSigMarker(project, i)
    local qn = reaper.TimeMap2_timeToQN(project, time)
    if qn > list[1] and qn < last then list[#list + 1] = qn end
  end
  table.sort(list)
  return list
end

-- Give rows { t, bpm, numerator, denominator, beat }: t counts from `origin`, beats are quarter notes from a bar line.
-- A row stands for all that follow it in its tempo and signature. None for a tempo that no music has.
function tempo.rows(project, origin, finish)
  local first = reaper.TimeMap2_timeToQN(project, origin)
  local list = places(project, first, reaper.TimeMap2_timeToQN(project, finish + AROUND))
  local rows, before = {}, nil
  for i, qn in ipairs(list) do
    local t = reaper.TimeMap2_QNToTime(project, qn)
    local after = reaper.TimeMap2_QNToTime(project, list[i + 1] or qn + 1)
    if after - t > CLOSE then
      local bpm = ((list[i + 1] or qn + 1) - qn) * 60 / (after - t)
      if bpm < SLOWEST or bpm > FASTEST then return {} end
      local numerator, denominator = reaper.TimeMap_GetTimeSigAtTime(project, t + CLOSE)
      local row = { t = t - origin, bpm = bpm, numerator = numerator, denominator = denominator, beat = qn - list[1] }
      local same = before and math.abs(before.bpm - bpm) < SAME
        and before.numerator == numerator and before.denominator == denominator
      if not same and #rows < tempo.MOST then rows[#rows + 1], before = row, row end
    end
  end
  return rows
end

return tempo
