"""Polyphonic music: models of piano rolls."""
