"""MIDI ports in and out, and the thread that plays notes on time. Imports `audio.jack` and the types."""
