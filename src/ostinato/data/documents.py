"""A document: one text or table as it lies on disk, read piece by piece as often as needed."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ostinato.data.blocks import AUTO, COMPRESSED, blocks, check_encoding, open_file, open_member, recognise
from ostinato.errors import CorpusError

Tick: TypeAlias = Callable[[int], None]  # bytes of files read since the last call

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_TABLES = ", ".join([*_DELIMITERS, *_JSON_LINES])
_PDF = b"%PDF-"  # its beginning looks like text
_PROBE = 8192  # bytes looked at to tell binary data from text
_AFTER_RETURN = re.compile(r"(?<=\r)(?=.)", re.S)
_COLUMNS_SHOWN = 20
_NAMES_SHOWN = 3
_LONGEST_FIELD = 2**30
_LONGEST_CHARACTER = 4  # bytes


@dataclass(frozen=True)
class Reading:
    """Options for turning bytes into text.

    Attributes:
        encoding: Python's name of the encoding; ``"auto"``: UTF-8, UTF-16 with a byte order mark, or else Windows-1252.
        errors: Treatment of bytes that do not decode: ``"strict"`` (an error), ``"replace"`` or ``"ignore"``.
        column: Column (CSV) or key (JSONL) that holds the text.
    """

    encoding: str = AUTO
    errors: str = "strict"
    column: str | None = None


@dataclass(frozen=True)
class Document:
    """One text, or the texts of a table's column, and where they come from.

    Attributes:
        name: The base name of the file, without its folders.
        where: Name in messages.
        open: Function that opens the unpacked bytes, and the file itself for its position.
        reading: Options for turning bytes into text.
        sha256: Digest of the unpacked bytes, in hexadecimal.
        size: Number of unpacked bytes.
        characters: Number of characters in its texts.
        count: Number of texts, or of pieces of the one text.
        last: Its last character.
        alphabet: Every character that occurs.
        sample: Its beginning.
        held: Its texts, if they are small enough to stay in memory.
        is_recognised: Whether its encoding was recognised, and is not UTF-8.
    """

    name: str
    where: str
    open: Callable[[], AbstractContextManager[tuple[BinaryIO, BinaryIO]]]
    reading: Reading
    sha256: str = ""
    size: int = 0
    characters: int = 0
    count: int = 0
    last: str = ""
    alphabet: frozenset[str] = frozenset()
    sample: str = ""
    held: tuple[str, ...] | None = None
    is_recognised: bool = False

    @property
    def form(self) -> str:
        """File ending of a table, ``""`` for plain text; together with ``reading`` it determines the texts."""
        return suffix if (suffix := _suffix(self.name)) in (*_DELIMITERS, *_JSON_LINES) else ""

    @property
    def is_table(self) -> bool:
        """Whether the document is a table, each of whose rows is a text."""
        return bool(self.form)

    def texts(self, tick: Tick | None = None) -> Iterator[str]:
        """Yield the texts of a table, or the pieces of the one text, which joined give the whole.

        Raises:
            CorpusError: It can no longer be read, or has changed.
        """
        if self.held is not None:
            yield from self.held
            return
        digest = _Digest()
        yield from self._read(digest, tick)
        if digest.hexadecimal != self.sha256:
            raise CorpusError(
                f"{self.where} has changed since it was first read: its SHA-256 was {self.sha256}, "
                f"now it is {digest.hexadecimal}. Put the old file back, or start anew"
            )

    def pieces(self) -> Iterator[str]:
        """Yield the pieces of a text that is read only once, without surveying it first."""
        return self._read(_Digest(), None)

    def recognised(self) -> Document:
        """Return the document with the encoding that its content has.

        Raises:
            CorpusError: It cannot be read.
        """
        if self.reading.errors != "strict":  # damaged UTF-8, then
            return replace(self, reading=replace(self.reading, encoding="utf-8"))
        with self.open() as (stream, _):
            encoding = recognise(stream)
        return replace(self, reading=replace(self.reading, encoding=encoding), is_recognised=encoding != "utf-8")

    def surveyed(self, memory: int, sample: int, tick: Tick | None) -> Document:
        """Read everything once; return the document with digest, size, alphabet and first ``sample`` characters.

        The texts are held if they have at most ``memory`` characters.

        Raises:
            CorpusError: It cannot be read, is binary, is not in the stated encoding, or is no proper table.
        """
        if self.reading.encoding != AUTO:
            return self._surveyed(memory, sample, tick)
        usual = replace(self, reading=replace(self.reading, encoding="utf-8"))
        try:  # which is what nearly all are, so that the file is read once
            return usual._surveyed(memory, sample, tick)
        except CorpusError:
            if (other := self.recognised()).reading == usual.reading:
                raise
            return other._surveyed(memory, sample, None)

    def _surveyed(self, memory: int, sample: int, tick: Tick | None) -> Document:
        digest, characters, count, last, alphabet = _Digest(), 0, 0, "", set[str]()
        beginning, held = io.StringIO(), list[str]()
        for text in self._read(digest, tick):
            characters, count, last = characters + len(text), count + 1, text[-1:] or last
            alphabet.update(_unseen(text, alphabet))
            if beginning.tell() < sample:
                beginning.write(text[: sample - beginning.tell()] + "\n" * self.is_table)
            if characters <= memory:
                held.append(text)
        return replace(
            self,
            sha256=digest.hexadecimal,
            size=digest.size,
            characters=characters,
            count=count,
            last=last,
            alphabet=frozenset(alphabet),
            sample=beginning.getvalue(),
            held=tuple(held) if characters <= memory else None,
        )

    def _read(self, digest: _Digest, tick: Tick | None) -> Iterator[str]:
        pieces = _decoded(self, digest, tick)
        suffix = _suffix(self.name)
        if suffix in _DELIMITERS:
            return _delimited_rows(self.where, _lines_kept(pieces), self.reading.column, _DELIMITERS[suffix])
        if suffix in _JSON_LINES:
            return _json_rows(self.where, _lines_kept(pieces), self.reading.column)
        if self.reading.column is not None:
            raise CorpusError(f"--column {self.reading.column} needs a table, and {self.where} is none of {_TABLES}")
        return pieces


def _unseen(text: str, alphabet: set[str]) -> str:
    """Return the text, without known characters if it is ASCII: removing them is far faster than looking each up."""
    if not text.isascii():
        return text
    return text.encode().translate(None, "".join(c for c in alphabet if c.isascii()).encode()).decode()


class _Digest:
    """SHA-256 and size of the bytes read so far."""

    def __init__(self) -> None:
        self._state, self.size = hashlib.sha256(), 0

    def take(self, data: bytes) -> None:
        self._state.update(data)
        self.size += len(data)

    @property
    def hexadecimal(self) -> str:
        return self._state.hexdigest()


def file_document(path: Path, reading: Reading) -> Document:
    """Make the document of a file; nothing is read yet."""
    return Document(path.name, str(path), partial(open_file, path), reading)


def member_document(path: Path, member: str, reading: Reading) -> Document:
    """Make the document of one part of a zip archive; nothing is read yet."""
    return Document(Path(member).name, f"{member} in {path}", partial(open_member, path, member), reading)


def notes_on_encodings(documents: Iterable[Document]) -> list[str]:
    """Return notes on documents whose encoding was recognised and is not the usual one."""
    names: dict[str, list[str]] = {}
    for one in documents:
        if one.is_recognised:
            names.setdefault(one.reading.encoding, []).append(one.name)
    return [
        f"{_shortened(own)} {'is' if len(own) == 1 else 'are'} read as {encoding}, no UTF-8; --encoding names another"
        for encoding, own in names.items()
    ]


def _shortened(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest:,} more files" if rest > 0 else "")


def bytes_document(name: str, data: bytes, reading: Reading) -> Document:
    """Make the document of bytes in memory."""

    def opened() -> AbstractContextManager[tuple[BinaryIO, BinaryIO]]:
        stream = io.BytesIO(data)
        return nullcontext((stream, stream))

    return Document(name, name, opened, reading)


def looks_like_text(path: Path, reading: Reading) -> bool:
    """Return whether the beginning of a file is text; the rest is checked when the whole is read."""
    try:
        with open_file(path) as (stream, _):
            probe = stream.read(_PROBE)
    except CorpusError:
        return False
    if reading.encoding == AUTO:
        reading = replace(reading, encoding=recognise(io.BytesIO(probe), whole=len(probe) < _PROBE))
    check_encoding(reading.encoding)
    head = next(blocks(io.BytesIO(probe), reading.encoding), b"")
    more = len(head) == _PROBE
    if not head or head.startswith(_PDF) or _is_binary(head, reading):
        return False
    try:
        head.decode(reading.encoding, reading.errors)
    except UnicodeDecodeError as error:  # the probe may end within a character
        return more and error.start >= _PROBE - _LONGEST_CHARACTER
    except UnicodeError:
        return False
    return True


def _decoded(document: Document, digest: _Digest, tick: Tick | None) -> Iterator[str]:
    """Yield the text of a document in pieces, with CRLF line ends made LF."""
    reading, at = document.reading, 0
    check_encoding(reading.encoding)
    with document.open() as (stream, raw):
        for block in blocks(stream, reading.encoding):
            digest.take(block)
            if not digest.size - len(block) and block.startswith(_PDF):
                raise CorpusError(f"{document.where} is a PDF, not text; convert it first (pdftotext does)")
            if not digest.size - len(block) and _is_binary(block, reading):
                raise CorpusError(
                    f"{document.where} is binary, not text: byte {block.index(bytes(1))} is zero. "
                    "Give text files, or name its --encoding"
                )
            text = _decode(block, digest.size - len(block), document.where, reading)
            if digest.size == len(block):
                text = text.removeprefix("\ufeff")
            yield text.replace("\r\n", "\n") if "\r" in text else text
            if tick is not None:
                tick(raw.tell() - at)
                at = raw.tell()


def _decode(block: bytes, before: int, where: str, reading: Reading) -> str:
    try:
        text = block.decode(reading.encoding, reading.errors)
        if not text.isascii() and codecs.lookup(reading.encoding).name == "utf-7":
            text.encode()  # the only encoding that Python lets write half a character
        return text
    except UnicodeEncodeError as error:
        if reading.errors != "strict":
            return _paired(text)
        raise CorpusError(
            f"{where} is not {reading.encoding}: it writes half a character, U+{ord(error.object[error.start]):04X}. "
            "Name the right one (such as --encoding utf-8), or use --errors replace"
        ) from error
    except UnicodeDecodeError as error:
        at = before + error.start
        raise CorpusError(
            f"{where} is not {reading.encoding}: byte {at} is 0x{block[error.start]:02x}. "
            "Name the right one (such as --encoding latin-1), or use --errors replace"
        ) from error
    except UnicodeError as error:
        raise CorpusError(f"{where} is not {reading.encoding}: {error}") from error


def _suffix(name: str) -> str:
    path = Path(name)
    return (Path(path.stem) if path.suffix in COMPRESSED else path).suffix.lower()


def _is_binary(data: bytes, reading: Reading) -> bool:
    return b"\0" in data[:_PROBE] and "16" not in reading.encoding and "32" not in reading.encoding


def _lines_kept(pieces: Iterator[str]) -> Iterator[str]:
    """Yield lines with their ends; only "\\n" ends one."""
    pending: list[str] = []
    for piece in pieces:
        *lines, rest = piece.split("\n")
        for line in lines:
            yield "".join([*pending, line, "\n"])
            pending = []
        pending.append(rest)
    if last := "".join(pending):
        yield last


def _delimited_rows(where: str, lines: Iterator[str], column: str | None, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(_LONGEST_FIELD)  # of the whole process: the module knows no other way
    # A carriage return alone ends a line too, as in tables of old.
    parts = (part for line in lines for part in (_AFTER_RETURN.split(line) if "\r" in line else [line]))
    rows = csv.DictReader(parts, delimiter=delimiter)
    try:
        wanted = _column(where, column, list(rows.fieldnames or []))
        for row in rows:
            if row[wanted]:
                yield row[wanted]
    except csv.Error as error:
        raise CorpusError(f"{where}, line {rows.line_num}, cannot be read as a table: {error}") from error


def _json_rows(where: str, lines: Iterator[str], column: str | None) -> Iterator[str]:
    wanted: str | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _json_object(f"{where}, line {number},", line.rstrip("\n"))
        wanted = wanted or _column(where, column, list(record))
        value = record.get(wanted)
        if isinstance(value, str) and value:
            yield _paired(value)


def _json_object(where: str, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{where} is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets without end
        raise CorpusError(f"{where} is JSON beyond measure: {error}") from error
    if not isinstance(record, dict):
        raise CorpusError(f"{where} is JSON but no object with named texts")
    return record


def _paired(text: str) -> str:
    """Join surrogates that JSON escapes wrote apart; one without its partner becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _column(where: str, column: str | None, names: list[str]) -> str:
    if column is None and len(names) == 1:
        return names[0]
    if column is None and "text" in names:
        return "text"
    known = ", ".join(names[:_COLUMNS_SHOWN]) or "none"
    if column is None:
        raise CorpusError(
            f"{where} has several columns; name the one to learn with --column. Known: {known}. "
            "Pairs are for --recipe translate, texts with labels for --recipe classify or tag"
        )
    if column not in names:
        raise CorpusError(f"{where} has no column {column!r}. Known: {known}")
    return column
