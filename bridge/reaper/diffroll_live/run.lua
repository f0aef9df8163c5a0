-- @noindex
-- One press of a key, from the selection to the notes in the project. Deferred: REAPER goes on meanwhile.

local continuing = require("continuing")
local filling = require("filling")
local mailbox = require("mailbox")
local placing = require("placing")
local session = require("session")
local settings = require("settings")
local tempo = require("tempo")
local transcribing = require("transcribing")

local run = {}

local TITLE = "diffroll-live"
local ALIVE = 3.0 -- s after which a job that has not been heard of is no longer there

-- Each task: what it makes jobs of, what it does with their notes, and the name of its undo step.
local TASKS = {
  transcribe = { transcribing.transcribe, transcribing.place, "diffroll-live: transcribe selection" },
  fill = { filling.fill, filling.place, "diffroll-live: fill region" },
  continue = { continuing.continue, transcribing.place, "diffroll-live: continue" },
  generate = { transcribing.generate, transcribing.place, "diffroll-live: generate" },
}

local function tell(text)
  reaper.ShowMessageBox(text, TITLE, 0)
end

local function hint(text)
  if reaper.APIExists("Help_Set") then reaper.Help_Set(text, true) end
end

local function stamp(key, value)
  reaper.SetExtState(settings.SECTION, key, tostring(value), false)
end

-- The folder where the daemon listens, as the settings have it.
function run.folder(values)
  return values.spool ~= "" and values.spool or mailbox.default_folder()
end

-- Move a job's notes and pedal from its buffer's axis to the project's.
local function move(job)
  for _, note in pairs(job.notes) do
    note.onset, note.offset = note.onset + job.origin, note.offset + job.origin
  end
  local pedal = {}
  for down, up in pairs(job.pedal) do pedal[#pedal + 1] = { onset = down + job.origin, offset = up + job.origin } end
  table.sort(pedal, function(a, b) return a.onset < b.onset end)
  job.pedal = pedal
end

local function conclude(state)
  state.over = true
  stamp("running", 0)
  if not placing.is_open(state.project) then
    tell("The project was closed meanwhile; its notes are not kept.")
    return
  end
  for _, job in ipairs(state.jobs) do move(job) end
  local fine, what = state.place(state.project, state.jobs, state.name)
  if fine == false then tell(what) end
  if fine then hint(string.format("%s: %d notes", TITLE, what)) end
end

local function give_up(state, text)
  if state.over then return end -- REAPER ends the script: nobody is there to be told
  state.over = true
  stamp("running", 0)
  hint("")
  tell(text)
end

-- Have each job written in the project's bars and tempi.
local function keep_time(project, jobs)
  for _, job in ipairs(jobs) do
    local sound = job.request.recording
    job.request.tempi = tempo.rows(project, job.origin, math.max(job.piece.t1, sound and sound.t1 or job.piece.t1))
  end
end

-- Begin the next job, or put the notes of all of them into the project.
local function go_on(state)
  state.at = state.at + 1
  local job = state.jobs[state.at]
  if not job then return conclude(state) end
  job.request.plays = state.plays
  state.session = session.start(state.folder, job.request, {
    progress = function(share)
      hint(string.format("%s: %d %%", TITLE, math.floor(100 * (state.at - 1 + share) / #state.jobs)))
    end,
    done = function(list, pedal)
      job.notes, job.pedal, state.ready = list, pedal, true
    end,
    failed = function(text) give_up(state, text) end,
  })
end

local function tick(state)
  local now = reaper.time_precise()
  if reaper.GetExtState(settings.SECTION, "cancel") ~= state.cancel then
    state.session:cancel()
    give_up(state, "The job was cancelled.") -- where it was done already, and another would have begun
  elseif state.ready then
    state.ready = false
    go_on(state)
  else
    state.session:tick()
  end
  if not state.over and now - state.stamped > 1.0 then
    state.stamped = now
    stamp("running", now)
  end
end

-- Take back what runs, without a word.
local function drop(state)
  state.over = true
  stamp("running", 0)
  state.session:cancel()
end

-- Tick until the end. What goes wrong in a tick ends the job, not REAPER's evening.
local function keep_going(state)
  local function again()
    local fine, problem = xpcall(tick, debug.traceback, state)
    if not fine then
      drop(state)
      tell("The script has failed, and the job was cancelled:\n\n" .. tostring(problem))
    end
    if not state.over then reaper.defer(again) end
  end
  reaper.atexit(function()
    if not state.over then drop(state) end
  end)
  reaper.defer(again)
end

-- Run one of the TASKS for the project in front.
function run.task(name)
  local values, project = settings.current(), reaper.EnumProjects(-1)
  local prepare, place, step = table.unpack(TASKS[name])
  local jobs, problem = prepare(project, values, transcribing.options(values, settings.FIELDS))
  if not jobs then return tell(problem) end
  local folder, now = run.folder(values), reaper.time_precise()
  if not folder then return tell("There is no home folder; name the spool's folder in diffroll-live's settings.") end
  local state = {
    project = project, jobs = jobs, place = place, name = step, folder = folder, plays = values.deliver == "both",
    at = 0, stamped = now, cancel = reaper.GetExtState(settings.SECTION, "cancel"),
  }
  keep_time(project, jobs)
  stamp("running", now)
  go_on(state)
  if not state.over then keep_going(state) end
end

-- Cancel whatever these scripts run; say so when nothing does.
function run.cancel()
  local running = tonumber(reaper.GetExtState(settings.SECTION, "running")) or 0
  local alive = running ~= 0 and math.abs(reaper.time_precise() - running) < ALIVE
  if not alive then return tell("No job of diffroll-live runs.") end
  stamp("cancel", reaper.genGuid(""))
end

return run
