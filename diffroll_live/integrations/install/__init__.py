"""The scripts of `bridge/` into their hosts and out again: which hosts, what to do, what was done. Imports `files`."""
