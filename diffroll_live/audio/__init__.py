"""Audio on its way in: PCM, chunks, the clock and the last seconds of a live stream. Imports `osc` and the types."""
