-- A reaper table that keeps real state and fails on any call with the wrong arguments, on a handle of something that
-- was deleted, and on a function that REAPER does not have. Signatures are those of REAPER's own documentation.

local fake = require("fake_project")

local rig = {
  projects = {}, front = 1, ext = {}, boxes = {}, answers = {}, hints = {}, console = {}, deferred = {}, exits = {},
  inputs = {}, clock = 0.0, editor = nil, resources = "/nowhere/REAPER", system = "Other", absent = {}, accessors = 0,
  calls = {}, refresh = 0, array_garbage = 0.77,
}

function rig.add_project(tempos)
  local project = fake.project(tempos)
  table.insert(rig.projects, project)
  return project
end

local function lives(handle)
  for _, project in ipairs(rig.projects) do
    if handle == project then return true end
    for _, track in ipairs(project.tracks) do
      if handle == track then return true end
      for _, item in ipairs(track.items) do
        if handle == item or handle == item.take or item.take and handle == item.take.source then return true end
      end
    end
  end
  return type(handle) == "table" and handle.kind == "PCM_source"
end

local CHECKS = {
  int = function(v) return math.type(v) == "integer" or math.type(v) == "float" and v == math.floor(v) end,
  num = function(v) return type(v) == "number" and v == v end,
  str = function(v) return type(v) == "string" end,
  bool = function(v) return type(v) == "boolean" end,
  func = function(v) return type(v) == "function" end,
  array = function(v) return type(v) == "table" and v.is_array end,
  any = function() return true end,
  accessor = function(v) return type(v) == "table" and v.kind == "accessor" and not v.destroyed end,
  editor = function(v) return type(v) == "table" and v.kind == "HWND" end,
}
for code, kind in pairs({
  proj = "ReaProject", track = "MediaTrack", item = "MediaItem", take = "MediaItem_Take", source = "PCM_source",
}) do
  CHECKS[code] = function(v) return type(v) == "table" and v.kind == kind and lives(v) end
end

local function checked(name, types, body)
  return function(...)
    local given = select("#", ...)
    if given ~= #types then error(string.format("%s takes %d arguments, not %d", name, #types, given), 2) end
    for i, code in ipairs(types) do
      local value = select(i, ...)
      if not CHECKS[code](value) then
        error(string.format("argument %d of %s must be %s, not %s", i, name, code, tostring(value)), 2)
      end
    end
    rig.calls[name] = (rig.calls[name] or 0) + 1
    return body(...)
  end
end

