"""Measures models on fixed sets of clips, beside baselines, and makes tables and plots."""
