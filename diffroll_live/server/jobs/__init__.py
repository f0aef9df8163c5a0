"""A client's jobs: their messages, their runs, the delivery of their notes. Imports `server` and what lies below it."""
