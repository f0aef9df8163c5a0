"""Training data: MIDI files, recordings with their notes, music made by rules, and packs of all of these."""
