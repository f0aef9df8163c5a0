"""One file a command. Here the model, the sockets and the MIDI ports meet."""
