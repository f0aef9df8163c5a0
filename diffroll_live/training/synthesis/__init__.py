"""Notes to audio: a bank of recorded pianos, mixed, and degraded as real recordings are. Imports `files`."""
