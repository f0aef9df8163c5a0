"""Windows of music and sound, masked, in batches. Imports `training.corpus` and `training.synthesis`."""
