"""Tunes as sound by FluidSynth, where it and a sound font are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import ConfigError
from ostinato.music.midi import write_midi
from ostinato.music.sound import RATE
from ostinato.music.tune import Tune

_FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
_SECONDS = 120  # that it may take


@dataclass(frozen=True)
class FluidSynth:
    """The program, and the sounds that it plays with.

    Attributes:
        program: Path of the program.
        font: Path of the sound font.
    """

    program: str
    font: Path

    def wav(self, tune: Tune) -> bytes:
        """Return a tune as a WAV file, repeats played.

        Raises:
            ConfigError: FluidSynth could not do it.
        """
        with tempfile.TemporaryDirectory() as folder:
            midi, wav = Path(folder) / "tune.mid", Path(folder) / "tune.wav"
            midi.write_bytes(write_midi(tune))
            command = [self.program, "-ni", "-q", "-r", str(RATE), "-F", str(wav), str(self.font), str(midi)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            if done.returncode or not wav.exists():
                raise ConfigError(
                    f"FluidSynth could not play the tune ({done.stderr.strip()[-200:] or done.returncode}); "
                    "--sound strings needs nothing installed"
                )
            return wav.read_bytes()


def find_fluidsynth() -> FluidSynth | None:
    """Return FluidSynth with the first sound font in the usual places; ``None``: there is none."""
    program = shutil.which("fluidsynth")
    fonts = sorted(font for folder in map(Path, _FOLDERS) if folder.is_dir() for font in folder.glob("*.sf[23]"))
    return FluidSynth(program, fonts[0]) if program and fonts else None
