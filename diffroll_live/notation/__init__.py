"""How people write pitches, scales and lengths: text to numbers and back. Imports `errors` alone."""
