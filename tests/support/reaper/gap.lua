-- What the scenes about gaps share: a MIDI item with a gap in it, and a daemon that fills it.

local gap = {}

-- A MIDI item from 0 to 20 s, a note each half second, and a gap selected from 8 to 10 s.
function gap.set(stage, tempos)
  local project = stage.rig.add_project(tempos)
  local track = stage.fake.track(project, "Piano")
  local notes = {}
  for i = 0, 39 do notes[#notes + 1] = { i * 0.5, i * 0.5 + 0.4, 3, 50 + i % 12, 70 } end
  local item = stage.fake.midi_item(track, 0.0, 20.0, notes)
  item.selected = true
  project.loop = { 8.0, 10.0 }
  return project, track, item
end

-- What a daemon answers: the notes it was told, as it must, and new ones.
function gap.with_known(new)
  return function(asked)
    local list = {}
    for _, m in ipairs(asked) do
      if m[1] == "/diffroll/job/note" then list[#list + 1] = { m[3], m[4], m[5], m[6] } end
    end
    for _, note in ipairs(new) do list[#list + 1] = note end
    return list
  end
end

-- Press the key, and let the daemon answer with what it was told and new notes.
function gap.fill(stage, new, changes)
  stage.serve(gap.with_known(new), changes)
  stage.press("Fill region")
  stage.play_out()
end

return gap
