"""A run of training: objectives, the trainer, its states on disk, the export of its weights."""
