"""The queue of requests, the inference process behind it, and pauses before what was lost is opened again.

Imports the types alone, never torch.
"""
