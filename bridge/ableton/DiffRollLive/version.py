"""The version that the script tells in Live's log, and to whoever greets it."""

VERSION = "0.1.0"
