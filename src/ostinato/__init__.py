"""ostinato: a workshop for recurrent sequence models.

>>> import ostinato
>>> sorted(set(ostinato.__all__) - set(dir(ostinato)))
[]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostinato.codecs import ByteCodec, CharacterCodec, Codec, SubwordCodec, WordCodec
    from ostinato.data import Corpus, Reading, read_corpus
    from ostinato.data.pairs import corpus_of_pairs, read_pairs
    from ostinato.decode.pipeline import RuleSettings
    from ostinato.decode.searching import SearchSettings
    from ostinato.errors import (
        CodecError,
        ConfigError,
        CorpusError,
        DamagedError,
        OstinatoError,
        RunError,
        TrainingError,
        UnknownSymbolError,
    )
    from ostinato.families import RECIPES
    from ostinato.families.labels.annotator import Annotator
    from ostinato.families.labels.reading import read_labelled
    from ostinato.families.pairs.translator import Translator
    from ostinato.families.text.generation import Generation
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.results import Sample, Score, ScoredPart
    from ostinato.training.evaluation import Evaluation
    from ostinato.training.loop import Evaluated, RolledBack, Stepped, Stopped
    from ostinato.workshop.holding import load
    from ostinato.workshop.resume import resume
    from ostinato.workshop.run import Training
    from ostinato.workshop.start import train

# Each name is imported on first use: importing the package must not cost what PyTorch costs.
_HOMES = {
    "ostinato.codecs": ("ByteCodec", "CharacterCodec", "Codec", "SubwordCodec", "WordCodec"),
    "ostinato.data": ("Corpus", "Reading", "read_corpus"),
    "ostinato.families.labels.reading": ("read_labelled",),
    "ostinato.data.pairs": ("corpus_of_pairs", "read_pairs"),
    "ostinato.decode.pipeline": ("RuleSettings",),
    "ostinato.decode.searching": ("SearchSettings",),
    "ostinato.errors": (
        "CodecError",
        "ConfigError",
        "CorpusError",
        "DamagedError",
        "OstinatoError",
        "RunError",
        "TrainingError",
        "UnknownSymbolError",
    ),
    "ostinato.families": ("RECIPES",),
    "ostinato.training.evaluation": ("Evaluation",),
    "ostinato.training.loop": ("Evaluated", "RolledBack", "Stepped", "Stopped"),
    "ostinato.families.text.generation": ("Generation",),
    "ostinato.families.labels.annotator": ("Annotator",),
    "ostinato.families.text.model": ("TextModel",),
    "ostinato.families.text.results": ("Sample", "Score", "ScoredPart"),
    "ostinato.workshop.holding": ("load",),
    "ostinato.workshop.resume": ("resume",),
    "ostinato.workshop.start": ("train",),
    "ostinato.workshop.run": ("Training",),
    "ostinato.families.pairs.translator": ("Translator",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # a test checks that these are the names of _HOMES
    "RECIPES",
    "Annotator",
    "ByteCodec",
    "CharacterCodec",
    "Codec",
    "CodecError",
    "ConfigError",
    "Corpus",
    "CorpusError",
    "DamagedError",
    "Evaluated",
    "Evaluation",
    "Generation",
    "OstinatoError",
    "Reading",
    "RolledBack",
    "RuleSettings",
    "RunError",
    "Sample",
    "Score",
    "ScoredPart",
    "SearchSettings",
    "Stepped",
    "Stopped",
    "SubwordCodec",
    "TextModel",
    "Training",
    "TrainingError",
    "Translator",
    "UnknownSymbolError",
    "WordCodec",
    "corpus_of_pairs",
    "load",
    "read_corpus",
    "read_labelled",
    "read_pairs",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ostinato' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
