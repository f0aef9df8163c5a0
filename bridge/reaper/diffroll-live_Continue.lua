-- @noindex
-- @description diffroll-live: Continue
-- Notes that go on where the selected item ends.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("run").task("continue")
