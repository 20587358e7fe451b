"""Bytes of a file in blocks that decode by themselves, so that no text need fit in memory whole; their encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from ostinato.errors import CorpusError

#: Endings of compressed files that are read as what they hold.
COMPRESSED = (".gz", ".zst")

BLOCK = 2**22  # bytes
_READ = 2**17  # bytes of a compressed file
_TAILS = (2**9, 2**16)  # bytes at a block's end in which a place to cut is looked for
_MOST_BLOCKS = 4  # after so many without such a place a block is cut between any two characters
# Before white space that follows something else: no codec of ours joins symbols across that, "\r\n" stays whole.
_PLACE = re.compile(rb"[^ \t\r\n](?=[ \r\n])")
_STATEFUL = ("utf-7", "iso2022", "hz")  # what a byte means depends on what came before
#: Stands for UTF-8, UTF-16 or UTF-32 with a byte order mark, or else Windows-1252.
AUTO = "auto"
_USUAL, _WESTERN = "utf-8", "cp1252"
# The longer ones first: that of UTF-32 begins with one of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ASCII = bytes(range(128))
_ASCII_AND_TAILS = bytes(range(0xC0))  # of UTF-8, all but the first bytes of longer characters
_BROKEN = "\ufffd"  # in place of bytes that are no UTF-8
# Bytes that have no meaning in Windows-1252, and control characters that no text has.
_NO_TEXT = b"\x81\x8d\x8f\x90\x9d" + bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b")
_MOST_ACCENTS = 0.4  # of the bytes of a text in a Western language


@contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file, unpacked if compressed; yield the stream of its content, and the file itself for its position.

    Raises:
        CorpusError: It cannot be read.
    """
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            stream: BinaryIO = raw
            if path.suffix == ".gz":
                stream = cast(BinaryIO, stack.enter_context(gzip.open(raw)))
            elif path.suffix == ".zst":
                stream = io.BufferedReader(_Zstandard(raw))
            yield stream, raw
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CorpusError(f"{path} cannot be read: {reason}") from error


@contextmanager
def open_member(path: Path, member: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open one part of a zip archive, unpacked; yield that stream, and the archive itself for its position.

    Raises:
        CorpusError: It cannot be read.
    """
    try:
        with path.open("rb") as raw, zipfile.ZipFile(raw) as archive, archive.open(member) as stream:
            yield cast(BinaryIO, stream), raw
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise CorpusError(f"{member} in {path} cannot be read: {error}") from error


class _Zstandard(io.RawIOBase):
    """The content of a Zstandard file of one or more frames; unlike the library's reader it reports a missing end."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._frame, self._held = raw, _new_frame(), b""
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._begun = _new_frame(), False
            data = data or self._raw.read(_READ)
            if not data:
                if self._begun:
                    raise EOFError("Compressed file ended before the end of its last frame")
                return 0
            self._begun = True
            self._held = self._frame.decompress(data)
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


def _new_frame() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor().decompressobj()


def check_encoding(encoding: str) -> None:
    """Check the name of an encoding.

    Raises:
        CorpusError: Python has no such text encoding.
    """
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError, ValueError) as error:
        raise CorpusError(f"{error}: --encoding takes Python's names, such as utf-8, latin-1, utf-16") from error


def recognise(stream: BinaryIO, *, whole: bool = True) -> str:
    """Return the name of the encoding of a text.

    A text that is neither valid UTF-8 nor likely Windows-1252 is taken for UTF-8, so that reading it says where it is
    not: other scripts have many more bytes beyond ASCII, and damaged UTF-8 has more whole characters than broken ones.

    Args:
        stream: The text, from its beginning.
        whole: Whether the stream has its end; if not, it may end within a character.
    """
    block = stream.read(BLOCK)
    for mark, encoding in _MARKS.items():
        if block.startswith(mark):
            return encoding
    decoder, is_western = codecs.getincrementaldecoder(_USUAL)("replace"), True
    size = beyond_ascii = characters = broken = 0
    while block:
        size += len(block)
        is_western = is_western and not any(code in block for code in _NO_TEXT)
        if not block.isascii():
            beyond_ascii += len(block.translate(None, _ASCII))
        text, block = decoder.decode(block), stream.read(BLOCK)
        if not text.isascii():
            broken += text.count(_BROKEN)
            characters += len(text.encode().translate(None, _ASCII_AND_TAILS)) - text.count(_BROKEN)
    broken += len(decoder.decode(b"", final=True)) if whole else 0
    if not broken or characters > broken or not is_western:
        return _USUAL
    return _WESTERN if beyond_ascii <= _MOST_ACCENTS * size else _USUAL


def blocks(stream: BinaryIO, encoding: str, size: int = BLOCK) -> Iterator[bytes]:
    """Cut a stream into blocks of about ``size`` bytes, each whole in its encoding.

    A text whose encoding has no safe places to cut (UTF-16, ISO-2022) is one block.
    """
    cuttable = _is_cuttable(encoding)
    held = b""
    while data := stream.read(size if cuttable else -1):
        held += data
        cut = _cut(held, encoding, desperate=len(held) >= _MOST_BLOCKS * size) if cuttable else 0
        if cut:
            yield held[:cut]
            held = held[cut:]
    if held:
        yield held


def _is_cuttable(encoding: str) -> bool:
    name = codecs.lookup(encoding).name
    return name == "utf-8-sig" or (not name.startswith(_STATEFUL) and _same_in_ascii(encoding))


def _same_in_ascii(encoding: str) -> bool:
    try:
        return " \r\n".encode(encoding) == b" \r\n"
    except UnicodeError:
        return False


def _cut(held: bytes, encoding: str, *, desperate: bool) -> int:
    """Return the place to end a block at; 0 if there is none yet."""
    for tail in _TAILS:
        places = [match.end() for match in _PLACE.finditer(held, max(0, len(held) - tail))]
        if places:
            return places[-1]
    if not desperate:
        return 0
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        return next((n for n in range(len(held) - 1, len(held) - 5, -1) if held[n] & 0xC0 != 0x80), 0)
    single = len(bytes(range(256)).decode(encoding, errors="replace")) == 256
    return len(held) if single else 0
