"""Music as sound by FluidSynth, where it and a sound font are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import ConfigError
from ostinato.music.sound import RATE

#: What plays.
SOUNDS = ("auto", "strings", "fluidsynth")
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

    def wav(self, midi: bytes) -> bytes:
        """Return a MIDI file as a WAV file.

        Raises:
            ConfigError: FluidSynth could not do it.
        """
        with tempfile.TemporaryDirectory() as folder:
            file, wav = Path(folder) / "music.mid", Path(folder) / "music.wav"
            file.write_bytes(midi)
            command = [self.program, "-ni", "-q", "-r", str(RATE), "-F", str(wav), str(self.font), str(file)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ConfigError(f"FluidSynth could not play it ({error}); --sound strings needs nothing") from error
            if done.returncode or not wav.exists():
                raise ConfigError(
                    f"FluidSynth could not play it ({done.stderr.strip()[-200:] or done.returncode}); "
                    "--sound strings needs nothing installed"
                )
            return wav.read_bytes()


def choose_player(name: str) -> FluidSynth | None:
    """Return FluidSynth, if that is to play; ``None``: our own plucked strings are.

    Args:
        name: One of ``SOUNDS``; ``"auto"``: FluidSynth if it is installed.

    Raises:
        ConfigError: It is asked for, and not installed.
    """
    player = None if name == "strings" else find_fluidsynth()
    if player is None and name == "fluidsynth":
        raise ConfigError(
            "FluidSynth with a sound font is not installed (Debian: apt install fluidsynth fluid-soundfont-gm); "
            "--sound strings needs nothing"
        )
    return player


def find_fluidsynth() -> FluidSynth | None:
    """Return FluidSynth with the first sound font in the usual places; ``None``: there is none."""
    program = shutil.which("fluidsynth")
    fonts = sorted(font for folder in map(Path, _FOLDERS) if folder.is_dir() for font in folder.glob("*.sf[23]"))
    return FluidSynth(program, fonts[0]) if program and fonts else None
