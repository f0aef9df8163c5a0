-- Gaps in MIDI items: what is written, what is kept, and what an edit in between means.

local gap = require("gap")
local set, with_known, fill = gap.set, gap.with_known, gap.fill

local scenes = {}

local function outside(stage, item, t0, t1, low, high)
  local lines = {}
  for _, n in ipairs(stage.notes(item)) do
    if n[1] < t0 - 1e-6 or n[1] >= t1 - 1e-6 or n[3] < (low or 0) or n[3] > (high or 127) then
      lines[#lines + 1] = string.format("%.6f %.6f %d %d", table.unpack(n))
    end
  end
  return table.concat(lines, "\n")
end

scenes["a fill lands in the item and touches nothing beside the gap"] = function(stage)
  local project, _, item = set(stage, { { 0, 97 }, { 8.7, 141 }, { 9.5, 60 } })
  local before, picture = outside(stage, item, 8, 10), stage.fake.picture(project)
  -- the buffer begins at 0, since the item does: 10 s around the gap are cut to it
  fill(stage, { { 77, 8.1, 0.3, 99 }, { 78, 9.9, 3.0, 98 }, { 52, 9.6, 9.0, 96 }, { 79, 3.0, 0.2, 97 } })
  stage.equal(#stage.rig.boxes, 0)
  stage.equal(outside(stage, item, 8, 10), before, "beside the gap")
  local inside = {}
  for _, n in ipairs(stage.notes(item)) do
    if n[1] >= 8 - 1e-6 and n[1] < 10 - 1e-6 then inside[#inside + 1] = n end
  end
  stage.equal(#inside, 3)
  stage.close(inside[1][1], 8.1, 0.001)
  stage.close(inside[2][2], 13.0, 0.002, "a new note ends where its key is struck again")
  stage.close(inside[3][2], 12.9, 0.002, "and may ring into what follows")
  stage.equal(item.take.notes[1].channel, 3)
  stage.equal(#project.tracks, 1)
  stage.equal(#project.undo, 1)
  reaper.Undo_DoUndo2(project)
  stage.equal(stage.fake.picture(project), picture, "after undo")
end

scenes["the daemon hears of the notes around, not of those in the gap"] = function(stage)
  set(stage)
  fill(stage, {})
  local told = stage.was_asked("/diffroll/job/note")
  stage.equal(#told, 36)
  for _, note in ipairs(told) do assert(note[4] < 8 or note[4] >= 10, "told of " .. note[4]) end
  local region = stage.was_asked("/diffroll/job/region")[1]
  stage.equal(region[3], 8.0)
  stage.equal(region[4], 10.0)
  stage.equal(region[5], 21)
  stage.equal(region[6], 108)
  stage.equal(region[7], 0)
  stage.equal(stage.was_asked("/diffroll/job/new")[1][3], "inpaint")
end

local function tempi(stage)
  local rows = {}
  for i, row in ipairs(stage.was_asked("/diffroll/job/tempo")) do
    rows[i] = string.format("%.3f %.2f %d/%d %.3f", row[3], row[4], row[5], row[6], row[7])
  end
  return table.concat(rows, "; ")
end

scenes["the daemon hears of the project's bars and tempi"] = function(stage)
  set(stage, { { 0, 60, 3, 4 }, { 6.0, 120 }, { 9.0, 90, 6, 8 }, { 15.25, 100 }, { 40.0, 33 } })
  fill(stage, {})
  stage.equal(tempi(stage), "0.000 60.00 3/4 0.000; 6.000 120.00 3/4 6.000; 9.000 90.00 6/8 12.000; "
    .. "15.250 100.00 6/8 21.375", "rows")
end

scenes["a tempo that no music has is not told"] = function(stage)
  set(stage, { { 0, 120 }, { 6.0, 2 } })
  fill(stage, {})
  stage.equal(tempi(stage), "")
  stage.equal(#stage.was_asked("/diffroll/job/run"), 1)
end

scenes["bars are counted from a bar line before what is sent"] = function(stage)
  local _, _, item = set(stage, { { 0, 120, 3, 4 } })
  item.values.D_POSITION, item.values.D_LENGTH = 2.0, 18.0
  fill(stage, {})
  stage.equal(stage.was_asked("/diffroll/job/region")[1][3], 6.0)
  stage.equal(tempi(stage), "-0.500 120.00 3/4 0.000", "a bar began half a second before the item")
end

scenes["selected notes bound the pitches and are kept"] = function(stage)
  local project, _, item = set(stage)
  stage.rig.editor = { kind = "HWND", take = item.take }
  local kept
  for _, note in ipairs(item.take.notes) do
    local t = stage.fake.seconds(item.take, note.start)
    if math.abs(t - 8.5) < 1e-6 or math.abs(t - 9.5) < 1e-6 then note.selected, kept = true, note.pitch end
  end -- pitches 50 + 17 % 12 = 55 and 50 + 19 % 12 = 57; in the gap there are 54 at 8 s and 56 at 9 s, too
  fill(stage, { { 56, 8.25, 0.2, 90 }, { 90, 8.25, 0.2, 90 }, { 55, 8.6, 0.2, 90 } })
  local found = {}
  for _, n in ipairs(stage.notes(item)) do
    if n[1] >= 8 - 1e-6 and n[1] < 10 - 1e-6 then found[#found + 1] = n[3] .. "@" .. string.format("%.2f", n[1]) end
  end
  stage.equal(table.concat(found, " "), "54@8.00 56@8.25 55@8.50 57@9.50")
  for _, region in ipairs(stage.was_asked("/diffroll/job/region")) do assert(region[5] >= 55 and region[6] <= 57) end
  stage.equal(#stage.was_asked("/diffroll/job/note"), 39, "all but the one that may be replaced")
  stage.equal(project.undo[1].name, "diffroll-live: fill region")
end

scenes["muted notes in the gap stay"] = function(stage)
  local _, _, item = set(stage)
  item.take.notes[17].muted = true -- at 8 s
  fill(stage, {})
  local found = 0
  for _, n in ipairs(item.take.notes) do found = found + (n.muted and 1 or 0) end
  stage.equal(found, 1)
  stage.equal(#item.take.notes, 37)
end

scenes["several razor edits are several gaps"] = function(stage)
  local _, track, item = set(stage)
  track.razor = '15.5 16.0 "" 0.5 1,2.0 3.0 "",15.0 15.75 "" 0 0.5'
  fill(stage, { { 100, 2.5, 0.25, 90 }, { 101, 15.25, 0.25, 90 }, { 102, 8.5, 0.25, 90 } })
  local high = {}
  for _, n in ipairs(stage.notes(item)) do
    if n[3] >= 100 then high[#high + 1] = n[3] end
  end
  stage.equal(table.concat(high, " "), "100 101")
  stage.equal(#item.take.notes, 38)
  stage.equal(#stage.was_asked("/diffroll/job/region"), 2, "regions: two of the edits overlap")
end

scenes["notes that the item's end hides are neither told nor touched"] = function(stage)
  local _, _, item = set(stage)
  item.values.D_LENGTH = 15.0
  fill(stage, {})
  stage.equal(#stage.was_asked("/diffroll/job/note"), 26)
  stage.equal(#item.take.notes, 36)
end

scenes["without sound around it, silence is sent, and the notes speak"] = function(stage)
  set(stage)
  local size
  stage.serve(with_known({}), { ["/diffroll/audio/file"] = function(m) size = #stage.read(m[3]) end })
  stage.press("Fill region")
  stage.play_out()
  stage.equal(size, 44 + 4 * 8000 * 20)
end

scenes["the item that the notes were heard in is the sound around the gap"] = function(stage)
  local project, _, item = set(stage)
  local path = stage.path("source.flac")
  stage.write(path, "fLaC")
  local track = stage.fake.track(project, "Take")
  local audio = stage.fake.audio_item(track, 5.0, 10.0, { type = "FLAC", path = path, length = 60.0 })
  item.ext["P_EXT:diffroll_live_source"] = audio.guid
  fill(stage, {})
  local sent = stage.was_asked("/diffroll/audio/file")[1]
  stage.equal(sent[3], path)
  stage.equal(sent[5], 10.0)
  stage.equal(stage.was_asked("/diffroll/job/region")[1][3], 3.0, "on the buffer's axis")
end

scenes["the gap's own sound is heard when the settings say so, unless there is none"] = function(stage)
  local project, _, item = set(stage)
  stage.rig.ext["diffroll-live/hear"] = "1"
  fill(stage, {})
  stage.equal(stage.was_asked("/diffroll/job/region")[1][7], 0)
  local path = stage.path("source.flac")
  stage.write(path, "fLaC")
  local track = stage.fake.track(project, "Take")
  stage.fake.audio_item(track, 0.0, 20.0, { type = "FLAC", path = path, length = 60.0 }).selected = true
  stage.fake.empty_item(track, 0.0, 20.0).selected = true
  fill(stage, {})
  stage.equal(stage.was_asked("/diffroll/job/region")[2][7], 1)
end

scenes["a selected item is meant when the editor shows another"] = function(stage)
  local _, track, item = set(stage)
  local other = stage.fake.midi_item(track, 30.0, 40.0, { { 31, 32, 0, 60 } })
  stage.rig.editor = { kind = "HWND", take = other.take }
  fill(stage, {})
  stage.equal(#item.take.notes, 36)
  item.selected = false
  stage.rig.boxes = {}
  stage.press("Fill region")
  stage.one_box("Say which part") -- the editor's item lies elsewhere
end

scenes["an empty item without sound has nothing to be filled from"] = function(stage)
  local _, _, item = set(stage)
  item.take.notes = {}
  stage.press("Fill region")
  stage.one_box("Nothing surrounds the gap")
end

scenes["no gap is asked for"] = function(stage)
  local project = set(stage)
  project.loop = { 0, 0 }
  stage.press("Fill region")
  stage.one_box("time selection or a razor edit")
end

scenes["no MIDI item is asked for"] = function(stage)
  stage.rig.add_project()
  stage.press("Fill region")
  stage.one_box("Select a MIDI item")
end

scenes["an item that repeats its notes is refused"] = function(stage)
  local _, _, item = set(stage)
  item.values.B_LOOPSRC, item.take.source.length = 1, 4.0
  stage.press("Fill region")
  stage.one_box("glue it first")
end

return scenes
