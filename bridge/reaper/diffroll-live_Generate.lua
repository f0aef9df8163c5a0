-- @noindex
-- @description diffroll-live: Generate
-- Notes from nothing, in the time selection or from the edit cursor on.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("run").task("generate")
