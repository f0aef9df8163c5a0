-- @noindex
-- @description diffroll-live: Fill region
-- New notes in the selected gap of a MIDI item, from what surrounds it.

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "diffroll_live/?.lua;" .. package.path

require("run").task("fill")
