"""``rolls``: what files of polyphonic music hold, and what of them cannot be learned from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import asdict

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.codecs import TokenCodec
from ostinato.data import Corpus, encode_texts
from ostinato.families.rolls.reading import PARTS, RollReading, read_rolls
from ostinato.music.roll_facts import Closer, facts_of, look_closer
from ostinato.music.rolls import HIGHEST, LOWEST, Frames, frames_of_ids, note_name, tokens_of

_BAR, _SHOWN, _OCTAVE = 30, 5, 12

EXAMPLES = """\
ostinato rolls midi/ --grid 16th
ostinato rolls JSB_Chorales.mat --split test
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="MIDI files, arrays, .mat files, folders, globs, names"
    )
    command.add_argument("--grid", default="8th", help="of MIDI files: length of a frame, such as 8th, 16th or 0.3s")
    command.add_argument("--split", choices=PARTS, default="train", help="of files with an official split: the part")
    command.add_argument("--json", action="store_true", help="one object on standard output")


def act(args: Namespace) -> int:
    """Tell what files of polyphonic music hold."""
    with WorkView(Console(stderr=True)) as view:
        corpus = read_rolls(args.files, RollReading(args.grid, LOWEST, HIGHEST), part=args.split, fetching=view.watch)
    rolls = _frames(corpus)
    closer = look_closer(rolls)
    if args.json:
        print(as_json({**asdict(facts_of(rolls)), **asdict(closer), "notes_on_reading": corpus.notes}))
        return 0
    for note in corpus.notes:
        print(note)
    _print(closer)
    _print_equal(corpus)
    return 0


def _frames(corpus: Corpus) -> list[Frames]:
    codec = TokenCodec(tokens_of(LOWEST, HIGHEST), end=True)
    encoded = encode_texts(codec, corpus.texts)
    frames, offsets = frames_of_ids(encoded.ids, encoded.offsets, HIGHEST - LOWEST + 1)
    return [frames[first:end] for first, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


def _print(closer: Closer) -> None:
    print(f"pieces of {closer.shortest:,} to {closer.longest:,} frames, {closer.median:,} in the middle")
    print("\nnotes that sound together, and the share of frames:")
    _bars([str(number) for number in range(len(closer.polyphony))], closer.polyphony)
    print("\npitch classes, and their share of notes:")
    _bars([note_name(number)[:-2] for number in range(_OCTAVE)], closer.pitch_classes)
    print(f"\nthe most frequent of {closer.shapes:,} chords, as semitones above the lowest note:")
    total = sum(closer.polyphony)
    for shape, count in closer.chords:
        print(f"  {count / total:6.1%}  {' '.join(map(str, shape)) or 'silence'}")


def _bars(names: list[str], counts: tuple[int, ...]) -> None:
    total, most = sum(counts) or 1, max(counts) or 1
    for name, count in zip(names, counts, strict=True):
        print(f"  {name:>3} {count / total:6.1%}  {'█' * round(_BAR * count / most)}")


def _print_equal(corpus: Corpus) -> None:
    """Name pieces that are equal in some key."""
    assert corpus.groups is not None
    often = [group for group, count in Counter(corpus.groups).most_common() if count > 1]
    if often:
        print("\nequal in some key:")
    for group in often[:_SHOWN]:
        print(f"  {', '.join(place for place, own in zip(corpus.places, corpus.groups, strict=True) if own == group)}")
    if len(often) > _SHOWN:
        print(f"  … and {len(often) - _SHOWN:,} more")
