"""Options of ``compose`` that models of tunes have."""

from __future__ import annotations

from ostinato.families.music_options import FROM, LOCK, SOUND
from ostinato.families.options import Option, OptionGroup

WISH = OptionGroup(
    "folk tunes",
    (
        Option("--rhythm", "kind of dance, such as jig or reel", "text", "DANCE"),
        Option("--key", "tonic and mode, such as D, Ador, Emin (default: D)"),
        Option("--meter", "such as 6/8 (default: that of the rhythm, or 4/4)"),
        Option("--mode", "mode, if --key names the tonic only: maj, min, dor, mix, …"),
        Option("--form", "parts, each once or twice ('': any; default: AABB)"),
        Option("--range", "instrument: fiddle, whistle, flute or pipes", "text", "NAME"),
        Option("--cadence", "what it ends on (default: tonic)", choices=("tonic", "dominant", "any")),
        Option("--title", "title (default: the model finds one)"),
        Option("--max-copy-bars", "copy no longer run of notes from a training tune", "float", "N"),
        FROM,
        LOCK,
        Option("--vary", "with --from: change about this share of the notes", "float", "D"),
        Option("--best", "judge the tunes and keep the N best, best first", "int", "N"),
        SOUND,
    ),
)