local api = {}
local function def(name, types, body)
  local codes = {}
  for code in types:gmatch("%a+") do codes[#codes + 1] = code end
  api[name] = checked(name, codes, body)
end

local function find(list, wanted)
  for i, value in ipairs(list) do
    if value == wanted then return i end
  end
end

local function selected(project, kind)
  local list = {}
  for _, track in ipairs(project.tracks) do
    if kind == "track" and track.selected then list[#list + 1] = track end
    for _, item in ipairs(kind == "item" and track.items or {}) do
      if item.selected then list[#list + 1] = item end
    end
  end
  return list
end

-- Application
def("GetOS", "", function() return rig.system end)
def("GetAppVersion", "", function() return "7.0/fake" end)
def("GetResourcePath", "", function() return rig.resources end)
def("APIExists", "str", function(name) return api[name] ~= nil and not rig.absent[name] end)
def("file_exists", "str", function(path) return os.rename(path, path) == true end)
def("genGuid", "str", function() return fake.guid() end)
def("time_precise", "", function() return rig.clock + os.clock() end)
def("defer", "func", function(f) table.insert(rig.deferred, f) end)
def("atexit", "func", function(f) table.insert(rig.exits, f) end)
def("get_action_context", "", function() return true, rig.script, 0, 1, 0, 0, 0, "" end)
def("ShowMessageBox", "str str int", function(text, _, kind)
  table.insert(rig.boxes, text)
  return kind == 0 and 1 or assert(table.remove(rig.answers, 1), "nobody answers: " .. text)
end)
def("ShowConsoleMsg", "str", function(text) table.insert(rig.console, text) end)
def("Help_Set", "str bool", function(text) table.insert(rig.hints, text) end)
def("GetUserInputs", "str int str str", function(_, n, captions, values)
  assert(n <= 16 and select(2, captions:gsub(",", ",")) == n, "captions do not fit their number")
  rig.asked = values
  local answer = table.remove(rig.inputs, 1)
  return answer ~= nil, answer or ""
end)
def("GetExtState", "str str", function(section, key) return rig.ext[section .. "/" .. key] or "" end)
def("SetExtState", "str str str bool", function(section, key, value, persist)
  assert(not persist or not value:find("[\r\n]"), "no line breaks in what persists")
  rig.ext[section .. "/" .. key] = value
end)

-- Projects
def("EnumProjects", "int", function(i) return rig.projects[i == -1 and rig.front or i + 1], "" end)
def("SelectProjectInstance", "proj", function(p) rig.front = find(rig.projects, p) end)
def("ValidatePtr2", "proj any str", function(project, handle, kind)
  if type(handle) ~= "table" or handle.kind .. "*" ~= kind or not lives(handle) then return false end
  local track = handle.item and handle.item.track or handle.track or handle
  return track.project == project
end)
def("Undo_BeginBlock2", "proj", function(p)
  assert(p.open_blocks == 0, "an undo block is open")
  p.open_blocks, p.before = 1, fake.snapshot(p)
end)
def("Undo_EndBlock2", "proj str int", function(p, name)
  assert(p.open_blocks == 1, "no undo block is open")
  p.open_blocks = 0
  table.insert(p.undo, { name = name, state = p.before })
end)
def("Undo_DoUndo2", "proj", function(p)
  local step = table.remove(p.undo)
  if step then fake.restore(p, step.state) end
  return step and 1 or 0
end)
def("PreventUIRefresh", "int", function(n) rig.refresh = rig.refresh + n end)
def("UpdateArrange", "", function() end)
def("GetSet_LoopTimeRange2", "proj bool bool num num bool", function(p) return p.loop[1], p.loop[2] end)
def("GetCursorPositionEx", "proj", function(p) return p.cursor end)
def("TimeMap2_QNToTime", "proj num", function(p, qn) return fake.time(p, qn) end)
def("TimeMap2_timeToQN", "proj num", function(p, time) return fake.qn(p, time) end)
def("TimeMap_QNToMeasures", "proj num", function(p, qn) return fake.measure(p, qn) end)
def("TimeMap_GetTimeSigAtTime", "proj num", function(p, time) return fake.signature(p, time) end)
def("CountTempoTimeSigMarkers", "proj", function(p) return #p.tempos end)
def("GetTempoTimeSigMarker", "proj int", function(p, i)
  local point = p.tempos[i + 1]
  if not point then return false, 0, 0, 0, 0, 0, 0, false end
  return true, point[1], 0, 0, point[2], point[3] or -1, point[4] or -1, false
end)

-- Tracks
def("CountTracks", "proj", function(p) return #p.tracks end)
def("GetTrack", "proj int", function(p, i) return p.tracks[i + 1] end)
def("CountSelectedTracks", "proj", function(p) return #selected(p, "track") end)
def("GetSelectedTrack", "proj int", function(p, i) return selected(p, "track")[i + 1] end)
def("InsertTrackAtIndex", "int bool", function(i) fake.track(rig.projects[rig.front], "", i + 1) end)
def("GetMediaTrackInfo_Value", "track str", function(t, name)
  assert(name == "IP_TRACKNUMBER", "not in this fake: " .. name)
  return find(t.project.tracks, t) + 0.0
end)
def("GetSetMediaTrackInfo_String", "track str str bool", function(t, name, value, set)
  if name == "P_NAME" then
    if set then t.name = value end
    return true, t.name
  end
  assert(not set and (name == "P_RAZOREDITS" or name == "P_RAZOREDITS_EXT"), "not in this fake: " .. name)
  if rig.absent[name] then return false, "" end
  return true, name == "P_RAZOREDITS" and t.razor_plain or t.razor
end)

-- Items
def("CountMediaItems", "proj", function(p)
  local n = 0
  for _, track in ipairs(p.tracks) do n = n + #track.items end
  return n
end)
def("GetMediaItem", "proj int", function(p, i)
  for _, track in ipairs(p.tracks) do
    if i < #track.items then return track.items[i + 1] end
    i = i - #track.items
  end
end)
def("CountTrackMediaItems", "track", function(t) return #t.items end)
def("GetTrackMediaItem", "track int", function(t, i) return t.items[i + 1] end)
def("CountSelectedMediaItems", "proj", function(p) return #selected(p, "item") end)
def("GetSelectedMediaItem", "proj int", function(p, i) return selected(p, "item")[i + 1] end)
def("GetMediaItemTrack", "item", function(item) return item.track end)
def("GetMediaItemInfo_Value", "item str", function(item, name)
  return assert(item.values[name], "not in this fake: " .. name)
end)
def("GetSetMediaItemInfo_String", "item str str bool", function(item, name, value, set)
  if name == "GUID" then return true, item.guid end
  assert(name:find("^P_EXT:"), "not in this fake: " .. name)
  if set then item.ext[name] = value end
  return item.ext[name] ~= nil, item.ext[name] or ""
end)
def("GetActiveTake", "item", function(item) return item.take end)
def("CreateNewMIDIItemInProj", "track num num bool", function(track, t0, t1, in_beats)
  assert(not in_beats and t1 > t0, "no such item")
  if track.refuses then return nil end
  return fake.midi_item(track, t0, t1)
end)

-- Takes and sources
def("GetMediaItemTake_Item", "take", function(take) return take.item end)
def("GetMediaItemTake_Source", "take", function(take) return take.source end)
def("GetMediaItemTakeInfo_Value", "take str", function(take, name)
  return assert(take.values[name], "not in this fake: " .. name)
end)
def("GetTakeNumStretchMarkers", "take", function(take) return take.markers end)
def("TakeIsMIDI", "take", function(take) return take.midi == true end)
def("GetMediaSourceType", "source", function(s) return s.type end)
def("GetMediaSourceFileName", "source", function(s) return s.path or "" end)
def("GetMediaSourceParent", "source", function(s) return s.parent end)
def("GetMediaSourceLength", "source", function(s) return s.length, s.beats == true end)
def("GetMediaSourceNumChannels", "source", function(s) return s.channels or 1 end)
def("PCM_Source_GetSectionInfo", "source", function(s)
  return s.type == "SECTION", s.section or 0.0, s.length, s.reversed == true
end)

-- Samples. A block beyond the end leaves the buffer as it was, as REAPER's does.
def("new_array", "int", function(size)
  local array = { is_array = true, size = size, data = {} }
  for i = 1, size do array.data[i] = rig.array_garbage end
  array.clear = function() for i = 1, size do array.data[i] = 0.0 end end
  array.table = function(offset, count)
    assert(offset >= 1 and offset + count - 1 <= size, "outside the array")
    return { table.unpack(array.data, offset, offset + count - 1) }
  end
  return array
end)
def("CreateTakeAudioAccessor", "take", function(take)
  rig.accessors = rig.accessors + 1
  return { kind = "accessor", take = take }
end)
def("DestroyAudioAccessor", "accessor", function(a)
  a.destroyed, rig.accessors = true, rig.accessors - 1
end)
def("AudioAccessorStateChanged", "accessor", function(a) return a.take.changed == true end)
def("GetAudioAccessorStartTime", "accessor", function() return 0.0 end)
def("GetAudioAccessorEndTime", "accessor", function(a)
  local length = a.take.item.values.D_LENGTH
  return rig.accessors_run_in_source and length * a.take.values.D_PLAYRATE or length
end)
def("GetAudioAccessorSamples", "accessor int int num int array", function(a, rate, channels, start, frames, array)
  local source = a.take.source
  assert(array.size >= channels * frames, "the array is too small")
  if a.take.offline then return 0 end
  local speed = rig.accessors_run_in_source and 1 or a.take.values.D_PLAYRATE
  local stop = a.take.item.values.D_LENGTH * a.take.values.D_PLAYRATE
  for frame = 0, frames - 1 do
    local t = (start + frame / rate) * speed
    for channel = 1, t < stop and channels or 0 do
      array.data[frame * channels + channel] = source.sound(a.take.values.D_STARTOFFS + t, channel)
    end
  end
  return 1
end)

-- MIDI
def("MIDIEditor_GetActive", "", function() return rig.editor end)
def("MIDIEditor_GetTake", "editor", function(editor) return editor.take end)
def("MIDI_CountEvts", "take", function(take) return true, #take.notes, 0, 0 end)
def("MIDI_GetNote", "take int", function(take, i)
  local n = take.notes[i + 1]
  if not n then return false, false, false, 0, 0, 0, 0, 0 end
  return true, n.selected, n.muted, n.start, n.stop, n.channel, n.pitch, n.velocity
end)
local INSERT = "take bool bool num num int int int bool"
def("MIDI_InsertNote", INSERT, function(take, selected_too, muted, start, stop, chan, pitch, vel, no_sort)
  assert(stop > start and chan >= 0 and chan <= 15, "no such note")
  assert(pitch >= 0 and pitch <= 127 and vel >= 1 and vel <= 127, "no such note")
  assert(start == math.floor(start) and stop == math.floor(stop), "a note between ticks")
  local note = { selected = selected_too, muted = muted, start = start, stop = stop }
  note.channel, note.pitch, note.velocity = chan, pitch, vel
  table.insert(take.notes, note)
  if rig.meddle then rig.meddle(take) end
  if not no_sort then fake.sort(take) end
  return true
end)
def("MIDI_InsertCC", "take bool bool num int int int int", function(take, _, _, at, kind, chan, number, value)
  assert(kind == 0xB0 and chan >= 0 and chan <= 15 and number <= 127 and value <= 127, "no such controller")
  assert(at == math.floor(at), "a controller between ticks")
  take.controls = take.controls or {}
  table.insert(take.controls, { at = at, channel = chan, number = number, value = value })
  return true
end)
def("MIDI_DeleteNote", "take int", function(take, i) return table.remove(take.notes, i + 1) ~= nil end)
def("MIDI_Sort", "take", fake.sort)
def("MIDI_GetHash", "take bool str", function(take)
  local parts = {}
  for i, n in ipairs(take.notes) do
    parts[i] = string.format("%g %g %d %d %d %s", n.start, n.stop, n.channel, n.pitch, n.velocity, n.muted)
  end
  return true, table.concat(parts, ";")
end)
def("MIDI_GetPPQPosFromProjTime", "take num", fake.ppq)
def("MIDI_GetProjTimeFromPPQPos", "take num", fake.seconds)
def("MIDI_GetProjQNFromPPQPos", "take num", function(take, ppq)
  return fake.qn(take.item.track.project, fake.seconds(take, ppq))
end)

rig.reaper = setmetatable({}, {
  __index = function(_, name)
    if api[name] and not rig.absent[name] then return api[name] end
    error("REAPER has no function " .. name, 2)
  end,
  __newindex = function() error("nothing is added to the reaper table") end,
})

return rig
