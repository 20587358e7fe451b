"""From what a user names (files, folders, globs, standard input) to texts, with exact errors on the way."""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ostinato.data.embedded import EMBEDDED, read_embedded
from ostinato.errors import CorpusError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_TABLES = ", ".join([*_DELIMITERS, *_JSON_LINES])
_PROBE = 8192  # bytes looked at to tell binary data from text
_COLUMNS_SHOWN = 20
_LONGEST_FIELD = 2**30


@dataclass(frozen=True)
class Reading:
    """How bytes become text.

    Attributes:
        encoding: Python's name of the encoding.
        errors: ``"strict"``, or what to do with bytes that do not decode: ``"replace"``, ``"ignore"``.
        column: For CSV and JSONL: the column or key that holds the text.
    """

    encoding: str = "utf-8"
    errors: str = "strict"
    column: str | None = None


@dataclass(frozen=True)
class Document:
    """One text and where it came from.

    Attributes:
        name: The base name of the file, without its folders.
        text: The whole text; of a table, see ``rows``.
        rows: The texts of a table's column, or ``None`` for plain text.
        sha256: Digest of the bytes read, in hexadecimal.
        size: How many bytes were read.
    """

    name: str
    text: str
    rows: tuple[str, ...] | None
    sha256: str
    size: int


def read_documents(
    sources: Sequence[str], reading: Reading, *, standard_input: BinaryIO
) -> tuple[list[Document], list[str]]:
    """Read everything that ``sources`` name, in order; a folder's files in the order of their paths.

    Args:
        sources: Files, folders, globs, ``-`` for standard input, or the name of an embedded corpus.
        reading: How bytes become text.
        standard_input: What ``-`` reads.

    Returns:
        The documents, and the names of files in folders that were passed over because they are no text.

    Raises:
        CorpusError: Something is missing, unreadable, binary, or not in the stated encoding.
    """
    documents, passed_over = [], []
    for source in sources:
        if source == "-":
            documents.append(_document("standard input", "", standard_input.read(), reading))
        elif source in EMBEDDED and not Path(source).exists():
            documents.append(_document(source, "", read_embedded(source).encode(), Reading()))
        else:
            paths, others = _files(source, reading)
            documents += [_document(path.name, str(path), _read(path), reading) for path in paths]
            passed_over += [path.name for path in others]
    return documents, passed_over


def read_plain(source: str, reading: Reading, *, standard_input: BinaryIO) -> str:
    """Read one file, or ``-`` for standard input, as plain text whatever its name.

    Raises:
        CorpusError: It is missing, unreadable, binary, or not in the stated encoding.
    """
    if source == "-":
        return _text("standard input", standard_input.read(), reading)
    if not Path(source).is_file():
        raise CorpusError(f"there is no file {source!r}")
    return _text(source, _read(Path(source)), reading)


def _files(source: str, reading: Reading) -> tuple[list[Path], list[Path]]:
    """The files that a source names, and those in a folder that are no text."""
    path = Path(source)
    if path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file() and not _hidden(p.relative_to(path))]
        texts = [p for p in found if _looks_like_text(p, reading)]
        if not texts:
            held = f"none of its {len(found)} files is text" if found else "it holds no files"
            raise CorpusError(f"folder {source} has no text to learn from: {held}")
        return texts, [p for p in found if p not in texts]
    if path.is_file():
        return [path], []
    if glob.has_magic(source):
        matches = [Path(match) for match in sorted(glob.glob(source, recursive=True)) if Path(match).is_file()]
        if not matches:
            raise CorpusError(f"no file matches {source!r}")
        return matches, []
    raise CorpusError(
        f"there is no file or folder {source!r}. A corpus is a file, a folder, a glob in quotes, "
        f"'-' for standard input, or one of: {', '.join(EMBEDDED)}"
    )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _looks_like_text(path: Path, reading: Reading) -> bool:
    """Whether the beginning of a file is text; what comes later is checked when the whole is read."""
    try:
        head = _read(path, limit=_PROBE)
    except CorpusError:
        return False
    if not head or _is_binary(head, reading):
        return False
    try:
        # Not final: the probe may end within a character.
        _decoder(reading.encoding)(errors=reading.errors).decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _decoder(encoding: str) -> type[codecs.IncrementalDecoder]:
    try:
        return codecs.getincrementaldecoder(encoding)  # type: ignore[return-value]
    except LookupError as error:
        raise CorpusError(f"{error}: --encoding takes Python's names, such as utf-8, latin-1, utf-16") from error


def _read(path: Path, limit: int = -1) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                return stream.read(limit)
        with path.open("rb") as stream:
            return stream.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CorpusError(f"{path} cannot be read: {reason}") from error


def _document(name: str, path: str, data: bytes, reading: Reading) -> Document:
    where = path or name
    text = _text(where, data, reading)
    suffix = Path(name.removesuffix(".gz")).suffix.lower()
    rows = None
    if suffix in _DELIMITERS:
        rows = tuple(_delimited_rows(where, text, reading.column, _DELIMITERS[suffix]))
    elif suffix in _JSON_LINES:
        rows = tuple(_json_rows(where, text, reading.column))
    elif reading.column is not None:
        raise CorpusError(f"--column {reading.column} needs a table, and {where} is none of {_TABLES}")
    return Document(name, text, rows, hashlib.sha256(data).hexdigest(), len(data))


def _is_binary(data: bytes, reading: Reading) -> bool:
    return b"\0" in data[:_PROBE] and "16" not in reading.encoding and "32" not in reading.encoding


def _text(where: str, data: bytes, reading: Reading) -> str:
    if _is_binary(data, reading):
        at = data.index(b"\0")
        raise CorpusError(f"{where} is binary, not text: byte {at} is zero. Give text files, or name its --encoding")
    _decoder(reading.encoding)
    try:
        text = data.decode(reading.encoding, reading.errors)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{where} is not {reading.encoding}: byte {error.start} is 0x{data[error.start]:02x}. "
            "Name the right one (such as --encoding latin-1), or use --errors replace"
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _delimited_rows(where: str, text: str, column: str | None, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        wanted = _column(where, column, list(rows.fieldnames or []))
        for row in rows:
            if row[wanted]:
                yield row[wanted]
    except csv.Error as error:
        raise CorpusError(f"{where}, line {rows.line_num}, cannot be read as a table: {error}") from error


def _json_rows(where: str, text: str, column: str | None) -> Iterator[str]:
    wanted: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{where}, line {number}, is not JSON: {error.msg} at column {error.colno}") from error
        if not isinstance(record, dict):
            raise CorpusError(f"{where}, line {number}, is JSON but no object with named texts")
        wanted = wanted or _column(where, column, list(record))
        value = record.get(wanted)
        if isinstance(value, str) and value:
            yield _paired(value)


def _paired(text: str) -> str:
    """Join surrogates that JSON escapes wrote apart; one that is left alone becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _column(where: str, column: str | None, names: list[str]) -> str:
    if column is None and len(names) == 1:
        return names[0]
    if column is None and "text" in names:
        return "text"
    known = ", ".join(names[:_COLUMNS_SHOWN]) or "none"
    if column is None:
        raise CorpusError(f"{where} has several columns; name the one to learn with --column. Known: {known}")
    if column not in names:
        raise CorpusError(f"{where} has no column {column!r}. Known: {known}")
    return column
