-- @noindex
-- @description diffroll-live: Cancel
-- Takes back whatever the other actions are waiting for.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("run").cancel()
