"""Corpora encoded on disk once, and mapped into memory by every run that reads them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from ostinato.codecs import Codec, Unknown
from ostinato.data.corpus import Corpus
from ostinato.data.encoded import Array, Encoded, encode_texts, map_encoded, smallest_type
from ostinato.disk.documents import FORMAT, read_document, sync_folder, write_document
from ostinato.errors import CorpusError, DamagedError, RunError, UnknownSymbolError

Progress = Callable[[int, int], None]  # characters encoded, in all

_DRAFT = ".draft-"
_KEY = re.compile("[0-9a-f]{32}")
_ITEMS = 2**20  # characters of items that are encoded together
SAFE = 2**25  # ids after which what is written is made safe, so that an interruption costs little
OFFSET = np.dtype("<i8")
_FIRST = np.zeros(1, dtype=OFFSET).tobytes()
_READ = 2**22  # bytes


@dataclass(frozen=True)
class Entry:
    """One encoded corpus in the cache.

    Attributes:
        key: Its name: a digest of texts, codec and format.
        path: Its folder.
        about: Codec, sources and parts, as plain data; empty where it is unfinished.
        size: Bytes on disk.
        used: Time of its last use, in seconds since 1970.
    """

    key: str
    path: Path
    about: dict[str, Any]
    size: int
    used: float

    @property
    def is_whole(self) -> bool:
        """Whether it was encoded to its end."""
        return bool(self.about)


@dataclass(frozen=True)
class Pinned:
    """An encoded corpus mapped into memory, not loaded: its pages come and go as they are read.

    Attributes:
        key: Its name in the cache.
        sha256: Digest of the whole corpus.
        parts: The parts, such as ``"train"`` and ``"valid"``.
        characters: Number of encoded characters in each part, by name.
    """

    key: str
    sha256: str
    parts: dict[str, Encoded]
    characters: dict[str, int]


class Cache:
    """Encoded corpora in a folder, one folder each.

    Several processes may use it at once: while one encodes a corpus, the others wait for it.
    If a process dies, the next one continues from what it had encoded.

    Args:
        folder: Folder that holds the cache; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "corpora"

    def encoded(
        self,
        codec: Codec,
        parts: Mapping[str, Corpus],
        *,
        unknown: Unknown = "error",
        progress: Progress | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> Pinned:
        """Return the encoded parts, from the cache or encoded now.

        Args:
            codec: Codec to encode with.
            parts: Corpora to encode, by name.
            unknown: Treatment of symbols that the codec does not know.
            progress: Called with the number of characters done and in all.
            waiting: Called if another process is encoding the same parts.

        Raises:
            UnknownSymbolError: A text has symbols that the codec does not know.
            CorpusError: A source has changed since it was surveyed, or the cache cannot be written.
        """
        key = _key(codec, parts, unknown)
        if (self.folder / key).exists():
            with suppress(RunError):  # needs no lock, so a cache that is only readable serves as well
                return self.open(key)
        with self._writing(), self._locked(key, waiting):
            try:
                return self.open(key)
            except DamagedError:
                shutil.rmtree(self.folder / key, ignore_errors=True)
            except RunError:
                pass
            self._make(key, codec, parts, unknown, progress)
            return self.open(key)

    def open(self, key: str, sha256: str | None = None) -> Pinned:
        """Map an encoded corpus, checking every byte of it.

        Raises:
            RunError: It is not there, or its digest is not ``sha256``.
            DamagedError: It is truncated or altered.
        """
        path = self.folder / key
        if not _KEY.fullmatch(key):  # it may come from a run that somebody sent
            raise RunError(f"{key!r} is no name of an encoded corpus")
        if not (path / "about.json").exists():
            raise RunError(f"the encoded corpus {key} is not in the cache {self.folder}")
        about = read_document(path / "about.json")
        for name, part in about["parts"].items():
            for kind in ("ids", "offsets"):
                if _file_digest(path / f"{name}.{kind}") != part[f"{kind}_sha256"]:
                    raise DamagedError(f"{path / name}.{kind} is damaged: its content does not match its digest")
        if sha256 is not None and about["corpus_sha256"] != sha256:
            raise RunError(f"{path} is not the corpus that is asked for: its digest is {about['corpus_sha256']}")
        with suppress(OSError):  # when it was last used; a cache that is only readable does not tell
            os.utime(path / "about.json")
        parts = {
            name: map_encoded((str(path / f"{name}.ids"), part["type"]), (str(path / f"{name}.offsets"), OFFSET.str))
            for name, part in about["parts"].items()
        }
        characters = {name: part["characters"] for name, part in about["parts"].items()}
        return Pinned(key, about["corpus_sha256"], parts, characters)

    def entries(self) -> list[Entry]:
        """Return the entries of the cache, last used first, unfinished drafts included."""
        folders = [path for path in self.folder.glob("*") if path.is_dir()]
        return sorted(map(_entry, folders), key=lambda entry: -entry.used)

    def remove(self, entry: Entry) -> bool:
        """Remove an entry; return False if a process is making it, or, on Windows, has it mapped."""
        try:
            with FileLock(self._lock(entry.key), timeout=0):
                doomed = entry.path.with_name(f"{_DRAFT}{entry.key}-old")
                shutil.rmtree(doomed, ignore_errors=True)
                entry.path.rename(doomed)
                shutil.rmtree(doomed)
        except (Timeout, PermissionError):
            return False
        return True

    def _make(
        self, key: str, codec: Codec, parts: Mapping[str, Corpus], unknown: Unknown, progress: Progress | None
    ) -> None:
        draft = self.folder / f"{_DRAFT}{key}"
        draft.mkdir(exist_ok=True)
        shutil.rmtree(self.folder / key, ignore_errors=True)  # what an interrupted removal has left
        total, done, told = sum(corpus.size for corpus in parts.values()), 0, {}
        for name, corpus in parts.items():

            def tick(characters: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + characters, total)

            told[name] = _PartWriter(draft, name, codec, unknown).write(corpus, tick)
            done += corpus.size
        first = next(iter(parts.values()))
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        sources = [source["name"] for source in first.sources]
        write_document(
            draft / "about.json", {"codec": codec.name, "sources": sources, "parts": told, "corpus_sha256": digest}
        )
        draft.rename(self.folder / key)
        sync_folder(self.folder)
        for name in parts:
            (self.folder / key / f"{name}.progress.json").unlink()

    def _lock(self, key: str) -> Path:
        return self.folder / f".lock-{key}"

    @contextmanager
    def _locked(self, key: str, waiting: Callable[[], None] | None) -> Iterator[None]:
        lock = FileLock(self._lock(key))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is not None:
                waiting()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Explain a failure to write; what was encoded so far stays."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            yield
        except (RunError, CorpusError):
            raise
        except OSError as error:
            raise CorpusError(
                f"the cache {self.folder} cannot be written: {error.strerror or error}. Make room (ostinato data "
                "--cache lists what is in it) or set OSTINATO_CACHE to another folder, and give the same command "
                "again: what is encoded already is kept"
            ) from error


def _key(codec: Codec, parts: Mapping[str, Corpus], unknown: Unknown) -> str:
    """Return the key of an encoded corpus: equal for equal texts and codecs, wherever the files lie."""
    texts = {
        name: {"kind": part.kind, "made_by": part.made_by, "sha256": _source_digests(part)}
        for name, part in parts.items()
    }
    about = {"format": FORMAT, "codec": codec.to_json(), "texts": texts, "unknown": unknown}
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def _source_digests(part: Corpus) -> list[str]:
    """Return digests that identify the texts of a corpus: of texts in memory, or else of its sources."""
    if isinstance(part.texts, tuple):
        state = hashlib.sha256()
        for text in part.texts:
            data = text.encode(errors="surrogatepass")
            state.update(len(data).to_bytes(8, "little") + data)
        return [state.hexdigest()]
    return [source["sha256"] for source in part.sources]


class _PartWriter:
    """A writer of one part into two files, continuing where an earlier process was stopped.

    It continues from ids that are safe on disk only if the files still hold them and the texts are still
    those that were encoded: both are hashed along the way.

    Args:
        folder: Folder of the draft.
        name: Name of the part.
        codec: Codec to encode with.
        unknown: Treatment of symbols that the codec does not know.
    """

    def __init__(self, folder: Path, name: str, codec: Codec, unknown: Unknown) -> None:
        self._folder, self._name, self._codec, self._unknown = folder, name, codec, unknown
        self._type = smallest_type(codec.size)
        self._begin({"chunks": 0, "ids": 0, "texts": 0, "characters": 0})

    def write(self, corpus: Corpus, tick: Callable[[int], None]) -> dict[str, Any]:
        """Encode a corpus to its end; return the counts, number type and digests of the files."""
        self._begin(self._known())
        try:
            self._go_through(corpus, tick)
        except _OtherTextError:
            self._begin({"chunks": 0, "ids": 0, "texts": 0, "characters": 0})
            self._go_through(corpus, tick)
        return {
            "ids": self._done["ids"],
            "characters": self._done["characters"],
            "type": self._type.str,
            "ids_sha256": self._ids.hexdigest(),
            "offsets_sha256": self._offsets.hexdigest(),
        }

    def _begin(self, done: dict[str, Any]) -> None:
        self._done, self._safe = done, done["ids"]
        self._text, self._ids, self._offsets = hashlib.sha256(), hashlib.sha256(), hashlib.sha256(_FIRST)
        if done["chunks"]:
            _hash_beginning(self._path("ids"), self._ids, done["ids"] * self._type.itemsize)
            _hash_beginning(self._path("offsets"), self._offsets, done["texts"] * OFFSET.itemsize, skip=len(_FIRST))

    def _known(self) -> dict[str, Any]:
        """Return the progress of an earlier process; zero if its files are not whole."""
        try:
            done = read_document(self._path("progress.json"))
            self._begin(done)
            if (self._ids.hexdigest(), self._offsets.hexdigest()) == (done["ids_sha256"], done["offsets_sha256"]):
                return done
        except (RunError, OSError):
            pass
        return {"chunks": 0, "ids": 0, "texts": 0, "characters": 0}

    def _go_through(self, corpus: Corpus, tick: Callable[[int], None]) -> None:
        characters, before = 0, self._done["chunks"]
        with self._appending("ids") as ids, self._appending("offsets") as ends:
            for number, texts in enumerate(_chunks(corpus)):
                characters += sum(map(len, texts))
                for text in texts:
                    self._text.update(text.encode(errors="surrogatepass"))
                if number == before - 1 and self._text.hexdigest() != self._done["text_sha256"]:
                    raise _OtherTextError
                if number >= before:
                    self._write_chunk(texts, ids, ends, is_text=corpus.kind == "text")
                    tick(characters)
            self._make_safe(ids, ends)
            if corpus.kind == "text":
                self._write(ends, self._offsets, np.array([self._done["ids"]]), OFFSET)
            _sync(ids, ends)

    def _write_chunk(self, texts: list[str], ids: BinaryIO, ends: BinaryIO, *, is_text: bool) -> None:
        adapted = [self._codec.adapt(text, self._unknown) for text in texts]
        try:
            encoded = encode_texts(self._codec, adapted)
        except UnknownSymbolError as error:
            raise UnknownSymbolError(f"after the first {self._done['characters']:,} characters: {error}") from error
        self._write(ids, self._ids, encoded.ids, self._type)
        if not is_text:
            self._write(ends, self._offsets, encoded.offsets[1:] + self._done["ids"], OFFSET)
            self._done["texts"] += encoded.texts
        self._done["ids"] += len(encoded.ids)
        self._done["characters"] += sum(map(len, adapted))
        self._done["chunks"] += 1
        if self._done["ids"] - self._safe >= SAFE:
            self._make_safe(ids, ends)

    def _write(self, stream: BinaryIO, digest: hashlib._Hash, numbers: Array, type_: np.dtype[Any]) -> None:
        data = numbers.astype(type_).tobytes()
        digest.update(data)
        stream.write(data)

    def _make_safe(self, ids: BinaryIO, ends: BinaryIO) -> None:
        _sync(ids, ends)
        self._done |= {
            "ids_sha256": self._ids.hexdigest(),
            "offsets_sha256": self._offsets.hexdigest(),
            "text_sha256": self._text.hexdigest(),
        }
        write_document(self._path("progress.json"), dict(self._done))
        self._safe = self._done["ids"]

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self._name}.{kind}"

    @contextmanager
    def _appending(self, kind: str) -> Iterator[BinaryIO]:
        """Open a file to append after the part that is safe on disk."""
        known = self._done["ids"] * self._type.itemsize
        self._path(kind).touch()
        with self._path(kind).open("r+b") as stream:
            if kind == "offsets":
                stream.write(_FIRST)  # where the first text starts
                known = len(_FIRST) + self._done["texts"] * OFFSET.itemsize
            stream.truncate(known)
            stream.seek(known)
            yield stream


