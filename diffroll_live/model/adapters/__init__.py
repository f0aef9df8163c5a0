"""Networks as the engine sees them: encode, condition, denoise, decode. One file a network. Imports `model`."""
