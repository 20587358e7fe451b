"""Documents of the sources that a user names: files, folders, globs, standard input, data sets."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from ostinato.data.datasets import DATA_SETS
from ostinato.data.documents import (
    Document,
    Reading,
    bytes_document,
    file_document,
    looks_like_text,
    member_document,
)
from ostinato.data.embedded import EMBEDDED, read_embedded
from ostinato.data.fetching import Fetched, fetch
from ostinato.errors import CorpusError


def find_documents(
    sources: Sequence[str],
    reading: Reading,
    *,
    standard_input: BinaryIO,
    pattern: str | None = None,
    fetching: Fetched | None = None,
) -> tuple[list[Document], list[str]]:
    """Find everything that ``sources`` name, in order; a folder's files in the order of their paths.

    Args:
        sources: Files, folders, globs, ``-`` for standard input, or the name of an embedded corpus or of a
            data set, which is downloaded if it is not on disk.
        reading: Options for turning bytes into text.
        standard_input: Stream that is read for ``-``.
        pattern: Pattern of names or paths inside folders that are read, such as ``*.md``; ``None``: all.
        fetching: Called with file, bytes so far and bytes in all during a download.

    Returns:
        The documents, not read yet, and the names of files in folders that were passed over because
        they are no text.

    Raises:
        CorpusError: Something is missing.
    """
    documents, passed_over = [], []
    for source in sources:
        if source == "-":
            documents.append(bytes_document("standard input", standard_input.read(), reading))
        elif source in EMBEDDED and not os.path.exists(source):
            documents.append(bytes_document(source, read_embedded(source).encode(), Reading()))
        elif source in DATA_SETS and not os.path.exists(source):
            documents += _data_set_documents(source, reading, fetching)
        else:
            paths, others = _files(source, reading, pattern)
            documents += [file_document(path, reading) for path in paths]
            passed_over += [path.name for path in others]
    return documents, passed_over


def plain_document(source: str, reading: Reading, *, standard_input: BinaryIO) -> Document:
    """Find one file, or ``-`` for standard input, to be read as plain text whatever its name.

    Raises:
        CorpusError: It is missing.
    """
    if source == "-":
        return bytes_document("standard input", standard_input.read(), reading)
    if not os.path.isfile(source):
        raise CorpusError(f"there is no file {source!r}")
    document = file_document(Path(source), reading)
    return Document(f"{document.name}.txt" if document.is_table else document.name, source, document.open, reading)


def read_plain(source: str, reading: Reading, *, standard_input: BinaryIO) -> str:
    """Read one file, or ``-`` for standard input, as plain text whatever its name.

    Raises:
        CorpusError: It is missing, unreadable, binary, or not in the stated encoding.
    """
    document = plain_document(source, reading, standard_input=standard_input)
    return "".join(document.pieces())


def size_on_disk(sources: Sequence[str]) -> int:
    """Return the number of bytes of files to read, as far as it is known beforehand."""
    return sum(os.path.getsize(path) for source in sources for path in _found(source) if os.path.isfile(path))


def _found(source: str) -> Iterable[str | Path]:
    if os.path.isdir(source):
        return Path(source).rglob("*")
    return [source] if os.path.exists(source) else glob.glob(source)


def files_of(source: str) -> list[str]:
    """Return the files that a name stands for, whatever they hold: of a folder all that are not hidden, of a glob all.

    Raises:
        CorpusError: A folder or a glob stands for none.
    """
    path = Path(source)
    if os.path.isdir(source):
        files = [
            str(file) for file in sorted(path.rglob("*")) if file.is_file() and not _hidden(file.relative_to(path))
        ]
    elif not os.path.exists(source) and glob.has_magic(source):
        files = [match for match in sorted(glob.glob(source, recursive=True)) if os.path.isfile(match)]
    else:
        return [source]
    if not files:
        raise CorpusError(f"{source} stands for no file")
    return files


def _files(source: str, reading: Reading, pattern: str | None) -> tuple[list[Path], list[Path]]:
    """Return the files that a source names, and those in a folder that are no text."""
    path = Path(source)
    if os.path.isdir(source):
        files = [p for p in sorted(path.rglob("*")) if p.is_file() and not _hidden(p.relative_to(path))]
        if pattern is not None:
            matching = [p for p in files if fnmatch(p.name, pattern) or fnmatch(str(p.relative_to(path)), pattern)]
            if files and not matching:
                raise CorpusError(f"none of the {len(files)} files in {source} matches {pattern!r}: {by_ending(files)}")
            files = matching
        texts = {p: None for p in files if looks_like_text(p, reading)}
        if not texts:
            held = f"none of its {len(files)} files is text" if files else "it holds no files"
            raise CorpusError(f"folder {source} has no text to learn from: {held}")
        return list(texts), [p for p in files if p not in texts]
    if os.path.isfile(source):
        return [path], []
    if glob.has_magic(source):
        matches = [Path(match) for match in sorted(glob.glob(source, recursive=True)) if Path(match).is_file()]
        if not matches:
            raise CorpusError(f"no file matches {source!r}")
        return matches, []
    raise CorpusError(
        f"there is no file or folder {source!r}. A corpus is a file, a folder, a glob in quotes, "
        f"'-' for standard input, or one of: {', '.join(names_of_corpora())}"
    )


def by_ending(paths: Iterable[Path]) -> str:
    """Return how many files there are of each ending, most first.

    >>> by_ending([Path("a.md"), Path("b.svg"), Path("c.md"), Path("README")])
    '4 files: 2 .md, 1 .svg, 1 without ending'
    """
    counts = Counter(path.suffix.lower() or "without ending" for path in paths)
    return f"{counts.total():,} files: " + ", ".join(f"{count:,} {ending}" for ending, count in counts.most_common())


def names_of_corpora() -> list[str]:
    """Return the names that stand for a corpus."""
    return [*EMBEDDED, *(name for name, data_set in DATA_SETS.items() if data_set.kind == "text")]


def _data_set_documents(name: str, reading: Reading, fetching: Fetched | None) -> list[Document]:
    data_set = DATA_SETS[name]
    if data_set.kind != "text":
        way = (
            f"fetch it (ostinato data {name} --fetch) and give its files to a recipe that reads them"
            if data_set.kind == "files"
            else "no recipe of this version reads it"
        )
        raise CorpusError(f"{name} is no text ({data_set.summary}); {way}")
    return [
        file_document(path, reading) if file.member is None else member_document(path, file.member, reading)
        for file, path in zip(data_set.files, fetch(data_set, progress=fetching), strict=True)
    ]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
