"""The family of folk tunes: language models of tokens that compose."""

from __future__ import annotations

from ostinato.families.text.family import TextFamily


class TuneFamily(TextFamily):
    """Language models of tunes in ABC notation."""

    name, article = "tunes", "a model of tunes"
    verbs = (*TextFamily.verbs, "compose")


TUNES = TuneFamily()
