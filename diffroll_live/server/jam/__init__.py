"""Playing in turns with a musician. Imports `server`, `server.live` and what lies below them."""
