"""Corpora and the streams of batches made from them. No PyTorch here."""

from ostinato.data.cache import Cache
from ostinato.data.corpus import Corpus, Kind, read_corpus
from ostinato.data.documents import Reading
from ostinato.data.embedded import EMBEDDED, digest
from ostinato.data.encoded import Encoded, encode_texts
from ostinato.data.splitting import split
from ostinato.data.streams import ContinuousStream, DocumentStream, Stream, build_stream, cut_window
from ostinato.disk.places import cache_folder

__all__ = [
    "EMBEDDED",
    "Cache",
    "ContinuousStream",
    "Corpus",
    "DocumentStream",
    "Encoded",
    "Kind",
    "Reading",
    "Stream",
    "build_stream",
    "cache_folder",
    "cut_window",
    "digest",
    "encode_texts",
    "read_corpus",
    "split",
]
