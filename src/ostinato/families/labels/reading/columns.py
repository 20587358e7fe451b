"""Files of columns: a word on each line with what is said of it, an empty line between sentences; CoNLL-U too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ostinato.codecs.spelled import COLUMN
from ostinato.data.documents import Document
from ostinato.data.pairs import PairCollector, file_lines, is_json
from ostinato.errors import CorpusError

#: Columns of CoNLL-U (https://universaldependencies.org/format.html), of which words and labels are read by default.
CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_FORM, _UPOS = CONLLU.index("FORM"), CONLLU.index("UPOS")
_ID = re.compile(r"\d+([-.]\d+)?")  # a word; a range of words that are written as one; a word that is not written
_DOCUMENT = "-DOCSTART-"  # what CoNLL-2003 has between documents
_FIRST_NAMES = {"word", "words", "token", "tokens", "form", "text"}
_NAMES = {"tag", "tags", "label", "labels", "pos", "upos", "xpos", "ner", "chunk", "lemma", "feats", "class"}
TAB = "\t"
_CONLLU_ENDINGS = (".conllu", ".conllu.gz")
_LOOKED_AT = 5  # lines, to see whether a file is CoNLL-U
_CELL = re.compile(r"\S+")


@dataclass(frozen=True)
class Row:
    """A word and what is said of it.

    Attributes:
        line: Number of its line, from 1.
        cells: Its columns.
    """

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ColumnFile:
    """A file of columns.

    Attributes:
        where: Its name in messages.
        lines: All lines as they stand, without their ends.
        sentences: The rows of each sentence.
        names: Names of the columns: those of CoNLL-U, or of a header line; empty: they have none.
        has_tabs: Whether tabs separate columns; if not, white space does.
    """

    where: str
    lines: tuple[str, ...]
    sentences: tuple[tuple[Row, ...], ...]
    names: tuple[str, ...]
    has_tabs: bool

    @property
    def width(self) -> int | None:
        """Number of columns, where they have names."""
        return len(self.names) or None

    @property
    def is_conllu(self) -> bool:
        """Whether it is CoNLL-U."""
        return self.names == CONLLU

    def place(self, column: str, default: int) -> int:
        """Return the place of a column that is given by its number, from 1, or by its name.

        Args:
            column: Number or name; empty: the default one.
            default: Its place, from 0; of a negative one from the end.

        Raises:
            CorpusError: The file has no such column.
        """
        if not column:
            return default
        names = [name.lower() for name in self.names]
        if column.lower() in names:
            return names.index(column.lower())
        if column.isascii() and column.isdigit() and column != "0":
            return int(column) - 1
        known = (
            f"it has {', '.join(self.names)}" if self.names else "its columns have no names, so give a number from 1"
        )
        raise CorpusError(f"{self.where} has no column {column!r}; {known}")

    def places(self, words: str, tags: str, columns: int) -> tuple[list[int], int]:
        """Return the places of the columns that are read, and that of the labels; negative ones count from the end.

        Args:
            words: The column of words, by number or name; empty: the first one, or FORM.
            tags: The column of labels; empty: the last one, or UPOS.
            columns: Number of columns read, from that of words on.

        Raises:
            CorpusError: The file has no such columns.
        """
        first = self.place(words, _FORM if self.is_conllu else 0)
        return list(range(first, first + columns)), self.place(tags, _UPOS if self.is_conllu else -1)

    def relabelled(self, labels: Sequence[Sequence[str]], place: int) -> str:
        """Return the file with other labels in a column, all else as it stands.

        Args:
            labels: The labels of each sentence.
            place: Place of their column.
        """
        lines = list(self.lines)
        for sentence, own in zip(self.sentences, labels, strict=True):
            for row, label in zip(sentence, own, strict=True):
                lines[row.line - 1] = self._with_cell(lines[row.line - 1], place, label)
        return "".join(f"{line}\n" for line in lines)

    def _with_cell(self, line: str, place: int, value: str) -> str:
        if self.has_tabs:
            cells = line.split(TAB)
            cells[place if place >= 0 else place + len(_cells(line, has_tabs=True))] = value
            return TAB.join(cells)
        cell = list(_CELL.finditer(line))[place]
        return line[: cell.start()] + value + line[cell.end() :]


def as_column_file(document: Document, names: Sequence[str] = ()) -> ColumnFile | None:
    """Return a file of columns; ``None``: it is none, but lines of pairs, or JSON.

    Args:
        document: The file.
        names: Names of columns that are asked for: a first line that has one of them is a header.

    Raises:
        CorpusError: It is called CoNLL-U, and a line has another number of columns.
    """
    lines = file_lines(document)
    filled = [line for line in lines if line.strip()]
    if is_json(document) or not filled:
        return None
    if document.name.lower().endswith(_CONLLU_ENDINGS):
        _check_conllu(document, lines)
    if _is_conllu(filled):
        return ColumnFile(document.where, tuple(lines), tuple(_conllu_sentences(lines)), CONLLU, has_tabs=True)
    # Pairs have a tab, and a space within some side.
    if any(TAB in line and any(" " in cell.strip() for cell in line.split(TAB)) for line in filled):
        return None
    has_tabs = all(TAB in line for line in filled if not line.startswith(_DOCUMENT))
    header = _header(_cells(filled[0], has_tabs=has_tabs), names)
    sentences = tuple(_sentences(lines, skip=filled[0] if header else None, has_tabs=has_tabs))
    return ColumnFile(document.where, tuple(lines), sentences, header, has_tabs=has_tabs)


def take_columns(file: ColumnFile, taken: PairCollector, *, words: str = "", tags: str = "", columns: int = 1) -> None:
    """Take the sentences of a file.

    Args:
        file: The file.
        taken: Takes them.
        words: The column of words, by number or name; empty: the first one, or FORM.
        tags: The column of labels; empty: the last one, or UPOS.
        columns: Number of columns read, from that of words on.

    Raises:
        CorpusError: A line has too few columns.
    """
    places, label = file.places(words, tags, columns)
    for sentence in file.sentences:
        if taken.is_full:
            return
        place = f"{file.where}, line {sentence[0].line:,}"
        need = max(file.width or len(sentence[0].cells), places[-1] + 1 + (label < 0), label + 1)
        if label % need in places:
            raise CorpusError(
                f"{place}: column {label % need + 1} is both read and the label; say which with word_column, "
                "tag_column and columns"
            )
        wrong = next((row.line for row in sentence if len(row.cells) != need), None)
        if wrong is not None:
            told = f"lines of this sentence have {need} columns, this one has not"
            taken.refuse(f"{file.where}, line {wrong:,}", told, "of uneven columns")
            continue
        taken.take(place, _joined(sentence, places), " ".join(row.cells[label] for row in sentence))


def sentences_of(file: ColumnFile, *, words: str = "", columns: int = 1) -> list[str]:
    """Return the sentences of a file, without labels.

    Raises:
        CorpusError: A line has too few columns.
    """
    places, _ = file.places(words, "", columns)
    for sentence in file.sentences:
        short = next((row.line for row in sentence if len(row.cells) <= places[-1]), None)
        if short is not None:
            raise CorpusError(f"{file.where}, line {short:,}: the model reads {columns} columns")
    return [_joined(sentence, places) for sentence in file.sentences]


def _joined(sentence: Sequence[Row], places: Sequence[int]) -> str:
    """Return the words of a sentence and what else is read of them, as ``SpelledCodec`` takes them."""
    return COLUMN.join(" ".join(row.cells[place] for row in sentence) for place in places)


def _is_conllu(lines: Sequence[str]) -> bool:
    """Return whether lines are CoNLL-U, by the first ones that are no comments."""
    rows = [line.split(TAB) for line in lines if not line.startswith("#")][:_LOOKED_AT]
    return bool(rows) and all(len(row) == len(CONLLU) and _ID.fullmatch(row[0]) for row in rows)


def _conllu_sentences(lines: Sequence[str]) -> Iterator[tuple[Row, ...]]:
    """Yield the words of each sentence: no comments, no ranges, no words that are not written."""
    sentence: list[Row] = []
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            if sentence:
                yield tuple(sentence)
            sentence = []
        elif not line.startswith("#") and line.partition(TAB)[0].isdigit():
            sentence.append(Row(number, tuple(_cells(line, has_tabs=True))))


def _cells(line: str, *, has_tabs: bool) -> list[str]:
    """Return the cells of a line; white space inside one, which would part words, becomes an underscore."""
    return ["_".join(cell.split()) or "_" for cell in line.rstrip().split(TAB)] if has_tabs else line.split()


def _sentences(lines: Sequence[str], skip: str | None, *, has_tabs: bool) -> Iterator[tuple[Row, ...]]:
    sentence: list[Row] = []
    for number, line in enumerate([*lines, ""], 1):
        cells = _cells(line, has_tabs=has_tabs) if line.strip() else []
        if cells and cells[0] != _DOCUMENT and line is not skip:
            sentence.append(Row(number, tuple(cells)))
        elif sentence:
            yield tuple(sentence)
            sentence = []


def _check_conllu(document: Document, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, 1):
        count = len(line.split(TAB))
        if line.strip() and not line.startswith("#") and count != len(CONLLU):
            raise CorpusError(
                f"{document.where}, line {number:,}: CoNLL-U has {len(CONLLU)} columns with tabs between them, and "
                f"this line has {count}"
            )


def _header(cells: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a first line, if they name columns."""
    first, *others = [cell.lower() for cell in cells]
    if {name.lower() for name in names} & {first, *others}:
        return tuple(cells)
    return tuple(cells) if others and first in _FIRST_NAMES and all(cell in _NAMES for cell in others) else ()
