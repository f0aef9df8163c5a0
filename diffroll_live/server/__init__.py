"""The daemon: sockets, clients, buffers, jobs and replies on one asyncio loop. Knows no model and no MIDI library."""
