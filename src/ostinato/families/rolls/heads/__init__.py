"""Distributions over the notes of a frame, given a vector."""
