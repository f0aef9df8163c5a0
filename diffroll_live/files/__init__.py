"""Reads and atomically writes files: audio, MIDI, plots, rendered audio. Imports `audio` and `music`."""
