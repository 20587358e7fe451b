"""Verbs of the command line, a file each: its arguments above its act."""
