"""Notes to sound: a bank of recorded pianos, mixed, and spoiled as real recordings are. Imports `files`."""
