"""A training run: objectives, the trainer, its state on disk, the export of its weights."""
