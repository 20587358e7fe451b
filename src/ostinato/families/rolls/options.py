"""Options of verbs that models of rolls have."""

from __future__ import annotations

from ostinato.families.options import Option, OptionGroup

_SPLIT = Option("--split", "of rolls with an official split: the part to read (default: test)", "text", "PART")
_GRID = Option("--grid", "of MIDI files: length of a frame, such as 8th, 16th or 0.3s (default: 8th)", "text", "GRID")

READING = OptionGroup("piano rolls: MIDI files, .npy, .npz, .mat", (_GRID,))
COMPOSING = OptionGroup(
    "piano rolls",
    (
        Option("--seconds", "how long (default: 30)", "float", "N"),
        Option("--keep", "harmonise: the highest notes of this file stay, and those below are written", "path", "FILE"),
        Option("--particles", "of --keep: more take longer and fit better (default: 1000)", "int", "N"),
    ),
)
EVALUATING = OptionGroup(
    "piano rolls",
    (
        _SPLIT,
        Option("--chains", "of rnn-rbm: chains of the estimate of each ln Z (default: 16)", "int", "N"),
        Option("--temperatures", "of rnn-rbm: its steps (default: 500)", "int", "N"),
        Option("--exact", "of rnn-rbm: ln Z by enumeration, of 20 hidden units at most", "flag"),
        Option("--frames", "measure only that many frames, of pieces drawn at random", "int", "N"),
    ),
)
