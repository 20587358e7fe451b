"""The report on a model of labels: its accuracy beside baselines, the scores of each label, and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from ostinato.codecs.labels import are_spans
from ostinato.data import Encoded
from ostinato.families.labels.annotator import Annotator
from ostinato.families.labels.baselines import guesses
from ostinato.families.labels.metrics import Labels, accuracy, label_error, span_scores
from ostinato.families.labels.results import LabelEvaluation
from ostinato.families.report import Figure, Report, Section, held_out, table, validation_loss
from ostinato.families.verdict import read_curve

_MOST = 1000  # held-out sequences
_LONGEST = 200_000  # places in them
_SHOWN = 12
_REMARK = (
    "The baselines have only counted in the training data; a network that does not beat them has learned little. What "
    "was held out chose which weights of the run are kept, which flatters them a little."
)


def report_on(model: Annotator, doing: Callable[[str], None]) -> Report:
    """Make the report on a run; ``doing`` is called with what is being done."""
    run, train, valid = held_out(model.saved)
    every, valid = valid.texts, _beginning(model, valid)
    is_all = valid.texts == every
    doing("measuring")
    evaluation, predicted = model.evaluate_encoded(valid)
    real = model.real_labels(valid)
    doing("counting beside it")
    figures = _figures(model, "this model", predicted, real, is_own=True)
    for guess in guesses(model.codec, train, valid):
        labels = [[model.names[n] for n in one] for one in guess.labels]
        figures += _figures(model, guess.name, labels, real, is_own=False)
    records = tuple(run.metrics())
    return Report(
        name=model.saved.path.name,
        unit="percent",
        measured_on=f"{'all' if is_all else 'the first'} {valid.texts:,} held-out sequences",
        figures=tuple(figures),
        remark=_REMARK,
        records=records,
        verdict=read_curve(records, model.settings, data="labelled sequences"),
        unit_of_loss="label",
        sections=(*_scores(evaluation), Section("Examples", _examples(model, valid, predicted, real))),
        notes=tuple(_notes(model, evaluation)),
        digits=1,
    )


def _beginning(model: Annotator, valid: Encoded) -> Encoded:
    """Return the first held-out sequences, as many as can be measured in seconds."""
    most = min(_MOST, valid.texts)
    while most > 1 and model.recipe.family.size(model.codec, valid.part(0, most)) > _LONGEST:
        most //= 2
    return valid.part(0, most)


def _figures(
    model: Annotator, name: str, predicted: Sequence[Labels], real: Sequence[Labels], *, is_own: bool
) -> list[Figure]:
    """Return the figures, in percent, by which labels of this kind are judged."""
    if not model.has_places:
        return [Figure(f"{name}: label error", 100 * label_error(predicted, real), is_own=is_own)]
    figures = [Figure(f"{name}: accuracy", 100 * accuracy(predicted, real), is_own=is_own)]
    if are_spans(model.names):
        figures.append(Figure(f"{name}: F1 of spans", 100 * span_scores(predicted, real).f1, is_own=is_own))
    return figures


def _notes(model: Annotator, evaluation: LabelEvaluation) -> list[str]:
    notes = [validation_loss(model.saved.best, "label")]
    if evaluation.unknown_accuracy is not None:
        notes.append(
            f"accuracy on the {evaluation.unknown_words:,} words outside the vocabulary: "
            f"{evaluation.unknown_accuracy:.1%}"
        )
    return [note for note in notes if note]


def _scores(evaluation: LabelEvaluation) -> list[Section]:
    """Return the scores of each label, and the most frequent confusions."""
    if not evaluation.by_label:
        return []
    scores = [
        (label, f"{one.f1:.1%}", f"{one.precision:.1%}", f"{one.recall:.1%}", f"{one.real:,}")
        for label, one in evaluation.by_label.items()
    ]
    sections = [Section("Each label", table(("label", "F1", "precision", "recall", "real"), scores))]
    taken = [(real, other, f"{count:,}") for real, other, count in evaluation.confusions[:_SHOWN]]
    if taken:
        sections.append(Section("Taken for another", table(("real", "found", "times"), taken)))
    return sections


def _examples(
    model: Annotator, valid: Encoded, predicted: Sequence[Sequence[str]], real: Sequence[Sequence[str]]
) -> str:
    """Return the first sequences with their labels; wrong ones are marked, with the right one beside them."""
    few = valid.part(0, min(_SHOWN, valid.texts))
    lines = []
    for source, own, actual in zip(model.sources_in(few), predicted, real, strict=False):
        if model.has_places and len(source) == len(own) > 1:
            words = zip(source, own, actual, strict=True)
            lines.append(" ".join(f"{escape(word)}/{_marked(one, other)}" for word, one, other in words))
        else:
            told = _marked(model.between.join(own), model.between.join(actual))
            lines.append(f"{escape(' '.join(source))} → {told}")
    return "\n".join(f"<p>{line}</p>" for line in lines)


def _marked(own: str, actual: str) -> str:
    if own == actual:
        return escape(own)
    return f"<mark>{escape(own or 'nothing')}</mark> (right: {escape(actual)})"
