"""The family of folk tunes: language models of tokens that compose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.errors import CodecError
from ostinato.families.options import OptionGroup, check_known
from ostinato.families.text.family import TextFamily
from ostinato.families.tunes.labels import TUNE_LABELLERS
from ostinato.families.tunes.options import WISH
from ostinato.inspect.labels import Labeller

if TYPE_CHECKING:
    from ostinato.families.tunes.composing import Composed


class TuneFamily(TextFamily):
    """Language models of tunes in ABC notation."""

    name, article = "tunes", "a model of tunes"
    verbs = (*TextFamily.verbs, "compose")
    options: ClassVar[dict[str, tuple[OptionGroup, ...]]] = {**TextFamily.options, "compose": (WISH,)}

    def compose(self, model: Any, options: Mapping[str, Any]) -> Sequence[Composed]:
        from ostinato.families.tunes.composing import Composer
        from ostinato.families.tunes.wishing import USUAL, wish_of

        own = {name: value for name, value in options.items() if name not in ("tunes", "seed")}
        check_known(own, USUAL)
        return list(Composer(model, wish_of(own)).tunes(options["tunes"], options["seed"]))

    def labellers(self) -> Mapping[str, Labeller]:
        return {**super().labellers(), **TUNE_LABELLERS}

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        lines = super().glimpse(network, codec, data, seed).splitlines() or [""]
        tunes = (_as_tune(line) for line in lines)
        return next((tune for tune in tunes if tune is not None), lines[0])

    def next_commands(self, run: str) -> tuple[str, ...]:
        return (
            f"ostinato compose {run} --rhythm jig --key D",
            f"ostinato compose {run} --tunes 20 --best 3 --out tunes.abc",
        )


def _as_tune(line: str) -> str | None:
    """Return the notation of the tune that tokens are; ``None``: they are none yet."""
    from ostinato.music import write_tune
    from ostinato.music.tokens import tune_of

    try:
        return write_tune(tune_of(line.split()))
    except CodecError:
        return None


TUNES = TuneFamily()
