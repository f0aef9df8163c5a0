"""Training: notes from MIDI and from rules, sounded by a bank of recorded pianos, learned by the networks."""
