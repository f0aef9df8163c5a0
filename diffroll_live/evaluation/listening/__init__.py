"""Pages of sounds: examples of what a model does, and a blind test, from scores that ship with the program."""
