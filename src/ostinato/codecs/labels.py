"""Labels: names from a closed set, one id each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from ostinato.codecs.base import Codec, Ids
from ostinato.errors import CodecError, UnknownSymbolError

#: What of a text is one label: all of it, each word, or each character.
LabelUnit: TypeAlias = Literal["whole", "words", "characters"]
LABEL_UNITS: tuple[LabelUnit, ...] = ("whole", "words", "characters")

_OUTSIDE, _BEGIN, _INSIDE = "O", "B-", "I-"
_SHOWN = 20  # labels named in an error message


class LabelCodec(Codec):
    """One id for each label.

    Args:
        names: The labels.
        unit: The part of a text that is one label: all of it, each word, or each character.
        end: Whether there is an end symbol.

    Raises:
        CodecError: A label is empty or occurs twice, or there is none.
    """

    name: ClassVar[str] = "labels"

    def __init__(self, names: Sequence[str], *, unit: LabelUnit, end: bool = False) -> None:
        if not names or not all(names) or len(set(names)) != len(names):
            raise CodecError("a codec of labels needs labels that differ, none empty, at least one")
        self.names, self.unit = tuple(names), unit
        #: What stands between two labels in a text.
        self.between = " " if unit == "words" else ""
        super().__init__([f"{name}{self.between}".encode() for name in names], end=end, lossless=False)
        self._ids = {name: id_ for id_, name in enumerate(names)}

    @classmethod
    def learn(cls, texts: Iterable[str], *, unit: LabelUnit, end: bool) -> LabelCodec:
        """Take the labels of a corpus; if it has one of the two labels of a type of span in IOB notation, take both."""
        labels = {label for text in texts for label in labels_of(text, unit)}
        if unit == "words" and are_spans(labels):
            types = {label[2:] for label in labels if label != _OUTSIDE}
            labels |= {mark + kind for kind in types for mark in (_BEGIN, _INSIDE)}
        return cls(sorted(labels), unit=unit, end=end)

    @property
    def symbols(self) -> str:
        return f"{len(self.names)} labels"

    def encode(self, text: str) -> Ids:
        labels = labels_of(text, self.unit)
        if unknown := self.unknown_in(text):
            raise UnknownSymbolError(self.complaint(unknown[0]))
        return np.fromiter((self._ids[label] for label in labels), dtype=np.int32, count=len(labels))

    def unknown_in(self, text: str) -> list[str]:
        """Return the labels of a text that are not known."""
        return [label for label in labels_of(text, self.unit) if label not in self._ids]

    def complaint(self, label: str) -> str:
        """Say that a label is not known, and which are."""
        shown = ", ".join(self.names[:_SHOWN]) + (", …" if len(self.names) > _SHOWN else "")
        return f"the label {label!r} is not among the {len(self.names)} that the model knows: {shown}"

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "names": list(self.names), "unit": self.unit, "end": self.end is not None}


def labels_of(text: str, unit: LabelUnit) -> list[str]:
    """Cut a text into labels.

    >>> labels_of("B-NP I-NP O", "words"), labels_of("to be", "whole")
    (['B-NP', 'I-NP', 'O'], ['to be'])
    """
    if unit == "words":
        return text.split()
    return [text] if unit == "whole" else list(text)


def are_spans(labels: Iterable[str]) -> bool:
    """Return whether labels mark spans in IOB notation: ``B-TYPE``, ``I-TYPE``, and ``O`` outside of any."""
    others = set(labels) - {_OUTSIDE}
    return bool(others) and all(label[:2] in (_BEGIN, _INSIDE) and label[2:] for label in others)
