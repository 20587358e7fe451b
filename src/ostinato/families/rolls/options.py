"""Options of verbs that models of rolls have."""

from __future__ import annotations

from ostinato.families.inspect_options import GATES, STATE_VIEWS, VIEWS_TITLE
from ostinato.families.music_options import FROM, LOCK, SOUND
from ostinato.families.options import Option, OptionGroup

_SPLIT = Option("--split", "of rolls with an official split: the part to read (default: test)", "text", "PART")
_GRID = Option("--grid", "of MIDI files: length of a frame, such as 8th, 16th or 0.3s (default: 8th)", "text", "GRID")

READING = OptionGroup("piano rolls: MIDI files, .npy, .npz, .mat", (_GRID,))
COMPOSING = OptionGroup(
    "piano rolls",
    (
        _GRID,
        Option("--seconds", "how long (default: 30)", "float", "N"),
        Option(
            "--keep",
            "notes that stay, others are written: the highest of each frame of this FILE; or with --from the soprano, "
            "bass, all notes, or a range such as 60-84",
            "text",
            "FILE|VOICE",
        ),
        FROM,
        LOCK,
        Option("--max-copy", "copy no more frames in a row from a training piece, in any key", "int", "N"),
        SOUND,
        Option("--particles", "of --keep and --lock: more take longer and fit better (default: 1000)", "int", "N"),
    ),
)
SCORING = OptionGroup(
    "piano rolls",
    (_SPLIT, Option("--surprising", "how many surprising frames and notes are listed (default: 10)", "int", "N")),
)
VIEWS = OptionGroup(
    VIEWS_TITLE,
    (Option("--memory", "of rolls: the biases that the past gives each note", "flag"), *STATE_VIEWS, GATES, _SPLIT),
)
EVALUATING = OptionGroup(
    "piano rolls",
    (
        _SPLIT,
        Option("--chains", "of rnn-rbm: chains of the estimate of each ln Z (default: 4)", "int", "N"),
        Option("--temperatures", "of rnn-rbm: its steps (default: 2000)", "int", "N"),
        Option("--exact", "of rnn-rbm: ln Z by enumeration, of 20 hidden units at most", "flag"),
        Option("--frames", "measure only that many frames, of pieces drawn at random", "int", "N"),
    ),
)
