"""Words with their spelling, by which a tagger reads words that it has never seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids
from ostinato.codecs.words import UNKNOWN_WORD
from ostinato.errors import CodecError, UnknownSymbolError

#: Between the columns of a text that has more than words: parts of speech, for instance.
COLUMN = "\x1f"
_UNKNOWN_CHARACTER = "\ufffd"
_DIGIT = re.compile(r"\d")


class SpelledCodec(Codec):
    """Each word is a run of ids: the word's own, those of its further columns, those of its characters.

    Ids in this order: words in small letters with each digit a 0, the unknown word, the values of each further
    column and one for unknown values, characters, the unknown character. So a word begins where an id is that of a
    word.

    Args:
        words: The known words.
        columns: The known values of each further column.
        characters: The known characters.
    """

    name: ClassVar[str] = "spelled"

    def __init__(self, words: Sequence[str], columns: Sequence[Sequence[str]], characters: str) -> None:
        self.words, self.characters = tuple(words), characters
        self.columns = tuple(tuple(values) for values in columns)
        tables = [self.words, *self.columns, characters]
        if any(len(set(table)) != len(table) for table in tables):
            raise CodecError("a codec of spelled words was given a word, a value or a character twice")
        silent = sum(len(values) + 1 for values in self.columns) + len(characters) + 1
        pieces = [f" {word}".encode() for word in [*self.words, UNKNOWN_WORD]]
        super().__init__([*pieces, *[b""] * silent], end=False, lossless=False)
        starts = np.cumsum([0, *(len(table) + 1 for table in tables)]).tolist()
        #: Where the ids of words, of each further column, and of characters begin, and where the last ones end.
        self.starts: tuple[int, ...] = tuple(starts)
        self._ids = [
            {value: start + number for number, value in enumerate(table)}
            for start, table in zip(starts, tables, strict=False)
        ]

    @classmethod
    def learn(cls, texts: Iterable[str], *, vocabulary: int) -> SpelledCodec:
        """Take the most frequent words of texts that occur at least twice, and all values and characters."""
        words: Counter[str] = Counter()
        columns: list[set[str]] = []
        characters: set[str] = set()
        for text in texts:
            own, *others = _columns(text)
            words.update(map(shape, own))
            characters.update(*own)
            columns = columns or [set() for _ in others]
            for known, values in zip(columns, others, strict=True):
                known.update(values)
        frequent = sorted((word for word, count in words.items() if count > 1), key=lambda w: (-words[w], w))
        return cls(frequent[:vocabulary], [sorted(known) for known in columns], "".join(sorted(characters)))

    @property
    def symbols(self) -> str:
        return f"{len(self.words) + 1} words of {len(self.characters) + 1} characters"

    def encode(self, text: str) -> Ids:
        columns = _columns(text)
        if len(columns) != 1 + len(self.columns):
            raise UnknownSymbolError(
                f"this model reads {1 + len(self.columns)} columns (words and what else it was trained on), "
                f"and the text has {len(columns)}"
            )
        tables, ends = self._ids, [start - 1 for start in self.starts[1:]]  # the last id of each is its unknown one
        ids: list[int] = []
        for word, *others in zip(*columns, strict=True):
            ids.append(tables[0].get(shape(word), ends[0]))
            ids += [tables[n].get(value, ends[n]) for n, value in enumerate(others, 1)]
            ids += [tables[-1].get(character, ends[-1]) for character in word]
        return np.array(ids, dtype=np.int32)

    def words_in(self, ids: Sequence[int]) -> list[str]:
        """Return the words that ids spell; an unknown character is U+FFFD."""
        words, characters = list[str](), (*self.characters, _UNKNOWN_CHARACTER)
        for id_ in ids:
            if id_ < self.starts[1]:
                words.append("")
            elif id_ >= self.starts[-2]:
                words[-1] += characters[id_ - self.starts[-2]]
        return words

    def to_json(self) -> dict[str, Any]:
        columns = [list(values) for values in self.columns]
        return {"codec": self.name, "words": list(self.words), "columns": columns, "characters": self.characters}


def shape(word: str) -> str:
    """Return the form in which a word is looked up: small letters, each digit a 0."""
    return _DIGIT.sub("0", word.lower())


def words_of(text: str) -> list[str]:
    """Return the words of a text with columns."""
    return _columns(text)[0]


def _columns(text: str) -> list[list[str]]:
    columns = [column.split() for column in text.split(COLUMN)]
    if len({len(column) for column in columns}) > 1:
        raise UnknownSymbolError(f"the columns of {text.split(COLUMN)[0][:40]!r} have different numbers of words")
    return columns
