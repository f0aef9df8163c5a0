-- @noindex
-- @description diffroll-live: Settings
-- How the notes are made, and what these scripts find in this REAPER.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("dialog").show()
