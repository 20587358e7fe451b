"""Corpora and the streams of batches made from them. No PyTorch here."""

from ostinato.data.corpus import Corpus, Kind, read_corpus, split
from ostinato.data.embedded import EMBEDDED, digest
from ostinato.data.encoded import Encoded, encode_texts
from ostinato.data.reading import Reading
from ostinato.data.streams import ContinuousStream, DocumentStream, Stream, build_stream, cut_window

__all__ = [
    "EMBEDDED",
    "ContinuousStream",
    "Corpus",
    "DocumentStream",
    "Encoded",
    "Kind",
    "Reading",
    "Stream",
    "build_stream",
    "cut_window",
    "digest",
    "encode_texts",
    "read_corpus",
    "split",
]