class _OtherTextError(Exception):
    """A draft that was made of other texts than those to encode now."""


def _hash_beginning(path: Path, digest: hashlib._Hash, size: int, *, skip: int = 0) -> None:
    """Hash ``size`` bytes of a file after the first ``skip``, or as many as there are."""
    with path.open("rb") as stream:
        stream.seek(skip)
        while size > 0 and (data := stream.read(min(size, _READ))):
            digest.update(data)
            size -= len(data)


def _sync(*streams: BinaryIO) -> None:
    for stream in streams:
        stream.flush()
        os.fsync(stream.fileno())


def _chunks(corpus: Corpus) -> Iterator[list[str]]:
    """Yield lists of texts to encode together, the same ones each time."""
    if corpus.kind == "text":
        yield from ([text] for text in corpus.texts)
        return
    chunk, size = list[str](), 0
    for text in corpus.texts:
        chunk.append(text)
        size += len(text)
        if size >= _ITEMS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is missing") from error


def _entry(path: Path) -> Entry:
    size = sum(p.stat().st_size for p in path.glob("*"))
    about: dict[str, Any] = {}
    used = path.stat().st_mtime
    if not path.name.startswith(_DRAFT):
        try:
            about = read_document(path / "about.json")
            used = (path / "about.json").stat().st_mtime
        except RunError:
            pass
    return Entry(path.name.removeprefix(_DRAFT).removesuffix("-old"), path, about, size, used)


def days_unused(entry: Entry) -> float:
    """Return the number of days since an entry was last used."""
    return (time.time() - entry.used) / 86_400
