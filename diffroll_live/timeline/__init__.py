"""The DAW's time: what its sources say, the clock model behind it, and where the playhead will be. Plays nothing."""
