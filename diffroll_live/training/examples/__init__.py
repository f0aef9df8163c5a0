"""Training windows of notes and audio, masked and batched. Imports `training.corpus` and `training.synthesis`."""
