"""The tunes of a run, by which new ones are judged; collected once, then kept in the run folder."""

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
    """Return the collection of a run's tunes, held-out ones included.

    Args:
        path: The run folder.
        codec: Its codec.
        tick: Called with the number of tunes read so far, and in all.

    Raises:
        ConfigError: ``path`` is a model file, which holds no tunes.
    """
    if path.is_file():
        raise ConfigError(f"{path} is a model file, which holds no tunes to compare with; give the run folder")
    run = RunFolder(path)
    digest = str(run.origin()["corpus_sha256"])
    kept = path / _FILE
    with suppress(DamagedError):  # then it is made anew
        document = read_document(kept)
        if document["corpus"] == digest and document["tunes"]["version"] == VERSION:
            return Collection.from_json(document["tunes"])
    collection = collect(training_tunes(run, codec), tick)
    write_document(kept, {"corpus": digest, "tunes": collection.to_json()})
    return collection


def training_tunes(run: RunFolder, codec: Codec) -> list[Tune]:
    """Return the tunes of a run, relative to C, with their titles."""
    parts = run.corpus()
    return [
        tune_of(codec.decode(part.part(n, n + 1).ids.tolist()).split()) for part in parts for n in range(part.texts)
    ]
