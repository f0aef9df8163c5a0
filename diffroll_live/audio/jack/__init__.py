"""JACK's own library: its clients, servers and transport. Imports nothing of ours but errors."""
