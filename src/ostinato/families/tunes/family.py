"""The family of folk tunes: language models of tokens that compose."""

from __future__ import annotations

from ostinato.families.text.family import TextFamily


class TuneFamily(TextFamily):
    """Language models of tunes in ABC notation."""

    name, article = "tunes", "a model of tunes"
    verbs = (*TextFamily.verbs, "compose")

    def next_commands(self, run: str) -> tuple[str, ...]:
        return (
            f"ostinato compose {run} --rhythm jig --key D",
            f"ostinato compose {run} --tunes 20 --best 3 --html tunes.html",
        )


TUNES = TuneFamily()
