"""The tunes that a run has learned from, by which new ones are judged; looked at once, kept in the run folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ostinato.codecs import Codec
from ostinato.disk.documents import read_document, write_document
from ostinato.errors import ConfigError, DamagedError
from ostinato.music import Tune
from ostinato.music.collection import VERSION, Collection, collect
from ostinato.music.tokens import tune_of
from ostinato.runs.folder import RunFolder

_FILE = "tunes.json"


def collection_of(path: Path, codec: Codec, tick: Callable[[int, int], None] | None = None) -> Collection:
    """Return what is known of the tunes of a run, held-out ones included.

    Args:
        path: The run folder.
        codec: Its codec.
        tick: Told how many of how many tunes have been looked at.

    Raises:
        ConfigError: It is a model file, which holds no tunes.
    """
    if path.is_file():
        raise ConfigError(f"{path} is a model file, which holds no tunes to compare with; give the run folder")
    run = RunFolder(path)
    digest = str(run.origin()["corpus_sha256"])
    kept = path / _FILE
    with suppress(DamagedError):  # then it is made anew
        found = read_document(kept)
        if found["corpus"] == digest and found["tunes"]["version"] == VERSION:
            return Collection.from_json(found["tunes"])
    collection = collect(training_tunes(run, codec), tick)
    write_document(kept, {"corpus": digest, "tunes": collection.to_json()})
    return collection


def training_tunes(run: RunFolder, codec: Codec) -> list[Tune]:
    """Return the tunes of a run, relative to C, with their titles."""
    parts = run.corpus()
    return [
        tune_of(codec.decode(part.part(n, n + 1).ids.tolist()).split()) for part in parts for n in range(part.texts)
    ]
