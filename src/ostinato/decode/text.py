"""Text made from ids as they are chosen: whole characters, cut at stop strings."""

from __future__ import annotations

from collections.abc import Sequence

from ostinato.codecs import Codec
from ostinato.errors import ConfigError


class TextStream:
    """One sample's text as it grows.

    Text is given out as soon as it is certain: a character when it is whole, and a possible beginning of
    a stop string only when it has turned out not to be one.

    Args:
        codec: The model's codec.
        stops: Strings that end a sample; the text ends before the first of them.

    Attributes:
        stopped: Whether a stop string was met.
    """

    def __init__(self, codec: Codec, stops: Sequence[str] = ()) -> None:
        if "" in stops:
            raise ConfigError("a stop string must have at least one character, got an empty one")
        self._decoder = codec.decoder()
        self._stops = tuple(stops)
        self._held = ""
        self._pieces: list[str] = []
        self.stopped = False

    @property
    def text(self) -> str:
        """All text given out so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def feed(self, id_: int) -> str:
        """Take the next id; return the text that is certain now."""
        return self._take(self._decoder.feed(id_))

    def feed_all(self, ids: Sequence[int]) -> str:
        """Take several ids; return the text that is certain after them."""
        return self._take(self._decoder.feed_all(ids))

    def flush(self) -> str:
        """Return the text that was held back, when no more ids come."""
        piece = self._take(self._decoder.flush())
        rest, self._held = self._held, ""
        self._pieces.append(rest)
        return piece + rest

    def _take(self, new: str) -> str:
        if self.stopped:
            return ""
        held = self._held + new
        places = [held.find(stop) for stop in self._stops if stop in held]
        if places:
            self.stopped = True
            piece, self._held = held[: min(places)], ""
        else:
            keep = self._possible_stop(held)
            piece, self._held = held[: len(held) - keep], held[len(held) - keep :]
        self._pieces.append(piece)
        return piece

    def _possible_stop(self, held: str) -> int:
        """Return the length of the longest ending of ``held`` with which a stop string begins."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        lengths = range(min(longest, len(held)), 0, -1)
        return next((n for n in lengths if any(stop.startswith(held[-n:]) for stop in self._stops)), 0)
