"""Bridges into hosts and out again: which hosts there are, what to do, and what was done."""
