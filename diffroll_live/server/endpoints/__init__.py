"""Where clients come in: UDP, TCP, and the spool of files for scripts without sockets. Imports `osc` and `server`."""
