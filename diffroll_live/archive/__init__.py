"""Recordings by the thousand: found, transcribed by processes that may die, and accounted for in a report."""
