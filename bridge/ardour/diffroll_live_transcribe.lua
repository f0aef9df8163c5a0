ardour {
	["type"] = "EditorAction",
	name = "diffroll-live: Transcribe",
	license = "MIT",
	author = "The authors of diffroll-live",
	description = [[
Writes the notes of the selected audio region into a new MIDI region, on a track beside it.

The diffroll-live daemon must be running on this computer: diffroll-live serve
]]
}

function action_params ()
	return {
		["quality"] = { title = "Quality (draft, live or best)", default = "live" },
		["spool"] = { title = "Spool folder, if not ~/.diffroll-live/spool", default = "", optional = true },
	}
end

-- Ardour keeps of this file what is inside factory(), and calls the inner function at each press of the key.
function factory (params) return function ()
	local quality = params and params.quality or "live"
	local LOOK = 50000 -- µs between two looks into the spool
	local GREETING = 5 -- s that a daemon has to answer at first
	local QUIET = 1 -- s without a word, until it is asked whether it is still there
	local PATIENCE = 15 -- s without a word, until it is given up
	local BLOCK = 16384 -- samples copied at a time
	local PPQ = Temporal.ticks_per_beat
	local JOB, BUFFER = "transcription", "region"

	local NOT_RUNNING = "The diffroll-live daemon is not running on this computer. Start it in a terminal, "
		.. "and leave it running:\n\n    diffroll-live serve\n\nThen transcribe the region again."
	local RESTARTED = "The diffroll-live daemon was restarted meanwhile. Nothing was written; transcribe the region again."
	local SILENT = "The diffroll-live daemon does not answer any more. Nothing was written; start it again, "
		.. "and then transcribe the region again."
	local CHANGED = "The region was deleted or cut while it was transcribed. Nothing was written."

	local NONSENSE = "The daemon's answer cannot be understood; install the scripts and the daemon of one version. "
		.. "Nothing was written."
	local UNREADABLE = "Ardour cannot read the region's sound. Is its file still where it was?"

	-- What is said when a run ends early: a sentence, or nothing where the user has cancelled it.
	local function stop (sentence) error ({ sentence = sentence }, 0) end

	local window, share, doing -- the progress bar, how full it is, and what it says

	local function show (new_share, now_doing)
		share, doing = new_share, now_doing
		window:progress (share, doing) -- lets the user interface live, too
		if window:canceled () then stop (nil) end
	end

	local function seconds () return ARDOUR.LuaAPI.monotonic_time () / 1e6 end

	---- A message is a line of JSON: an array of its address and its arguments, strings and numbers. ----

	local function number (value)
		local form = math.type (value) == "integer" and "%d" or "%.9g"
		return (string.format (form, value):gsub (",", ".")) -- some languages write a comma
	end

	local function encode (message)
		local parts = {}
		for i, value in ipairs (message) do
			parts[i] = type (value) == "number" and number (value)
				or '"' .. value:gsub ('[\0-\31\127"\\]', function (c) return string.format ("\\u%04x", c:byte ()) end) .. '"'
		end
		return "[" .. table.concat (parts, ",") .. "]\n"
	end

	local CONTROLS = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f" }

	local function unescape (text)
		return (text:gsub ("\\(.)(%x?%x?%x?%x?)", function (kind, digits)
			if kind == "u" then return utf8.char (tonumber (digits, 16)) end
			return (CONTROLS[kind] or kind) .. digits
		end))
	end

	-- Read a line by hand: nothing that comes from outside is ever run as code.
	local function decode (line)
		local message, at = {}, 2
		while true do
			at = line:find ("[^%s,]", at)
			if not at or line:sub (at, at) == "]" then return message end
			local last
			if line:sub (at, at) == '"' then
				last = at
				repeat
					last = line:find ('["\\]', last + 1)
					local escape = line:sub (last, last) == "\\"
					if escape then last = last + 1 end
				until not escape
				message[#message + 1] = unescape (line:sub (at + 1, last - 1))
			else
				last = line:find ("[%s,%]]", at) - 1
				message[#message + 1] = tonumber (line:sub (at, last))
			end
			at = last + 1
		end
	end

	---- The spool: files with our name and a number, which appear whole and which their reader deletes. ----

	local spool = params and params.spool or ""
	if spool == "" then
		spool = ARDOUR.LuaAPI.build_filename (os.getenv ("HOME") or os.getenv ("USERPROFILE"), ".diffroll-live", "spool")
	end
	local client = string.format ("%08x%08x", os.time () & 0xffffffff, ARDOUR.LuaAPI.monotonic_time () & 0xffffffff)
	local sent, heard = 0, 0 -- files
	local leftovers = {} -- files that are ours to remove, however this ends

	local function in_spool (...) return ARDOUR.LuaAPI.build_filename (spool, ...) end

	local function numbered (folder, number)
		return in_spool (folder, string.format ("%s.%06d.jsonl", client, number))
	end

	local function create (path)
		local file = io.open (path, "wb")
		if not file then stop (NOT_RUNNING) end -- the daemon makes the folders
		leftovers[#leftovers + 1] = path
		return file
	end

	local function send (...)
		sent = sent + 1
		local path = numbered ("in", sent)
		local file = create (path .. ".part")
		for _, message in ipairs ({ ... }) do file:write (encode (message)) end
		file:close ()
		leftovers[#leftovers] = path
		os.rename (path .. ".part", path)
	end

	local function take (number)
		local path = numbered ("out", number)
		local file = io.open (path, "rb")
		if not file then return nil end
		local content = file:read ("a")
		file:close ()
		os.remove (path)
		return content
	end

	-- Hand each message to its function in `handlers`, until one of these returns what was waited for.
	local function listen (handlers, patience, sentence)
		local word, asked = seconds (), seconds ()
		while true do
			local content = take (heard + 1)
			if content then
				heard, word, asked = heard + 1, seconds (), seconds ()
				for line in content:gmatch ("[^\n]+") do
					local fine, message = pcall (decode, line)
					if not fine then stop (NONSENSE) end
					local handle = handlers[message[1]]
					local result = handle and handle (table.unpack (message, 2))
					if result then return result end
				end
			elseif heard > 0 and take (1) then
				stop (RESTARTED) -- it counts from one again
			elseif seconds () - word > patience then
				stop (sentence)
			elseif seconds () - asked > QUIET then
				asked = seconds ()
				send ({ "/diffroll/ping", sent })
			end
			show (share, doing)
			if not content then ARDOUR.LuaAPI.usleep (LOOK) end
		end
	end

	---- Asking: the region's samples go into a file of the spool, mixed to mono. ----

	local function chosen_region ()
		local found
		for region in Editor:get_selection ().regions:regionlist ():iter () do
			local audio = region:to_audioregion ()
			if not audio:isnil () then
				if found then stop ("Select one audio region; several are selected.") end
				found = audio
			end
		end
		return found or stop ("Select an audio region first; its notes will be written beside it.")
	end

	local function write_audio (path, audio, rate)
		local total, channels = audio:length ():samples (), audio:n_channels ()
		local reader, memory = audio:to_readable (), ARDOUR.DSP.DspShm (BLOCK)
		local samples = memory:to_float (0) -- valid for as long as `memory` is
		local file = create (path)
		file:write (string.pack ("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF", 36 + 4 * total, "WAVE", "fmt ", 16,
			3, 1, rate, 4 * rate, 4, 32, "data", 4 * total)) -- 3: floats
		for start = 0, total - 1, BLOCK do
			local count, mix = math.min (BLOCK, total - start), nil
			for channel = 0, channels - 1 do
				if reader:read (samples, start, count, channel) ~= count then stop (UNREADABLE) end
				local block = samples:get_table (count)
				for i = 1, mix and count or 0 do block[i] = block[i] + mix[i] end
				mix = block
			end
			for i = 1, channels > 1 and count or 0 do mix[i] = mix[i] / channels end
			file:write (string.pack ("<" .. ("f"):rep (count), table.unpack (mix, 1, count)))
			show (0.1 * start / total, "Reading the region")
		end
		if not file:close () then stop ("The disk of " .. spool .. " is full.") end
	end

	---- The session's bars and tempi around the region, as messages. ----

	local AROUND, MOST, RAMP = 8, 4096, 0.5 -- s after the region; messages; quarter notes a minute
	local SLOWEST, FASTEST = 4, 1000 -- quarter notes a minute that the daemon takes

	local function tempi (origin, length, rate)
		local map, rows, last = Temporal.TempoMap.read (), {}, nil
		local function sample (tick) return Temporal.timepos_t.from_ticks (tick):samples () end
		local function meter (tick) return map:meter_at (Temporal.timepos_t (sample (tick) + 1)) end
		local here = Temporal.timepos_t (origin)
		local bbt = map:bbt_at (here)
		local bar = here:ticks () - (bbt.beats - 1) * PPQ * 4 // meter (here:ticks ()):note_value () - bbt.ticks
		for tick = math.max (bar, 0), Temporal.timepos_t (origin + length + AROUND * rate):ticks (), PPQ // 4 do
			local bpm = map:tempo_at (Temporal.timepos_t (sample (tick) + 1)):to_tempo ():quarter_notes_per_minute ()
			local heard = 60 * rate / (sample (tick + PPQ) - sample (tick)) -- where the tempo glides, it is another
			if math.abs (heard - bpm) > RAMP then bpm = heard end
			if bpm < SLOWEST or bpm > FASTEST or #rows == MOST then return {} end
			local upper, lower = meter (tick):divisions_per_bar (), meter (tick):note_value ()
			local now = string.format ("%.6f %d/%d", bpm, upper, lower)
			if now ~= last then
				local seconds, beat = (sample (tick) - origin) / rate, (tick - bar) / PPQ
				rows[#rows + 1] = { "/diffroll/job/tempo", JOB, seconds, bpm + 0.0, upper, lower, beat }
			end
			last = now
		end
		return rows
	end

	local function fail (about, code, text) stop (text) end

	local function ask (audio, rate)
		show (0, "Calling the daemon")
		send ({ "/diffroll/hello", "Ardour" })
		local function welcome (protocol, version, model, device, model_rate, max_seconds) return max_seconds end
		local most = listen ({ ["/diffroll/welcome"] = welcome, ["/diffroll/error"] = fail }, GREETING, NOT_RUNNING)
		if audio:length ():samples () > most * rate then
			stop (string.format ("The region is longer than the %d s that the daemon takes; cut it first.", most))
		end
		local path = in_spool ("audio", client .. ".wav")
		write_audio (path, audio, rate)
		local job = { { "/diffroll/audio/file", BUFFER, path }, { "/diffroll/job/new", JOB, "transcribe", BUFFER } }
		for _, row in ipairs (tempi (audio:position ():samples (), audio:length ():samples (), rate)) do
			job[#job + 1] = row
		end
		job[#job + 1] = { "/diffroll/job/set", JOB, "quality", quality }
		job[#job + 1] = { "/diffroll/job/set", JOB, "deliver", "osc" }
		job[#job + 1] = { "/diffroll/job/run", JOB }
		send (table.unpack (job))
	end

	local function is_note (index, pitch, onset, duration, velocity)
		local function within (value, low, high) return type (value) == "number" and value >= low and value <= high end
		return math.type (index) == "integer" and math.type (pitch) == "integer" and math.type (velocity) == "integer"
			and within (pitch, 0, 127) and within (velocity, 1, 127) and within (onset, -1, 1e6) and within (duration, 0, 1e6)
	end

	-- Collect the notes of our job; a note that comes again under its index has become a better one.
	local function answer ()
		local notes, pedal = {}, {}
		local function of_ours (handle) return function (job, ...) if job == JOB then return handle (...) end end end
		local count = listen ({
			["/diffroll/error"] = fail,
			["/diffroll/job/accepted"] = of_ours (function () show (0.1, "Waiting for the daemon") end),
			["/diffroll/job/progress"] = of_ours (function (step, steps)
				show (0.1 + 0.8 * step / steps, "Transcribing")
			end),
			["/diffroll/note"] = of_ours (function (index, pitch, onset, duration, velocity)
				if not is_note (index, pitch, onset, duration, velocity) then stop (NONSENSE) end
				notes[index] = { onset = onset, offset = onset + duration, pitch = pitch, velocity = velocity }
			end),
			["/diffroll/pedal"] = of_ours (function (down, duration)
				if type (down) ~= "number" or type (duration) ~= "number" or duration <= 0 then stop (NONSENSE) end
				pedal[#pedal + 1] = { down = math.max (0, down), up = down + duration }
			end),
			["/diffroll/job/done"] = of_ours (function (all) return math.type (all) == "integer" and all or stop (NONSENSE) end),
			["/diffroll/job/cancelled"] = of_ours (function () stop ("The daemon has cancelled the transcription.") end),
		}, PATIENCE, SILENT)
		for index = 0, count - 1 do
			if not notes[index] then stop ("Not all notes arrived. Nothing was written; transcribe the region again.") end
		end
		return notes, count, pedal
	end

	---- Writing: a MIDI file in Ardour's own ticks, which follow its tempo map, imported in one step. ----

	local function variable_length (value)
		local bytes = string.char (value & 0x7f)
		while value > 0x7f do
			value = value >> 7
			bytes = string.char (value & 0x7f | 0x80) .. bytes
		end
		return bytes
	end

	local function midi_file (notes, count, pedal, origin, rate, length)
		local function ticks (sample) return Temporal.timepos_t (sample):ticks () end
		local function at_sample (seconds) return origin + math.floor (seconds * rate + 0.5) end
		local zero, events = ticks (origin), {}
		local last = ticks (origin + length) - zero
		for index = 0, count - 1 do
			local note = notes[index]
			local on = ticks (at_sample (note.onset)) - zero
			local off = math.max (on + 1, ticks (at_sample (note.offset)) - zero)
			events[#events + 1] = { on, 1, string.char (0x90, note.pitch, note.velocity) }
			events[#events + 1] = { off, 0, string.char (0x80, note.pitch, 0) }
			last = math.max (last, off)
		end
		for _, span in ipairs (pedal) do -- controller 64
			events[#events + 1] = { ticks (at_sample (span.down)) - zero, 1, string.char (0xb0, 64, 127) }
			events[#events + 1] = { ticks (at_sample (span.up)) - zero, 0, string.char (0xb0, 64, 0) }
			last = math.max (last, ticks (at_sample (span.up)) - zero)
		end
		events[#events + 1] = { last, 2, "\xff\x2f\0" }
		table.sort (events, function (a, b)
			if a[1] ~= b[1] then return a[1] < b[1] end
			if a[2] ~= b[2] then return a[2] < b[2] end -- a note ends before the next one of its pitch begins
			return a[3] < b[3]
		end)
		local track, at = {}, 0
		for i, event in ipairs (events) do
			track[i], at = variable_length (event[1] - at) .. event[3], event[1]
		end
		local body = table.concat (track)
		return string.pack (">c4I4I2I2I2c4I4", "MThd", 6, 0, 1, PPQ, "MTrk", #body) .. body
	end

	local function notes_track (source)
		local name = source:name () .. " notes"
		local there = Session:route_by_name (name)
		if not there:isnil () and not there:to_track ():isnil () and not there:to_track ():to_midi_track ():isnil () then
			return there:to_track ()
		end
		local midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
		local order = source:presentation_info_ptr ():order () + 1
		return Session:new_midi_track (midi, midi, false, ARDOUR.PluginInfo (), nil, nil, 1, name, order,
			ARDOUR.TrackMode.Normal, true):front ():to_track ()
	end

	local function known_regions ()
		local known, regions = {}, ARDOUR.RegionFactory.regions ()
		for id, region in regions:iter () do known[id:to_s ()] = region end
		return known
	end

	-- Import a file into the session, onto no track, and give its region.
	local function import (path)
		local files, before = C.StringVector (), known_regions ()
		files:push_back (path)
		Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
			Temporal.timepos_t (0), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
		for id, region in pairs (known_regions ()) do
			if not before[id] and not region:to_midiregion ():isnil () then return region end
		end
		stop ("Ardour could not import the notes; its log says why.")
	end

	-- Put a region onto a track, as one step to be undone.
	local function add (region, track, origin)
		local playlist = track:playlist ()
		Session:begin_reversible_command ("Transcribe")
		playlist:to_stateful ():clear_changes ()
		playlist:add_region (region, Temporal.timepos_t (origin), 1, false)
		Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
		Session:commit_reversible_command (nil)
	end

	local function write (notes, count, pedal, id, asked, rate)
		local region = ARDOUR.RegionFactory.region_by_id (id)
		if region:isnil () or region:playlist ():isnil () then stop (CHANGED) end
		local start, length = region:start ():samples (), region:length ():samples ()
		if start ~= asked.start or length ~= asked.length then stop (CHANGED) end
		local source = Session:route_by_id (region:playlist ():get_orig_track_id ())
		local origin, name = region:position ():samples (), region:name ()
		local path = in_spool ("audio", name:gsub ('[\0-\31\127/\\:*?"<>|]', "-") .. ".mid")
		local file = create (path)
		file:write (midi_file (notes, count, pedal, origin, rate, length))
		file:close ()
		local written = ARDOUR.RegionFactory.clone_region (import (path), true, false)
		written:set_length (Temporal.timecnt_t (length)) -- an imported file ends with a whole bar
		written:set_name (name .. " notes")
		add (written, notes_track (source), origin)
	end

	---- One run ----

	local function transcribe ()
		local audio = chosen_region ()
		local rate = math.floor (Session:nominal_sample_rate ())
		local id = PBD.ID (audio:to_stateful ():id ():to_s ()) -- a copy, which outlives the region
		local asked = { start = audio:start ():samples (), length = audio:length ():samples () }
		window = LuaDialog.ProgressWindow ("diffroll-live", true)
		ask (audio, rate)
		local notes, count, pedal = answer ()
		if count == 0 then stop ("There are no notes in " .. audio:name () .. ".") end
		show (0.95, "Writing the notes")
		write (notes, count, pedal, id, asked, rate)
	end

	local fine, problem = pcall (transcribe)
	if window then window:done () end
	for _, path in ipairs (leftovers) do os.remove (path) end
	if heard > 0 then pcall (send, { "/diffroll/job/cancel", JOB }, { "/diffroll/audio/free", BUFFER }) end
	local sentence = fine and "" or type (problem) ~= "table" and tostring (problem) or problem.sentence or ""
	if sentence ~= "" then
		LuaDialog.Message ("diffroll-live", sentence, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run ()
	end
	collectgarbage ()
end end
