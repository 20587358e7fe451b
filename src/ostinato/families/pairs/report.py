"""The report on a model of pairs: what it writes beside baselines, and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from rapidfuzz import fuzz, process

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.data.columns import Ids
from ostinato.data.pairs import SOURCE
from ostinato.decode.searching import SearchSettings
from ostinato.families.pairs.metrics import TextMetrics, text_metrics
from ostinato.families.pairs.translator import Translator, best_targets
from ostinato.families.report import Figure, Report, Section, held_out, validation_loss
from ostinato.families.verdict import read_curve

_MOST = 256  # held-out pairs
_COMPARED = 20_000  # training pairs that the most similar source is looked for in
_AT_ONCE = 32  # held-out sources that are compared with all of them
_SHOWN = 12
_REMARK = (
    "Exact targets, BLEU and chrF are better the larger they are, character errors the smaller. The baselines have "
    "learned nothing: one gives back the source, the other the target of the most similar source among the training "
    "pairs. Words that the model does not know are <unk> here on both sides; 'ostinato evaluate' takes references as "
    "they are written. What was held out chose which weights of the run are kept, which flatters them a little."
)


def report_on(model: Translator, doing: Callable[[str], None]) -> Report:
    """Make the report on a run; ``doing`` is called with what is being done."""
    run, train, valid = held_out(model.saved)
    valid = valid.part(0, min(_MOST, valid.texts))
    doing("translating")
    ids, sources, targets = _ids(valid), _sources(model.codec.source, valid), _targets(model.codec, valid)
    best = best_targets(model.network, model.codec, ids, SearchSettings(greedy=True))
    written = [model.codec.decode(one[0].symbols) for one in best]
    doing("looking for similar sources")
    known = train.part(max(0, train.texts - _COMPARED), train.texts)
    similar = _of_most_similar(_sources(model.codec.source, known), _targets(model.codec, known), sources)
    records = tuple(run.metrics())
    return Report(
        name=model.saved.path.name,
        unit="percent",
        measured_on=f"the first {valid.texts:,} held-out pairs, greedy",
        figures=(
            *_figures("this model", text_metrics(written, targets), is_own=True),
            *_figures("the source itself", text_metrics(sources, targets), is_own=False),
            *_figures("target of the most similar source", text_metrics(similar, targets), is_own=False),
        ),
        remark=_REMARK,
        records=records,
        verdict=read_curve(records, model.settings, data="pairs"),
        sections=(Section("What it writes", _examples(sources, written, targets)),),
        notes=tuple(filter(None, [validation_loss(model.saved.best, "symbol")])),
        digits=1,
    )


def _ids(data: Encoded) -> list[list[int]]:
    column = data.columns[SOURCE]
    assert isinstance(column, Ids)
    return column.lists()


def _sources(codec: Codec, data: Encoded) -> list[str]:
    return [codec.decode(ids).strip() for ids in _ids(data)]


def _targets(codec: Codec, data: Encoded) -> list[str]:
    return [codec.decode(ids) for ids in Ids(data.ids, data.offsets).lists()]


def _figures(name: str, metrics: TextMetrics, *, is_own: bool) -> list[Figure]:
    values = {"exact": 100 * metrics.exact, "character errors": 100 * metrics.character_error}
    if metrics.bleu:  # it is 0 where no four words in a row are right, as of targets of a word or two
        values |= {"BLEU": metrics.bleu, "chrF": metrics.chrf}
    return [Figure(f"{name}: {what}", value, is_own=is_own) for what, value in values.items()]


def _of_most_similar(known: Sequence[str], targets: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Return for each source the target of the known source that shares most characters with it, in their order."""
    best = list[int]()
    for first in range(0, len(sources), _AT_ONCE):
        some = sources[first : first + _AT_ONCE]
        best += process.cdist(some, known, scorer=fuzz.ratio, dtype=np.uint8).argmax(axis=1).tolist()
    return [targets[number] for number in best]


def _examples(sources: Sequence[str], written: Sequence[str], targets: Sequence[str]) -> str:
    """Return the first pairs as a table; what is not the reference is marked."""
    rows = "".join(
        f"<tr><td>{escape(source)}</td><td>{escape(own) if own == target else f'<mark>{escape(own)}</mark>'}</td>"
        f"<td>{escape(target)}</td></tr>"
        for source, own, target in list(zip(sources, written, targets, strict=True))[:_SHOWN]
    )
    return f"<table><tr><th>source</th><th>written</th><th>reference</th></tr>{rows}</table>"
