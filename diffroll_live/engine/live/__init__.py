"""A live stream to onset candidates and sounding spans, hop by hop, before jobs. Imports `engine` and `model`."""
