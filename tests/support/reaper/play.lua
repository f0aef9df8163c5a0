-- Plays one scene: lua play.lua SCENES NAME BRIDGE FOLDER [ticks]. Ends with an error when something in it is not so;
-- with `ticks`, says how long its ticks took.

local file, name, bridge, folder = table.unpack(arg)
local here = arg[0]:match("^(.*)/")
package.path = here .. "/?.lua;" .. bridge .. "/diffroll_live/?.lua;" .. package.path

local stage = require("stage")
stage.bridge, stage.folder = bridge, folder
reaper = stage.rig.reaper

local forbidden = function() error("nothing is evaluated as code") end
load, loadstring = forbidden, forbidden

local scenes = dofile(here .. "/" .. file .. ".lua")
assert(scenes[name], "no such scene: " .. name)(stage)
stage.check_tidy()
if arg[5] == "ticks" then print(stage.tick_times()) end
