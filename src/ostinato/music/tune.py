"""A tune as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ostinato.music.elements import Element
from ostinato.music.keys import C_MAJOR, Key
from ostinato.music.meter import FOUR_FOUR, Meter


@dataclass(frozen=True)
class Tune:
    """A tune.

    Attributes:
        number: Number in its collection (X).
        titles: Titles (T); the first one is the title.
        meter: The first meter (M); ``None``: it has none.
        unit: The unit length in whole notes (L).
        key: The first key (K).
        body: The music.
        rhythm: The kind of dance (R); empty: not said.
        composer: The composer (C); empty: not said.
        tempo: The tempo as it is written (Q); empty: not said.
        information: Other fields, as (letter, text), in their order: transcription, source, notes.
    """

    number: int = 1
    titles: tuple[str, ...] = ()
    meter: Meter | None = FOUR_FOUR
    unit: Fraction = Fraction(1, 8)
    key: Key = C_MAJOR
    body: tuple[Element, ...] = ()
    rhythm: str = ""
    composer: str = ""
    tempo: str = ""
    information: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """The first title; empty without one."""
        return self.titles[0] if self.titles else ""
