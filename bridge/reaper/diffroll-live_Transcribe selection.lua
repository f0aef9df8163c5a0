-- @noindex
-- @description diffroll-live: Transcribe selection
-- Notes of the selected audio items, on new tracks beside them.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("run").task("transcribe")
