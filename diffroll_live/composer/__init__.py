"""The composer: a small transformer that writes notes in bars and beats where they are hidden.

Imports `music` and `limits`; knows no seconds, no audio and no files.
"""
