-- @noindex
-- What the user has selected: stretches of time by razor edits or the time selection, items, and notes. Reads only.

local selection = {}

selection.MAX_ITEMS = 16 -- of one press of a key

local function razor_text(track)
  local ok, text = reaper.GetSetMediaTrackInfo_String(track, "P_RAZOREDITS_EXT", "", false)
  if ok then return (text:gsub(",", "\n")) end
  ok, text = reaper.GetSetMediaTrackInfo_String(track, "P_RAZOREDITS", "", false) -- before there were lanes
  return ok and (text:gsub('"%s+', '"\n')) or ""
end

-- Sort stretches, and make one of those that overlap, as lanes' may.
local function merged(spans)
  table.sort(spans, function(a, b) return a.t0 < b.t0 end)
  local whole = {}
  for _, span in ipairs(spans) do
    local last = whole[#whole]
    if last and span.t0 <= last.t1 then
      last.t1 = math.max(last.t1, span.t1)
    else
      whole[#whole + 1] = span
    end
  end
  return whole
end

-- Give the razor edits of a track as { t0, t1 } in s, in their order; those of envelopes are not meant.
function selection.razor_edits(track)
  local spans = {}
  for tuple in razor_text(track):gmatch("[^\n]+") do
    local t0, t1, rest = tuple:match("^%s*(%S+)%s+(%S+)%s*(.*)$")
    local envelope = (rest or ""):match('^"(.-)"') or ""
    t0, t1 = tonumber(t0), tonumber(t1)
    if t0 and t1 and t1 > t0 and envelope == "" then spans[#spans + 1] = { t0 = t0, t1 = t1 } end
  end
  return merged(spans)
end

-- Give the time selection as { t0, t1 } in s, or nil.
function selection.time(project)
  local t0, t1 = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
  return t1 > t0 and { t0 = t0, t1 = t1 } or nil
end

function selection.bounds(item)
  local t0 = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  return t0, t0 + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
end

-- Cut stretches to an item; without any, all of it.
function selection.within(item, spans)
  local begin, finish = selection.bounds(item)
  if #spans == 0 then return { { t0 = begin, t1 = finish } } end
  local cut = {}
  for _, span in ipairs(spans) do
    local t0, t1 = math.max(begin, span.t0), math.min(finish, span.t1)
    if t1 > t0 then cut[#cut + 1] = { t0 = t0, t1 = t1 } end
  end
  return cut
end

local function is_audio(item)
  local take = reaper.GetActiveTake(item)
  return not (take and reaper.TakeIsMIDI(take))
end

local function add_items(pieces, track, spans)
  for i = 0, reaper.CountTrackMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    local inside = selection.within(item, spans)
    if is_audio(item) and #inside > 0 then pieces[#pieces + 1] = { item = item, spans = inside } end
  end
end

local function razored(project)
  local pieces = {}
  for i = 0, reaper.CountTracks(project) - 1 do
    local track = reaper.GetTrack(project, i)
    local spans = selection.razor_edits(track)
    if #spans > 0 then add_items(pieces, track, spans) end
  end
  return pieces
end

-- Give the selected items under the time selection; all of all of them, marked `apart`, when it is elsewhere.
local function selected(project, time)
  local under, apart = {}, {}
  for i = 0, reaper.CountSelectedMediaItems(project) - 1 do
    local item = reaper.GetSelectedMediaItem(project, i)
    local spans = selection.within(item, { time })
    if is_audio(item) and #spans > 0 then
      under[#under + 1] = { item = item, spans = spans }
    elseif is_audio(item) then
      apart[#apart + 1] = { item = item, spans = selection.within(item, {}), apart = true }
    end
  end
  return #under > 0 and under or apart
end

-- Give the audio items that are meant, each with the stretches of it that are: those under razor edits, else the
-- selected ones, else those on selected tracks under the time selection.
function selection.audio(project)
  local pieces, time = razored(project), selection.time(project)
  if #pieces == 0 then pieces = selected(project, time) end
  if #pieces > 0 or not time then return pieces end
  for i = 0, reaper.CountSelectedTracks(project) - 1 do
    add_items(pieces, reaper.GetSelectedTrack(project, i), { time })
  end
  return pieces
end

local function selected_midi_takes(project)
  local takes = {}
  for i = 0, reaper.CountSelectedMediaItems(project) - 1 do
    local take = reaper.GetActiveTake(reaper.GetSelectedMediaItem(project, i))
    if take and reaper.TakeIsMIDI(take) then takes[#takes + 1] = take end
  end
  return takes
end

-- Give the take that is meant, and whether the MIDI editor shows it: that one, unless only others are selected. Nil
-- when there is none.
function selection.midi_take(project)
  local editor, takes = reaper.MIDIEditor_GetActive(), selected_midi_takes(project)
  local shown = editor and reaper.MIDIEditor_GetTake(editor)
  if shown and not reaper.ValidatePtr2(project, shown, "MediaItem_Take*") then shown = nil end
  for _, take in ipairs(takes) do
    if take == shown then return shown, true end
  end
  if #takes > 0 then return takes[1], false end
  return shown, shown ~= nil
end

-- Give the stretches of a take's item that are meant: razor edits on its track, else the time selection.
function selection.gaps(project, item)
  local spans = selection.razor_edits(reaper.GetMediaItemTrack(item))
  if #spans == 0 then spans = { selection.time(project) } end
  return #spans > 0 and selection.within(item, spans) or {}
end

return selection
