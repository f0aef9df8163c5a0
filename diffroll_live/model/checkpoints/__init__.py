"""Weights on disk: found, hash-checked, read as data, never run. Imports `model`."""
