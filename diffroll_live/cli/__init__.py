"""The command line: one file a command, plus what they share.

Only here do the model, the sockets and the MIDI ports meet. Nothing heavy is imported until a command needs it.
"""
