ardour {
	["type"] = "EditorHook",
	name = "diffroll-live: Transport",
	license = "MIT",
	author = "The authors of diffroll-live",
	description = [[
Lets the diffroll-live daemon follow Ardour's playhead.

It asks Ardour's own OSC surface, which must be enabled, to report to the daemon: see Edit > Preferences > Control Surfaces.
]]
}

function action_params ()
	return {
		["daemon"] = { title = "Port of the daemon", default = "7770" },
		["surface"] = { title = "Port of Ardour's OSC surface", default = "3819" },
	}
end

-- With every start and stop, too: a daemon that was started since then is told everything anew.
function signals ()
	return LuaSignal.Set ():add ({ [LuaSignal.SetSession] = true, [LuaSignal.TransportStateChange] = true })
end

function factory (params)
	local STATE, TIME = 16, 2048 -- kinds of feedback: /transport_play and its like, /position/time every 100 ms
	local daemon = math.floor (tonumber (params.daemon) or 7770)
	local surface = math.floor (tonumber (params.surface) or 3819)

	return function ()
		local address = ARDOUR.LuaOSC.Address ("osc.udp://127.0.0.1:" .. surface)
		address:send ("/set_surface", "iiiiiii", 0, 0, STATE + TIME, 0, 0, 0, daemon) -- no strips, no pages
	end
end
