"""Buffers of clients: sent in chunks, read from files, captured live. Imports `audio`, `files`, `osc`, `server`."""
