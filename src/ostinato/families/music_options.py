"""Options of ``compose`` that several families of music have."""

from __future__ import annotations

from ostinato.families.options import Option
from ostinato.music.fluidsynth import SOUNDS

FROM = Option("--from", "change this piece: an ABC file with a tune, or a MIDI file", "path", "FILE", dest="base")
LOCK = Option("--lock", "with --from: bars that stay, such as 1-4,7", "text", "BARS")
SOUND = Option(
    "--sound",
    "what plays .wav: plucked strings, FluidSynth, or that if it is installed (default: auto)",
    choices=SOUNDS,
)
