"""What this machine makes of the program: times and memory, measured on the real parts and judged by nobody."""
