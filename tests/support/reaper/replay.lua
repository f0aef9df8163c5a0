-- Replays a session with the scripts' own mailbox: lua replay.lua SESSION BRIDGE SPOOL. SESSION has a line for each
-- message: "client" or "daemon", then what is sent, or the address of what is answered. Prints every answer.

local session, bridge, spool = table.unpack(arg)
local here = arg[0]:match("^(.*)/")
package.path = here .. "/?.lua;" .. bridge .. "/diffroll_live/?.lua;" .. package.path

reaper = require("fake_reaper").reaper
local line, mailbox = require("line"), require("mailbox")

local PATIENCE = 2000 -- looks, 10 ms apart

local box = assert(mailbox.open(spool), "there is no spool")

local function answer()
  for _ = 1, PATIENCE do
    local text = box:next_line()
    if text then return assert(line.read(text), "not a line: " .. text) end
    os.execute("sleep 0.01")
  end
  error("no answer")
end

for text in io.lines(session) do
  local message = assert(line.read(text), text)
  if message[1] == "client" then
    assert(box:send({ line.write(table.unpack(message, 2)) }))
  else
    local got = answer()
    print(line.write(table.unpack(got)))
    assert(got[1] == message[2], "expected " .. message[2])
  end
end
