"""``label``: the labels of texts, recordings or arrays."""

from __future__ import annotations

import itertools
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.app.reading import check_texts, read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json, shown
from ostinato.app.terminal.working import WorkView
from ostinato.codecs.spelled import COLUMN
from ostinato.config import at_least
from ostinato.data import Reading
from ostinato.data.documents import notes_on_encodings
from ostinato.data.frames import Frames
from ostinato.data.pairs import lines_of, surveyed
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.labels.reading import read_sequences
from ostinato.families.labels.reading.columns import ColumnFile, as_column_file, sentences_of
from ostinato.families.labels.reading.tokens import tokenise

if TYPE_CHECKING:
    from ostinato.families.labels.annotator import Annotator


_MOSTLY = 0.9
_SHOWN = 60  # characters

EXAMPLES = """\
ostinato label runs/tags "The dog barks ."
ostinato label runs/tags --file corpus.conllu > tagged.conllu
ostinato label runs/digits recording.wav --json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument(
        "sources",
        nargs="*",
        metavar="TEXT|FILE",
        help="texts, recordings (.wav, .flac, .ogg, .mp3) or arrays (.npy, .npz); default: standard input, by lines",
    )
    groups.files(command, "a text per line, or columns or CoNLL-U as the model learned from")
    command.add_argument(
        "--beam", type=int, metavar="K", help="of labels without a place (recipe ctc): keep the K best beginnings"
    )
    command.add_argument("--tokens", action="store_true", help="of recipe tag: spaces separate words and marks already")
    command.add_argument("--json", action="store_true", help="one object per sequence on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Print the labels of texts, recordings or arrays."""
    if args.beam is not None:
        at_least("--beam", args.beam, 1)
    if args.sources and args.files is not None:
        raise ConfigError("give TEXT or FILE, or --file, and not both")
    model = load_model(args)
    if args.sources or model.reads_frames:
        _label(args, model, None, *_given(args, model))
        return 0
    for name in args.files or ["-"]:
        file, text = _column_file(name, model)
        if file is not None:
            _label(args, model, file, *_sentences(file, model))
            continue
        lines = lines_of(text)
        names, sources = _texts(args, model, [line for line in lines if line.strip()])
        _label(args, model, None, names, sources, lines)
    return 0


def _label(
    args: Namespace,
    model: Annotator,
    file: ColumnFile | None,
    names: list[str],
    sources: Sequence[str] | Frames,
    lines: Sequence[str] = (),
) -> None:
    """Find the labels of some sources, and print them.

    Those of a file of columns are printed as that file with other labels; empty ones of ``lines`` stay empty lines.
    """
    with WorkView(Console(stderr=True)) as view:
        labellings = model.label(
            sources, beam=args.beam, unknown=args.unknown, tick=lambda done, total: view.watch("labelling", done, total)
        )
    if args.json:
        for name, labelling in zip(names, labellings, strict=True):
            print(as_json({"source": name, **labelling.plain()}))
    elif file is not None and (place := _place_of_labels(file, model)) is not None:
        print(file.relabelled([one.labels for one in labellings], place), end="")
    else:
        rest = iter(lines)
        for name, labelling in zip(names, labellings, strict=True):
            for _ in itertools.takewhile(lambda line: not line.strip(), rest):
                print()
            told = labelling.describe(model.between)
            print(told if labelling.words or len(names) == 1 else f"{name}\t{told}")


def _column_file(name: str, model: Annotator) -> tuple[ColumnFile | None, str]:
    """Return a file to label, if it is one of columns as the model learned from, and its text."""
    reading = model.settings.reading()
    if not reading.per_word:
        return None, read_file(name)
    (document,) = surveyed([name], Reading())
    for note in notes_on_encodings([document]):
        print(note, file=sys.stderr)
    file = as_column_file(document)
    if file is not None and (reading.columns > 1 or _is_vertical(file) or _place_of_labels(file, model) is not None):
        return file, ""
    return None, "".join(document.texts())


def _is_vertical(file: ColumnFile) -> bool:
    """Return whether a file has a word on each line, and empty lines between sentences."""
    several = len(file.sentences) > 1 and any(len(sentence) > 1 for sentence in file.sentences)
    return several and all(len(row.cells) == 1 for sentence in file.sentences for row in sentence)


def _place_of_labels(file: ColumnFile, model: Annotator) -> int | None:
    """Return the place of the column of labels; ``None``: the file has words alone, or lines of text."""
    reading = model.settings.reading()
    rows = [row.cells for sentence in file.sentences for row in sentence]
    try:
        places, label = file.places(reading.words, reading.tags, reading.columns)
    except CorpusError:  # of columns with names, and these have none
        return None
    if any(len(row) <= places[-1] + (label < 0) or not -len(row) <= label < len(row) for row in rows):
        return None
    if file.is_conllu or file.names:
        return label
    # Lines of equally many words are text, unless nearly all the last ones are labels, and not the same one, as a stop
    # may be.
    known, last = set(model.names), [row[label] for row in rows]
    is_labelled = len({len(row) for row in rows}) == 1 and len(set(last)) > 1
    return label if is_labelled and sum(word in known for word in last) >= _MOSTLY * len(rows) else None


def _sentences(file: ColumnFile, model: Annotator) -> tuple[list[str], Sequence[str]]:
    """Return the sentences of a file, as they are shown and as the model reads them."""
    reading = model.settings.reading()
    sentences = sentences_of(file, words=reading.words, columns=reading.columns)
    if not sentences:
        raise ConfigError("there is nothing to label: no line has any text")
    return [text.replace(COLUMN, " ") for text in sentences], sentences


def _given(args: Namespace, model: Annotator) -> tuple[list[str], Sequence[str] | Frames]:
    """Return the names of the sources that are given, and those: texts or frames."""
    if model.reads_frames:
        if not args.sources:
            raise ConfigError("name what to label: recordings (.wav, .flac, .ogg, .mp3) or arrays (.npy, .npz)")
        sequences = [pair for source in args.sources for pair in read_sequences(source, model.settings.reading())]
        return [name for name, _ in sequences], Frames.joined([own for _, own in sequences])
    check_texts(args.sources)
    return _texts(args, model, args.sources)


def _texts(args: Namespace, model: Annotator, texts: list[str]) -> tuple[list[str], Sequence[str]]:
    if not texts:
        raise ConfigError("there is nothing to label: no line has any text")
    reading = model.settings.reading()
    return texts, _tokenised(texts, model) if reading.per_word and reading.columns == 1 and not args.tokens else texts


def _tokenised(texts: Sequence[str], model: Annotator) -> Sequence[str]:
    """Return texts with marks apart from words, as taggers learn them; say so where that changes something."""
    tokens = [tokenise(text, model.knows_word) for text in texts]
    changed = next((own for text, own in zip(texts, tokens, strict=True) if own.split() != text.split()), None)
    if changed is not None:
        print(
            f"warning: marks were separated from words, as the model learned its labels on separate ones: "
            f"{shown(changed[:_SHOWN])!r}. --tokens takes words as spaces separate them",
            file=sys.stderr,
        )
    return tokens
