-- @noindex
-- What REAPER's documents leave open, looked at where it can be seen: in the user's own REAPER.

local findings = {}

local TICKS = 30

local function razor(project)
  local track = reaper.GetTrack(project, 0)
  if not track then return "not looked at: there is no track" end
  if reaper.GetSetMediaTrackInfo_String(track, "P_RAZOREDITS_EXT", "", false) then return "with lanes" end
  return reaper.GetSetMediaTrackInfo_String(track, "P_RAZOREDITS", "", false) and "without lanes" or "none"
end

local function accessor()
  local found = reaper.GetExtState("diffroll-live", "accessor")
  if found == "" then return "not met yet: no item was read by samples" end
  return "in the time of the " .. found
end

-- Say what was found. `answer` is what the daemon said to a hello, or nil; `rate` is ticks a second.
function findings.report(project, folder, answer, rate)
  return table.concat({
    "diffroll-live", "  REAPER " .. reaper.GetAppVersion() .. ", " .. reaper.GetOS() .. ", " .. _VERSION,
    "  spool: " .. (folder or "no home folder"), "  daemon: " .. (answer or "no answer"),
    string.format("  deferred scripts: %.0f ticks a second", rate), "  razor edits: " .. razor(project),
    "  samples of a take: " .. accessor(),
    "  progress in the status line: " .. tostring(reaper.APIExists("Help_Set")), "",
  }, "\n")
end

-- Count the ticks of a second's time, ask the daemon who it is meanwhile, then give both to `done`.
function findings.look(box, done)
  local line, begin, ticks, answer = require("line"), reaper.time_precise(), 0, nil
  if box then box:send({ line.write("/diffroll/hello", "REAPER settings") }) end
  local function again()
    ticks = ticks + 1
    local text = box and box:next_line()
    local message = text and line.read(text)
    if message and message[1] == "/diffroll/welcome" then
      answer = string.format("version %s, model %s, %s", message[3], message[4], message[5])
    end
    if ticks < TICKS then return reaper.defer(again) end
    if answer then box:send({}) elseif box then box:withdraw() end
    done(answer, TICKS / (reaper.time_precise() - begin))
  end
  reaper.defer(again)
end

return findings
