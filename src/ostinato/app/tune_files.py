"""Tunes in files, each in the format that the file's ending names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ostinato.app.terminal.output import write_file
from ostinato.errors import ConfigError
from ostinato.music import Tune, write_tune
from ostinato.music.engraving import engrave
from ostinato.music.fluidsynth import choose_player
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import write_musicxml
from ostinato.music.sound import write_wav

Writer = Callable[[Tune], bytes]

_WRITERS: dict[str, Writer] = {
    ".mid": write_midi,
    ".midi": write_midi,
    ".musicxml": write_musicxml,
    ".svg": lambda tune: engrave(tune).encode(),
}
_ENDINGS = (".abc", *_WRITERS, ".wav", ".html")


@dataclass(frozen=True)
class TuneFiles:
    """The files that tunes are to be written into: of ABC notation one for all, else one for each.

    Args:
        names: File names as the user gave them, each once.
        tunes: Largest number of tunes.

    Raises:
        ConfigError: An ending says nothing, or a file exists.
    """

    names: Sequence[Path]
    tunes: int

    def __post_init__(self) -> None:
        for name in self.names:
            if name.suffix.lower() not in _ENDINGS:
                raise ConfigError(f"{name}: its ending says how to write it; there are {', '.join(_ENDINGS)}")
        for file in (file for name in self.names for file in self.of(name)):
            if file.exists():
                raise ConfigError(f"{file} exists already and is never overwritten; choose another name")

    @property
    def need_pages(self) -> bool:
        """Whether pages are among them, for which more has to be known of a tune."""
        return any(name.suffix.lower() == ".html" for name in self.names)

    def of(self, name: Path) -> list[Path]:
        """The files that a name stands for."""
        if self.tunes == 1 or name.suffix.lower() == ".abc":
            return [name]
        return [name.with_stem(f"{name.stem}-{number}") for number in range(1, self.tunes + 1)]

    def write(self, tunes: Sequence[Tune], *, sound: str, page: Writer) -> list[tuple[Path, int]]:
        """Write the tunes; return each file and how many of them it has.

        Args:
            tunes: The tunes, as many as there are files for or fewer.
            sound: One of ``SOUNDS``.
            page: Writes a tune as a page.

        Raises:
            ConfigError: There is no FluidSynth.
            RunError: A file cannot be written.
        """
        writers = {**_WRITERS, ".wav": _sound(sound), ".html": page}
        return [written for name in self.names for written in self._write(name, tunes, writers)]

    def _write(self, name: Path, tunes: Sequence[Tune], writers: Mapping[str, Writer]) -> list[tuple[Path, int]]:
        ending = name.suffix.lower()
        if ending == ".abc":
            write_file(name, in_abc(tunes).encode())
            return [(name, len(tunes))]
        files = self.of(name)[: len(tunes)]
        for file, tune in zip(files, tunes, strict=True):
            write_file(file, writers[ending](tune))
        return [(file, 1) for file in files]


def in_abc(tunes: Sequence[Tune]) -> str:
    """Return tunes as a tunebook."""
    return "\n".join(map(write_tune, tunes))


def _sound(name: str) -> Writer:
    player = choose_player(name)
    return write_wav if player is None else lambda tune: player.wav(write_midi(tune))
