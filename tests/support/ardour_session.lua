-- Make an empty session: ardour7-lua ardour_session.lua FOLDER NAME
local backend = AudioEngine:set_backend ("None (Dummy)", "diffroll-test", "")
backend:set_device_name ("Silence")
backend:set_sample_rate (48000)
AudioEngine:start (false)
create_session (arg[1], arg[2], 48000):save_state ("")
close_session ()
