"""Answers requests with a loaded network: windows, sampling, decoding, streaming. Imports `model` and `music`."""
