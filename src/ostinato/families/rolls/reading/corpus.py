"""A corpus of piano rolls."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ostinato.data import Corpus
from ostinato.data.datasets import DATA_SETS
from ostinato.data.fetching import Fetched, fetch
from ostinato.errors import CorpusError
from ostinato.families.rolls.reading.files import ENDINGS, Piece, has_parts, pieces_of
from ostinato.families.rolls.reading.options import RollReading
from ostinato.music.roll_facts import facts_of
from ostinato.music.rolls import as_text, up_to_transposition

_LEAST = 2  # frames of a piece
_SHOWN = 3  # files that are named in a message
_NAMES = "jsb-chorales or nottingham-rolls"


def read_rolls(
    sources: Sequence[str],
    options: RollReading,
    *,
    part: str = "train",
    tick: Callable[[int], None] | None = None,
    fetching: Fetched | None = None,
) -> Corpus:
    """Read pieces: each an item, whose text has the notes of each frame.

    Args:
        sources: MIDI files, arrays, MATLAB files of the papers, folders or globs of such, or names of data sets.
        options: Options of reading.
        part: Part of files with an official split; the corpus of ``"train"`` has their validation part beside it.
        tick: Called with the number of bytes just read.
        fetching: Called with how far the download of a data set is.

    Raises:
        CorpusError: Something cannot be read, or there is no piece.
    """
    files = _files(sources, fetching)
    corpus = _corpus(files, options, part, tick)
    if part != "train" or not any(map(has_parts, files)):
        return corpus
    if not all(map(has_parts, files)):
        raise CorpusError(
            f"of {len(files)} files some have an official split, and some have none; give one kind at a time"
        )
    valid = _corpus(files, options, "valid", None)
    note = "the official split: learned from its training part, validated on its validation part"
    return replace(corpus, valid=valid, notes=(*corpus.notes, note))


def _files(sources: Sequence[str], fetching: Fetched | None) -> list[Path]:
    if not sources:
        raise CorpusError(
            f"no corpus given. Name files of rolls ({', '.join(ENDINGS)}), or folders of them, or {_NAMES}"
        )
    files: list[Path] = []
    for source in sources:
        path = Path(source)
        if source in DATA_SETS and not path.exists():
            files += fetch(DATA_SETS[source], progress=fetching)
        elif path.is_dir():
            files += sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
        elif path.is_file():
            files.append(path)
        else:
            files += _matching(source)
    if not files:
        raise CorpusError(f"there is no file of rolls in {', '.join(sources)}: those end in {', '.join(ENDINGS)}")
    return files


def _matching(source: str) -> list[Path]:
    paths = [Path(match) for match in sorted(glob.glob(source, recursive=True))]
    if not paths:
        raise CorpusError(f"there is no file or folder {source!r}. Name MIDI files, arrays, or {_NAMES}")
    return [path for path in paths if path.is_file()]


def _corpus(files: Sequence[Path], options: RollReading, part: str, tick: Callable[[int], None] | None) -> Corpus:
    pieces: list[Piece] = []
    sources, unreadable, short = [], list[CorpusError](), 0
    for file in files:
        data = file.read_bytes()
        sources.append({"name": file.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        try:
            own = list(pieces_of(file, options, part))
        except CorpusError as error:
            if len(files) == 1:
                raise
            unreadable.append(error)
            continue
        short += sum(len(piece.frames) < _LEAST for piece in own)
        pieces += [piece for piece in own if len(piece.frames) >= _LEAST]
        if tick is not None:
            tick(len(data))
    sounding = [piece for piece in pieces if piece.frames.any()]
    if not sounding:
        first = f": {unreadable[0]}" if unreadable else f" of {_LEAST} frames or more, with notes in the range"
        raise CorpusError(f"there is no piece to learn from{first}")
    numbers: dict[bytes, int] = {}
    groups = tuple(numbers.setdefault(up_to_transposition(piece.frames), len(numbers)) for piece in sounding)
    notes = _notes(
        sounding,
        options,
        short=short,
        silent=len(pieces) - len(sounding),
        kinds=len(numbers),
        unreadable=unreadable,
    )
    return Corpus(
        "items",
        tuple(as_text(piece.frames, options.lowest) for piece in sounding),
        sources=tuple(sources),
        notes=tuple(notes),
        made_by=("rolls", f"{options.grid}, {options.lowest} to {options.highest}, {part}"),
        groups=groups,
        places=tuple(piece.place for piece in sounding),
    )


def _notes(
    pieces: Sequence[Piece],
    options: RollReading,
    *,
    short: int,
    silent: int,
    kinds: int,
    unreadable: Sequence[CorpusError],
) -> list[str]:
    """Say what was read, and what was left out."""
    facts = facts_of([piece.frames for piece in pieces], options.lowest)
    notes = [
        f"{_pieces(facts.pieces)}, {facts.frames:,} frames, {facts.notes:.2f} notes a frame (at most {facts.most}), "
        f"MIDI notes {facts.lowest} to {facts.highest}, {facts.repeated:.1%} of frames repeat the one before"
    ]
    if equal := len(pieces) - kinds:
        told = f"{equal:,} pieces equal others" if equal > 1 else "1 piece equals another"
        notes.append(f"{told}, in some key; those stay on one side of a split")
    if brief := sum(piece.short for piece in pieces):
        notes.append(
            f"{brief:,} notes are shorter than a frame ({options.grid}), and several may fall into one; --grid 16th, "
            "say, is finer"
        )
    out, drums = sum(piece.out_of_range for piece in pieces), sum(piece.drums for piece in pieces)
    left = [
        f"{count:,} {what}"
        for count, what in (
            (out, f"notes of single frames outside {options.lowest} to {options.highest}"),
            (drums, "notes of drums"),
            (short, f"pieces of fewer than {_LEAST} frames"),
            (silent, "pieces without a note in the range"),
            (len(unreadable), f"files that cannot be read ({'; '.join(map(str, unreadable[:_SHOWN]))})"),
        )
        if count
    ]
    return [*notes, *([f"left out: {', '.join(left)}"] if left else [])]


def _pieces(count: int) -> str:
    return "1 piece" if count == 1 else f"{count:,} pieces"
