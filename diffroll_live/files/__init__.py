"""Files read and written, whole or not at all: audio, MIDI, pictures, sounded results. Imports `audio` and `music`."""
