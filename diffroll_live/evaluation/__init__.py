"""What a model can do, measured: sets of clips that never change, beside baselines, in tables and pictures."""
