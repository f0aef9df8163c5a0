"""Live input to notes for a client. Imports `audio`, `osc`, `server` and `worker`."""
