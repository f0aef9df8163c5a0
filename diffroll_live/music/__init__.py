"""Arithmetic on time and pitch: rolls and frames, regions, grids, scales, quantization, tempo maps.

Imports only the modules at the top of the package.
"""
