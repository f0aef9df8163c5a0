"""Benchmarks of this machine: times and memory, measured on the real parts."""
