"""Notes in time and pitch, as arithmetic: rolls and frames, regions, grids, scales, quantization, tempo maps.

Imports the types alone.
"""
