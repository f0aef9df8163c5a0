"""Regions that are written, block by block, as the music around them is played. Imports `engine` and `model`."""
