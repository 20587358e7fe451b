"""``label``, and ``evaluate`` for models of labels."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.app.console import Console
from ostinato.app.output import as_json
from ostinato.app.process import device_of
from ostinato.app.reading import pair_limits, read_file, refuse_others
from ostinato.app.working import WorkView
from ostinato.codecs.spelled import COLUMN
from ostinato.config import at_least
from ostinato.data import Reading
from ostinato.data.frames import Frames
from ostinato.data.labelled import read_columns, read_sequences
from ostinato.data.pairs import lines_of
from ostinato.decode.units import bits
from ostinato.errors import ConfigError
from ostinato.families.labels.family import LABELS

if TYPE_CHECKING:
    from ostinato.families.labels.annotator import Annotator, LabelEvaluation, Labelling

_SHOWN = 3  # labels, of one place, that are told beside the best
_CONFUSIONS = 10


def label(args: Namespace) -> int:
    """Print the labels of texts, recordings or arrays."""
    if args.beam is not None:
        at_least("--beam", args.beam, 1)
    model = _load(args)
    names, sources = _sources(args, model)
    with WorkView(Console(stderr=True)) as view:
        found = model.label(
            sources, beam=args.beam, unknown=args.unknown, tick=lambda done, total: view.watch("labelling", done, total)
        )
    for name, one in zip(names, found, strict=True):
        plain = _line(name, one, len(names), model.between)
        print(as_json(_plain(name, one)) if args.json else plain)
    return 0


def evaluate_labels(args: Namespace) -> int:
    """Measure a model of labels on labelled sequences."""
    refuse_others(args, "labels")
    model = _load(args)
    reading = Reading(args.encoding, args.errors)
    corpus = LABELS.read(args.corpus, model.settings, pair_limits(args), reading, part="test")
    for note in corpus.notes:
        print(note, file=sys.stderr)
    if args.skip_bad_pairs:
        corpus, left_out = model.known_only(corpus)
        if left_out:
            print(f"left out: {left_out:,} sequences with labels that the model does not know", file=sys.stderr)
    with WorkView(Console(stderr=True)) as view:
        found = model.evaluate(
            corpus,
            beam=args.beam,
            unknown=args.unknown,
            tick=lambda done, total: view.watch("labelling", done, total),
        )
    if args.json:
        print(as_json(_plain_evaluation(found)))
    else:
        _tell_evaluation(found, args)
    return 0


def _load(args: Namespace) -> Annotator:
    device = device_of(args)
    from ostinato.families.labels.annotator import load_annotator

    model = load_annotator(args.model_file or args.run, device=device)
    args.codec = model.codec
    return model


def _sources(args: Namespace, model: Annotator) -> tuple[list[str], Sequence[str] | Frames]:
    """What to label, and what each is called."""
    if args.sources and args.file is not None:
        raise ConfigError("give TEXT or FILE, or --file, and not both")
    how = model.settings.reading()
    if model.reads_frames:
        if not args.sources:
            raise ConfigError("name what to label: recordings (.wav, .flac, .ogg, .mp3) or arrays (.npy, .npz)")
        found = [pair for source in args.sources for pair in read_sequences(source, how)]
        return [name for name, _ in found], Frames.joined([own for _, own in found])
    if args.sources:
        return list(args.sources), list(args.sources)
    if how.columns > 1:
        sentences = read_columns(str(args.file or "-"), how)
    else:
        sentences = [line for line in lines_of(read_file(args.file or "-")) if line.strip()]
    if not sentences:
        raise ConfigError("there is nothing to label: no line has any text")
    return [text.replace(COLUMN, " ") for text in sentences], sentences


def _line(name: str, found: Labelling, count: int, between: str) -> str:
    if found.words:
        return " ".join(f"{word}/{own}" for word, own in zip(found.words, found.labels, strict=True))
    told = between.join(found.labels)
    if len(found.alternatives) == 1:
        best, *others = found.alternatives[0]
        rest = ", ".join(f"{other} {share:.1%}" for other, share in others[:_SHOWN] if share >= 0.001)
        told = f"{told}\t{best[1]:.1%}" + (f"\t({rest})" if rest else "")
    return told if count == 1 else f"{name}\t{told}"


def _plain(name: str, found: Labelling) -> dict[str, Any]:
    plain: dict[str, Any] = {"source": name, "labels": found.labels, "log_prob": found.log_prob}
    if found.words:
        plain["words"] = found.words
    if found.alternatives:
        plain["probabilities"] = [dict(one) for one in found.alternatives]
    if found.weights:
        plain["weights"] = [round(weight, 6) for weight in found.weights]
    return plain


def _plain_evaluation(found: LabelEvaluation) -> dict[str, Any]:
    scores = found.spans
    plain: dict[str, Any] = {
        "sequences": found.sequences, "labels": found.labels, "nats_per_label": found.nats_per_label,
        "exact": found.exact, "accuracy": found.accuracy, "label_error": found.label_error,
        "confusions": [{"real": real, "found": taken, "count": count} for real, taken, count in found.confusions],
    }  # fmt: skip
    if scores is not None:
        plain["spans"] = {
            "found": scores.found, "real": scores.real, "right": scores.right, "precision": scores.precision,
            "recall": scores.recall, "f1": scores.f1,
        }  # fmt: skip
    return plain


def _tell_evaluation(found: LabelEvaluation, args: Namespace) -> None:
    print(f"{found.sequences:,} sequences, {found.labels:,} labels")
    print(f"{found.nats_per_label:.4f} nats per label ({bits(found.nats_per_label):.4f} bits)")
    if found.accuracy is not None:
        print(f"accuracy {found.accuracy:.2%}" + (f", whole sequences {found.exact:.2%}" if found.spans else ""))
    if found.label_error is not None:
        search = "best path" if args.beam is None else f"prefix beam {args.beam}"
        print(f"label error {found.label_error:.2%}, whole sequences right {found.exact:.2%} ({search})")
    if found.spans is not None:
        scores = found.spans
        print(
            f"spans: F1 {scores.f1:.2%}, precision {scores.precision:.2%}, recall {scores.recall:.2%} "
            f"({scores.right:,} right of {scores.found:,} found and {scores.real:,} real; CoNLL's definition)"
        )
    if found.confusions:
        told = ", ".join(f"{real} as {taken} {count:,}×" for real, taken, count in found.confusions[:_CONFUSIONS])
        print(f"most often taken for another: {told}")
