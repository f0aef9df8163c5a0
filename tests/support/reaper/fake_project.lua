-- The state behind the fake reaper table: projects with tracks, items, takes, notes in ticks, a tempo map, undo steps.
-- Assumes that REAPER has 960 ticks a quarter note, steps of tempo (no ramps), that a MIDI take begins at its item, and
-- that a mark with a signature begins a bar.

local fake = {}

fake.PPQ = 960

-- Ids differ from process to process, as REAPER's do.
local urandom = assert(io.open("/dev/urandom", "rb"))
local function guid()
  local a, b, c, d, e = string.unpack("<I4I2I2I2I6", urandom:read(16))
  return string.format("{%08X-%04X-%04X-%04X-%012X}", a, b, c, d, e)
end
fake.guid = guid

function fake.project(tempos)
  return {
    kind = "ReaProject", tracks = {}, tempos = tempos or { { 0, 120 } }, undo = {}, open_blocks = 0, loop = { 0, 0 },
    cursor = 0,
  }
end

function fake.track(project, name, at)
  local track = {
    kind = "MediaTrack", project = project, items = {}, name = name or "", guid = guid(), razor = "", selected = false,
  }
  table.insert(project.tracks, at or #project.tracks + 1, track)
  return track
end

local function item_on(track, position, length, take)
  local item = {
    kind = "MediaItem", track = track, guid = guid(), selected = false, ext = {},
    values = { D_POSITION = position, D_LENGTH = length, B_LOOPSRC = 0, C_LOCK = 0 },
  }
  item.take = take
  if take then take.item = item end
  table.insert(track.items, item)
  return item
end

-- An item that plays `source` = { type, path, length (s), channels, sound(t, channel), parent, section, reversed }.
function fake.audio_item(track, position, length, source, values)
  if source then source.kind = "PCM_source" end
  local take = {
    kind = "MediaItem_Take", guid = guid(), source = source, markers = 0,
    values = { D_PLAYRATE = 1, D_PITCH = 0, I_CHANMODE = 0, D_STARTOFFS = 0 },
  }
  for name, value in pairs(values or {}) do take.values[name] = value end
  return item_on(track, position, length, take)
end

function fake.empty_item(track, position, length)
  return item_on(track, position, length, nil)
end

-- A MIDI item with notes { start, stop, channel, pitch, velocity, selected, muted } in project seconds.
function fake.midi_item(track, position, finish, notes)
  local source = { kind = "PCM_source", type = "MIDI", path = "", beats = true }
  local take = {
    kind = "MediaItem_Take", guid = guid(), source = source, notes = {}, midi = true, markers = 0,
    values = { D_PLAYRATE = 1 },
  }
  local item = item_on(track, position, finish - position, take)
  source.length = fake.qn(track.project, finish) - fake.qn(track.project, position)
  for _, note in ipairs(notes or {}) do
    table.insert(take.notes, {
      start = fake.ppq(take, note[1]), stop = fake.ppq(take, note[2]), channel = note[3] or 0, pitch = note[4],
      velocity = note[5] or 80, selected = note[6] or false, muted = note[7] or false,
    })
  end
  fake.sort(take)
  return item
end

function fake.sort(take)
  table.sort(take.notes, function(a, b) return a.start < b.start or a.start == b.start and a.pitch < b.pitch end)
end

function fake.qn(project, time)
  local beats, at, bpm = 0, 0, project.tempos[1][2]
  for _, point in ipairs(project.tempos) do
    if point[1] > time then break end
    beats, at, bpm = beats + (point[1] - at) * bpm / 60, point[1], point[2]
  end
  return beats + (time - at) * bpm / 60
end

function fake.time(project, qn)
  local beats, at, bpm = 0, 0, project.tempos[1][2]
  for _, point in ipairs(project.tempos) do
    local there = beats + (point[1] - at) * bpm / 60
    if there > qn then break end
    beats, at, bpm = there, point[1], point[2]
  end
  return at + (qn - beats) * 60 / bpm
end

-- The signature at a time, and the tempo; a point { time, tempo, numerator, denominator } with one begins a bar.
function fake.signature(project, time)
  local numerator, denominator, bpm, begin = 4, 4, project.tempos[1][2], 0
  for _, point in ipairs(project.tempos) do
    if point[1] > time then break end
    bpm = point[2]
    if point[3] then numerator, denominator, begin = point[3], point[4], fake.qn(project, point[1]) end
  end
  return numerator, denominator, bpm, begin
end

-- The number of the bar that a quarter note lies in, and where it begins and ends, in quarter notes.
function fake.measure(project, qn)
  local numerator, denominator, _, begin = fake.signature(project, fake.time(project, qn) + 1e-9)
  local size = 4 * numerator / denominator
  local number = math.floor((qn - begin) / size + 1e-9)
  local finish = begin + (number + 1) * size
  for _, point in ipairs(project.tempos) do
    local there = fake.qn(project, point[1])
    if point[3] and there > begin + 1e-9 then finish = math.min(finish, there) end
  end
  return number, begin + number * size, finish
end

local function begin_qn(take)
  return fake.qn(take.item.track.project, take.item.values.D_POSITION)
end

function fake.ppq(take, time)
  return (fake.qn(take.item.track.project, time) - begin_qn(take)) * fake.PPQ
end

function fake.seconds(take, ppq)
  return fake.time(take.item.track.project, begin_qn(take) + ppq / fake.PPQ)
end

-- All that Undo brings back, by value; handles stay what they are.
function fake.snapshot(project)
  local state = { tracks = { table.unpack(project.tracks) }, of = {} }
  for _, track in ipairs(project.tracks) do
    state.of[track] = { items = { table.unpack(track.items) }, name = track.name }
    for _, item in ipairs(track.items) do
      local ext, notes = {}, item.take and item.take.notes and {}
      for key, value in pairs(item.ext) do ext[key] = value end
      for i, note in ipairs(notes and item.take.notes or {}) do
        notes[i] = {}
        for key, value in pairs(note) do notes[i][key] = value end
      end
      state.of[item] = { ext = ext, notes = notes }
    end
  end
  return state
end

function fake.restore(project, state)
  project.tracks = state.tracks
  for _, track in ipairs(project.tracks) do
    track.items, track.name = state.of[track].items, state.of[track].name
    for _, item in ipairs(track.items) do
      item.ext = state.of[item].ext
      if item.take and item.take.notes then item.take.notes = state.of[item].notes end
    end
  end
end

-- A text of everything in a project, to compare.
function fake.picture(project)
  local lines = {}
  for _, track in ipairs(project.tracks) do
    lines[#lines + 1] = "track " .. track.name
    for _, item in ipairs(track.items) do
      lines[#lines + 1] = string.format("item %.9f %.9f", item.values.D_POSITION, item.values.D_LENGTH)
      for _, n in ipairs(item.take and item.take.notes or {}) do
        lines[#lines + 1] = string.format("%.9f %.9f %d %d %d", n.start, n.stop, n.channel, n.pitch, n.velocity)
      end
    end
  end
  return table.concat(lines, "\n")
end

return fake
