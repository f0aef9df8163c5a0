"""The queue of requests and the inference process behind it. Imports the types alone, never torch."""
