"""Installs the scripts of `bridge/` into their hosts and removes them again. Imports `files`."""
