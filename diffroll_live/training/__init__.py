"""Training: notes from MIDI files and from rules, rendered with a bank of recorded pianos, to train the networks on."""
