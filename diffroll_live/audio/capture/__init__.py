"""An input device, captured in a process of its own: the only place that opens PortAudio. Imports `audio`."""
