-- @noindex
-- The settings as a dialog, and after it what was found out about this REAPER and the daemon.

local findings = require("findings")
local mailbox = require("mailbox")
local run = require("run")
local settings = require("settings")

local dialog = {}

local TITLE = "diffroll-live: settings"

-- Take an answer apart at its commas; the last field keeps its own, for a folder may have some.
local function split(text)
  local parts, rest = {}, text
  for i = 1, #settings.FIELDS - 1 do
    parts[i], rest = rest:match("^([^,]*),?(.*)$")
  end
  parts[#settings.FIELDS] = rest
  return parts
end

local function ask(texts)
  local captions = {}
  for i, field in ipairs(settings.FIELDS) do captions[i] = field.caption end
  captions[#captions + 1] = "extrawidth=160"
  return reaper.GetUserInputs(TITLE, #settings.FIELDS, table.concat(captions, ","), table.concat(texts, ","))
end

local function current()
  local values, texts = settings.current(), {}
  for i, field in ipairs(settings.FIELDS) do texts[i] = tostring(values[field.key]) end
  return texts
end

-- Ask until every value makes sense, or the user gives up; then report to REAPER's console.
function dialog.show()
  local texts, wrong = current(), nil
  repeat
    local fine, answer = ask(texts)
    if not fine then return end
    texts = split(answer)
    wrong = settings.store(texts)
    if wrong then reaper.ShowMessageBox("This value cannot be: " .. wrong, TITLE, 0) end
  until not wrong
  local project, folder = reaper.EnumProjects(-1), run.folder(settings.current())
  findings.look(folder and mailbox.open(folder), function(answer, rate)
    reaper.ShowConsoleMsg(findings.report(project, folder, answer, rate))
  end)
end

return dialog
