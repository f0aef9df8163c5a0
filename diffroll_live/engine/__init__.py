"""A request to its notes on a warm network: windows, sampling, decoding, streaming. Imports `model` and `music`."""
