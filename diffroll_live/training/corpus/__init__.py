"""Music to learn from: MIDI, recordings with their notes, music by rule, and packs of all that."""
