"""A web server on the daemon's loop, for what is served beside OSC: a bound port, and who may ask there."""
