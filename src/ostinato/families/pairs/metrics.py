"""Metrics of translations: BLEU and chrF as published, exact matches, edit distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TextMetrics:
    """Metrics of texts against their references.

    Attributes:
        texts: Number of texts.
        exact: Share that is the reference, character for character.
        bleu: BLEU of the corpus, 0 to 100.
        bleu_signature: Sacrebleu's record of how it was computed: without this a BLEU says nothing.
        chrf: ChrF of the corpus, 0 to 100.
        chrf_signature: Sacrebleu's record of how it was computed.
        character_error: Edits (insertions, deletions, substitutions) per character of the references.
    """

    texts: int
    exact: float
    bleu: float
    bleu_signature: str
    chrf: float
    chrf_signature: str
    character_error: float


def text_metrics(found: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> TextMetrics:
    """Compare texts with one reference each.

    Args:
        found: The texts.
        references: Reference of each text.
        lowercase: Whether BLEU is of texts in small letters; the signature says so.

    Source: Post 2018, arXiv:1804.08771 (sacrebleu); chrF: Popović 2015.
    """
    from rapidfuzz.distance import Levenshtein
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(lowercase=lowercase), CHRF()
    pairs = list(zip(found, references, strict=True))
    edits = sum(Levenshtein.distance(one, other) for one, other in pairs)
    return TextMetrics(
        texts=len(pairs),
        exact=sum(one == other for one, other in pairs) / len(pairs),
        bleu=bleu.corpus_score(list(found), [list(references)]).score,
        bleu_signature=str(bleu.get_signature()),
        chrf=chrf.corpus_score(list(found), [list(references)]).score,
        chrf_signature=str(chrf.get_signature()),
        character_error=edits / max(1, sum(map(len, references))),
    )
