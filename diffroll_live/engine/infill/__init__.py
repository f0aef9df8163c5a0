"""Fills regions block by block in the style of the music around them. Imports `engine` and `model`."""
